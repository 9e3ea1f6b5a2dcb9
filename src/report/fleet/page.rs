//! Several machines on one page: tables by host, chip and configuration, and the verdict on
//! each configuration over all of them. With `private`, hosts are numbers.

use super::pooled::{judged, overall};
use super::randomised::trials;
use super::{Host, Total, by_chip, by_configuration};
use crate::report::verdict::Kind;
use crate::report::{days, plural};
use crate::style;
use crate::text::wrap;
use std::fmt::Write;

/// The table shows so many NICs, those that hang most.
const ROWS: usize = 40;

pub fn page(hosts: &[Host], width: usize, private: bool) -> String {
    let width = width.clamp(40, 200);
    let mut out = String::new();
    let nics: usize = hosts.iter().map(|host| host.nics.len()).sum();
    let head = format!("{}, {}", plural(hosts.len(), "host"), plural(nics, "NIC"));
    let _ = writeln!(out, "{}\n", style::strong(&head));
    by_host(&mut out, hosts, private);
    table(&mut out, "chip", &by_chip(hosts));
    table(&mut out, "in force", &by_configuration(hosts));
    let without = hosts
        .iter()
        .enumerate()
        .filter(|(_, host)| host.nics.is_empty());
    let without: Vec<String> = without
        .map(|(number, host)| called(host, number, private))
        .collect();
    if !without.is_empty() {
        let text = format!("No line of an e1000e NIC: {}", without.join(", "));
        wrap(&mut out, &text, width, "  ");
        out.push('\n');
    }
    let judged = judged(hosts);
    let overall = overall(hosts, &judged);
    for one in judged
        .iter()
        .filter(|one| one.configuration != overall.configuration)
    {
        wrap(
            &mut out,
            &format!("{}: {}", one.configuration, one.text),
            width,
            "  ",
        );
    }
    for trial in trials(hosts) {
        wrap(&mut out, &trial.said().1, width, "  ");
    }
    let mut text = String::new();
    wrap(&mut text, &overall.text, width, "");
    for line in text.lines() {
        let _ = writeln!(out, "{}", styled(overall.kind)(line));
    }
    out
}

fn styled(kind: Kind) -> fn(&str) -> String {
    match kind {
        Kind::LikelyFixed | Kind::NoIncidents => style::good,
        Kind::NotFixed | Kind::Affected | Kind::Fewer => style::bad,
        Kind::Unknown | Kind::TooEarly => style::open,
    }
}

pub(super) fn called(host: &Host, number: usize, private: bool) -> String {
    if private {
        format!("host {}", number + 1)
    } else {
        host.name.clone()
    }
}

fn by_host(out: &mut String, hosts: &[Host], private: bool) {
    let mut rows = Vec::new();
    for (number, host) in hosts.iter().enumerate() {
        for nic in &host.nics {
            let total = nic.total();
            let kind = nic.kind.map_or("-", Kind::word);
            rows.push((
                total.incidents,
                [
                    called(host, number, private),
                    if private {
                        super::super::without_mac(&nic.interface)
                    } else {
                        nic.interface.clone()
                    },
                    nic.chip.clone().unwrap_or_else(|| "-".into()),
                    days(total.days),
                    total.incidents.to_string(),
                    total.bursts.to_string(),
                    nic.now().unwrap_or("not known").to_owned(),
                    kind.to_owned(),
                ],
            ));
        }
    }
    let hidden = rows.len().saturating_sub(ROWS);
    if hidden > 0 {
        rows.sort_by_key(|(incidents, _)| std::cmp::Reverse(*incidents));
        rows.truncate(ROWS);
    }
    let heads = [
        "host",
        "NIC",
        "chip",
        "up-time",
        "incidents",
        "bursts",
        "in force",
        "verdict",
    ];
    let rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
    columns(out, heads, &rows, 3..6);
    if hidden > 0 {
        let _ = writeln!(
            out,
            "  … and {} with fewer; --json lists all",
            plural(hidden, "NIC")
        );
    }
    out.push('\n');
}

fn table(out: &mut String, what: &'static str, totals: &[(String, Total)]) {
    let row = |(name, total): &(String, Total)| {
        let rate = total.rate().map_or("-".into(), |rate| format!("{rate:.1}"));
        [
            name.clone(),
            total.hosts.to_string(),
            total.nics.to_string(),
            days(total.days),
            total.incidents.to_string(),
            total.bursts.to_string(),
            rate,
        ]
    };
    let rows: Vec<_> = totals.iter().map(row).collect();
    let heads = [
        what,
        "hosts",
        "NICs",
        "up-time",
        "incidents",
        "bursts",
        "in 100 days",
    ];
    columns(out, heads, &rows, 1..7);
    out.push('\n');
}

/// A table; the columns in `right` are set to the right.
fn columns<const N: usize>(
    out: &mut String,
    heads: [&str; N],
    rows: &[[String; N]],
    right: std::ops::Range<usize>,
) {
    let heads = heads.map(String::from);
    let width = |column: usize| {
        let all = rows.iter().chain([&heads]);
        all.map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    for row in [&heads].into_iter().chain(rows) {
        let mut line = String::from(" ");
        for (column, text) in row.iter().enumerate() {
            let width = widths[column];
            let _ = if right.contains(&column) {
                write!(line, " {text:>width$}")
            } else {
                write!(line, " {text:<width$}")
            };
            line.push(' ');
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
}
