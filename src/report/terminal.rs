//! The page for a terminal: a line of days, the table of incidents, the registers of the
//! last one in words, what else was seen, and the verdict. Never wider than asked.

use super::history::{History, stretch_of};
use super::in_force::InForce;
use super::timeline::{self, State, Timeline};
use super::trials;
use super::verdict::{self, Kind};
use super::{changes, configurations};
use super::{clean, nic_name, plural, span, when};
use crate::hang::{EndedBy, Incident};
use crate::style;
use crate::text::wrap;
use jiff::tz::TimeZone;
use std::fmt::Write;

/// The table shows so many incidents of a NIC, the latest.
const ROWS: usize = 20;

pub fn page(history: &History, zone: &TimeZone, width: usize) -> String {
    let width = width.clamp(40, 200);
    let mut out = String::new();
    for nic in 0..history.incidents.nics.len() {
        let n = &history.incidents.nics[nic];
        let incidents: Vec<&Incident> = history.incidents.of(nic).collect();
        if incidents.is_empty() && n.device.driver.as_deref() != Some("e1000e") {
            continue;
        }
        let driver = clean(n.device.driver.as_deref().unwrap_or("e1000e"));
        let mut head = format!("{}  {driver}", nic_name(n));
        if let Some(pci) = n.device.pci.as_deref().filter(|_| n.device.name.is_some()) {
            let _ = write!(head, " {}", clean(pci));
        }
        let _ = writeln!(out, "{}", style::strong(&head));
        let mut counts = format!("  {}", super::counts(n, &incidents));
        if n.recoveries > 0 {
            counts += &format!(", brought back by unhang {}", plural(n.recoveries, "time"));
        }
        wrap(&mut out, &counts, width, "  ");
        out.push('\n');
        let line = timeline::of_nic(history, nic, zone);
        draw(&mut out, &line, width);
        configurations(&mut out, history, nic, zone, width);
        table(&mut out, history, &incidents, zone, width);
    }
    let seen = &history.incidents.lookalikes;
    if !seen.is_empty() {
        out.push_str("Seen, but not this bug:\n");
        for (kind, count) in seen {
            wrap(
                &mut out,
                &format!("  {count} × {}", kind.advice()),
                width,
                "      ",
            );
        }
        out.push('\n');
    }
    let mut notes = history.empty_files.iter().chain(&history.notes).peekable();
    if notes.peek().is_some() {
        out.push_str("What the log does not tell:\n");
        for note in notes {
            wrap(&mut out, &format!("  {note}"), width, "  ");
        }
        out.push('\n');
    }
    let verdict = verdict::overall(history);
    let mut text = String::new();
    wrap(&mut text, &verdict.text, width, "");
    let styled = match verdict.kind {
        Kind::LikelyFixed | Kind::NoIncidents => style::good,
        Kind::NotFixed | Kind::Affected | Kind::Fewer => style::bad,
        Kind::Unknown | Kind::TooEarly => style::open,
    };
    for line in text.lines() {
        let _ = writeln!(out, "{}", styled(line));
    }
    out
}

fn draw(out: &mut String, line: &Timeline, width: usize) {
    if line.days.is_empty() {
        return;
    }
    let (per, groups) = line.grouped(width - 2);
    let last = line.label(line.days.len() - 1);
    let mut scale = line.label(0);
    if line.days.len() > 1 {
        let gap = groups.len().saturating_sub(scale.len() + last.len()).max(2);
        let _ = write!(scale, "{:gap$}{last}", "");
    }
    let _ = writeln!(out, "  {scale}");
    out.push_str("  ");
    for day in &groups {
        let mark = match (day.incidents, day.state) {
            (0, State::NoLog) => " ".to_string(),
            (0, _) => "·".to_string(),
            (n @ 1..=9, _) => style::bad(&n.to_string()),
            _ => style::bad("#"),
        };
        out.push_str(&mark);
    }
    out.push_str("\n  ");
    for day in &groups {
        let mark = mark(line, day.state);
        out.push_str(&match day.state {
            State::Is(InForce::Default) => style::bad(&mark),
            State::Is(InForce::Set(_)) => style::good(&mark),
            _ => mark,
        });
    }
    out.push('\n');
    let unit = match per {
        1 => "a day".to_string(),
        n => format!("in {n} days"),
    };
    let shown = |state: State| groups.iter().any(|day| day.state == state);
    let count = |from: u32, to: u32| {
        groups
            .iter()
            .any(|day| (from..=to).contains(&day.incidents))
    };
    let upper = [
        (count(0, 0), "· none".into()),
        (count(10, u32::MAX), "# ten or more".into()),
        (shown(State::NoLog), "blank: no log".into()),
    ];
    legend(out, &format!("incidents {unit}"), &upper, width);
    let mut lower: Vec<(bool, String)> = Vec::new();
    for (state, name) in &line.states {
        let known = state.is_known() && shown(State::Mixed);
        let state = State::Is(*state);
        let shown = known || shown(state);
        lower.push((shown, format!("{} {name}", mark(line, state))));
    }
    lower.push((shown(State::Mixed), "/ changed".into()));
    legend(out, "in force", &lower, width);
    out.push('\n');
}

