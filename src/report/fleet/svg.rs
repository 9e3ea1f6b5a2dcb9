//! Several machines as a picture that can be posted: a row for each NIC, with what was in
//! force when, and a mark for each incident. Hosts are numbers, nothing names them.

use super::pooled::{judged, overall};
use super::{Host, Nic, PlacedPeriod, names};
use crate::report::svg::escape;
use crate::text::wrap;
use std::fmt::Write;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 96.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 40.0;
const ROW: f64 = 14.0;
/// Rows of more NICs than this are left out, those that hang least.
const ROWS: usize = 200;
const COLOURS: [&str; 7] = [
    "#f1c9c4", "#2e8b57", "#5b8def", "#b48ead", "#e0a030", "#4fb3bf", "#8d6e63",
];
const UNKNOWN: &str = "#cbd2d9";
const INK: &str = "#1f2933";
const RED: &str = "#c0392b";
/// Microseconds in a day.
const DAY: f64 = 86_400e6;

/// The picture; what bears no date is not in it.
pub fn picture(hosts: &[Host]) -> String {
    let names = names(hosts);
    let colour = |name: Option<&str>| {
        let place = name.and_then(|name| names.iter().position(|known| known == name));
        // The first colour is the default's.
        let shift = usize::from(names.first().is_none_or(|name| name != "default"));
        place.map_or(UNKNOWN, |place| COLOURS[(place + shift) % COLOURS.len()])
    };
    let each = hosts.iter().enumerate();
    let mut rows: Vec<(usize, &Nic)> = each
        .flat_map(|(number, host)| host.nics.iter().map(move |nic| (number, nic)))
        .collect();
    if rows.len() > ROWS {
        rows.sort_by_key(|(_, nic)| std::cmp::Reverse(nic.total().incidents));
        rows.truncate(ROWS);
        rows.sort_by_key(|(number, _)| *number);
    }
    let mut spans = Vec::new();
    for (row, (_, nic)) in rows.iter().enumerate() {
        for period in &nic.periods {
            if let Some(since) = period.since {
                spans.push((row, since as f64 / DAY, period));
            }
        }
    }
    let first = spans
        .iter()
        .map(|(_, at, _)| *at)
        .fold(f64::INFINITY, f64::min);
    let last = spans
        .iter()
        .map(|(_, at, p)| at + p.days)
        .fold(first, f64::max);
    let scale = (WIDTH - LEFT - RIGHT) / (last - first).max(1.0);
    let x = |day: f64| LEFT + (day - first) * scale;
    let judged = judged(hosts);
    let mut text = String::new();
    wrap(&mut text, &overall(hosts, &judged).text, 112, "");
    let below = TOP + ROW * rows.len() as f64;
    let height = below + 44.0 + 18.0 * (text.lines().count() + names.len().div_ceil(4)) as f64;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    let label = |out: &mut String, x: f64, y: f64, text: &str| {
        let _ = writeln!(
            out,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{INK}\">{}</text>",
            escape(text)
        );
    };
    for (row, (number, _)) in rows.iter().enumerate() {
        let before = row.checked_sub(1).map(|before| rows[before].0);
        if before != Some(*number) {
            let y = TOP + ROW * (row as f64 + 0.85);
            label(&mut out, 12.0, y, &format!("host {}", number + 1));
        }
    }
    draw(&mut out, &spans, x, scale, colour);
    if first.is_finite() {
        for (day, x, anchor) in [(first, LEFT, "start"), (last, WIDTH - RIGHT, "end")] {
            let date = jiff::Timestamp::from_microsecond((day * DAY) as i64);
            let date =
                date.map_or_else(|_| String::new(), |at| at.strftime("%Y-%m-%d").to_string());
            let _ = writeln!(
                out,
                "<text x=\"{x:.1}\" y=\"28\" text-anchor=\"{anchor}\" fill=\"{INK}\">{date}</text>"
            );
        }
    }
    for (index, name) in names.iter().enumerate() {
        let place = LEFT + (index % 4) as f64 * 210.0;
        let y = below + 20.0 + (index / 4) as f64 * 18.0;
        let fill = colour(Some(name));
        let _ = writeln!(
            out,
            "<rect x=\"{place:.1}\" y=\"{:.1}\" width=\"12\" height=\"12\" fill=\"{fill}\"/>",
            y - 11.0
        );
        label(&mut out, place + 18.0, y, name);
    }
    let mut y = below + 30.0 + 18.0 * names.len().div_ceil(4) as f64;
    for line in text.lines() {
        label(&mut out, 12.0, y, line);
        y += 18.0;
    }
    out + "</svg>\n"
}

/// What was in force, and the incidents over it.
fn draw<'a>(
    out: &mut String,
    spans: &[(usize, f64, &'a PlacedPeriod)],
    x: impl Fn(f64) -> f64,
    scale: f64,
    colour: impl Fn(Option<&'a str>) -> &'static str,
) {
    let top = |row: usize| TOP + ROW * row as f64 + 1.0;
    let height = ROW - 2.0;
    for (row, at, period) in spans {
        let (y, width) = (top(*row), (period.days * scale).max(0.5));
        let fill = colour(period.configuration.as_deref());
        let _ = writeln!(
            out,
            "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\"/>",
            x(*at)
        );
    }
    for (row, at, period) in spans {
        let y = top(*row);
        let mut drawn = f64::NEG_INFINITY;
        for incident in &period.incidents {
            let x = x(at + incident);
            // One mark a place.
            if x - drawn >= 0.5 {
                drawn = x;
                let _ = writeln!(
                    out,
                    "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"1.5\" height=\"{height:.1}\" fill=\"{RED}\"/>"
                );
            }
        }
    }
}