/// A letter for what was in force.
fn mark(line: &Timeline, state: State) -> String {
    let mark = match state {
        State::NoLog => ' ',
        State::Mixed => '/',
        State::Is(InForce::Unknown) => '?',
        State::Is(InForce::Changed) => '!',
        State::Is(InForce::Default) => '-',
        State::Is(set) => match line.place_of(set) {
            0 => '=',
            earlier => ('a'..='z').nth(earlier - 1).unwrap_or('+'),
        },
    };
    mark.into()
}

/// What the marks mean that are there; a mark is not parted from its meaning.
fn legend(out: &mut String, what: &str, marks: &[(bool, String)], width: usize) {
    let mut line = format!("  {what}");
    let mut separator = ": ";
    for (_, mark) in marks.iter().filter(|(shown, _)| *shown) {
        let length = line.chars().count() + separator.len() + mark.chars().count();
        if length > width {
            let _ = writeln!(out, "{line}{}", separator.trim_end());
            line = "    ".into();
            separator = "";
        }
        line += separator;
        line += mark;
        separator = ", ";
    }
    let _ = writeln!(out, "{line}");
}

/// The configurations, and what came of each change.
fn configurations(out: &mut String, history: &History, nic: usize, zone: &TimeZone, width: usize) {
    let all = configurations::of_nic(history, nic);
    let mut lines = trials::lines(history, nic, zone);
    if all.has_set() {
        lines.splice(..0, changes::lines(&all, zone));
    }
    if lines.is_empty() {
        return;
    }
    let hidden = lines.len().saturating_sub(ROWS);
    if hidden > 0 {
        let _ = writeln!(out, "  {hidden} earlier changes; --json lists all");
    }
    for line in &lines[hidden..] {
        wrap(out, &format!("  {line}"), width, "    ");
    }
    out.push('\n');
}

fn table(
    out: &mut String,
    history: &History,
    incidents: &[&Incident],
    zone: &TimeZone,
    width: usize,
) {
    let Some(any) = incidents.first() else {
        return;
    };
    let stretches = history.stretches(any.nic);
    let in_force = |incident: &Incident| {
        let at = stretch_of(&stretches, incident);
        let state = at.map_or(InForce::Unknown, |stretch| stretch.state);
        history.own.name(state)
    };
    let hidden = incidents.len().saturating_sub(ROWS);
    let names = incidents[hidden..]
        .iter()
        .map(|incident| in_force(incident));
    let names: Vec<String> = names.collect();
    let header = "start                lasted       blocks  Mb/s  ended by     in force";
    let longest = names.iter().map(|name| name.chars().count()).max();
    let narrow = width < header.len() - 6 + longest.unwrap_or(0).max(8);
    if !narrow {
        let _ = writeln!(out, "  {header}");
    }
    let earlier: u64 = incidents[..hidden].iter().map(|i| i.times).sum();
    for (i, in_force) in incidents[hidden..].iter().zip(&names) {
        let start = when(&i.start, zone);
        let lasted = match &i.end {
            Some(end) => end.since(&i.start).map_or("?".into(), span),
            None if i.ended_by == Some(EndedBy::Never) => "to power-off".into(),
            None => "log ends".into(),
        };
        let speed = i.speed.map_or("?".into(), |s| s.to_string());
        let by = match i.ended_by {
            Some(EndedBy::Reset) => "driver reset",
            Some(EndedBy::Unhang) => "unhang",
            Some(EndedBy::Link) => "link down/up",
            Some(EndedBy::Quiet) => "by itself",
            Some(EndedBy::Never) => "never",
            None => "-",
        };
        if narrow {
            let blocks = plural(i.blocks, "block");
            let text = format!(
                "  {start}: {lasted}, {blocks}, {speed} Mb/s, ended by: {by}, in force: {in_force}"
            );
            wrap(out, &text, width, "    ");
        } else {
            let _ = writeln!(
                out,
                "  {start:<19}  {lasted:<12} {:>6}  {speed:>4}  {by:<12} {in_force}",
                i.blocks
            );
        }
    }
    if hidden > 0 {
        let _ = writeln!(out, "  … and {earlier} earlier; --json lists all");
    }
    out.push('\n');
    let last = incidents.iter().rev().find(|i| !i.registers.is_empty());
    if let Some(i) = last {
        let _ = writeln!(out, "  registers at {}:", when(&i.start, zone));
        let hz = i.registers.hz(&i.start);
        for words in i.registers.words(hz) {
            wrap(out, &format!("    {words}"), width, "      ");
        }
        out.push('\n');
    }
}
