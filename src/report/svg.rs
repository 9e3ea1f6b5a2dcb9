//! The timeline as a picture that can be posted: bars of incidents a day, a band that shows
//! what was in force, and the verdict. Plain SVG 1.1 with its own background, no
//! scripts, no fonts to load, nothing that names the machine.

use super::history::History;
use super::in_force::InForce;
use super::timeline::{self, State, Timeline};
use super::verdict::{self, Kind};
use super::{changes, configurations, nic_name, without_mac};
use crate::text::wrap;
use jiff::tz::TimeZone;
use std::fmt::Write;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 24.0;
const BARS: f64 = 120.0;
/// The latest changes of a NIC that have a line below the verdict.
const CHANGES: usize = 12;
/// Room above the bars for the NIC's name and the label of the change.
const HEAD: f64 = 46.0;
/// Colours of the band.
const DEFAULT: &str = "#f1c9c4";
const UNKNOWN: &str = "#cbd2d9";
const CHANGED: &str = "#7b8794";
/// What was set before the last.
const EARLIER: [&str; 4] = ["#5b8def", "#b48ead", "#e0a030", "#4fb3bf"];
const INK: &str = "#1f2933";
const GREY: &str = "#7b8794";
const RED: &str = "#c0392b";
const DARK: &str = "#5b1a12";
const GREEN: &str = "#2e8b57";

/// The picture: one row for every NIC that had an incident, or the first NIC.
pub fn picture(history: &History, zone: &TimeZone) -> String {
    let nics = &history.incidents.nics;
    let mut rows: Vec<usize> = (0..nics.len()).filter(|i| nics[*i].blocks > 0).collect();
    if rows.is_empty() && !nics.is_empty() {
        rows.push(0);
    }
    rows.truncate(8);
    let verdict = verdict::overall(history);
    let mut text = String::new();
    wrap(&mut text, &without_mac(&verdict.text), 112, "");
    let said = text.lines().count();
    // Where there were several changes, what came of each.
    for nic in &rows {
        let all = configurations::of_nic(history, *nic);
        if all.runs().count() > 2 {
            let lines = changes::lines(&all, zone);
            let hidden = lines.len().saturating_sub(CHANGES);
            for line in &lines[hidden..] {
                wrap(&mut text, &without_mac(line), 112, "  ");
            }
        }
    }
    let lines: Vec<Timeline> = rows
        .iter()
        .map(|nic| timeline::of_nic(history, *nic, zone))
        .collect();
    let row = |line: &Timeline| BARS + HEAD + 50.0 + 18.0 * legend(line).1;
    let drawn: f64 = lines.iter().map(row).sum();
    let height = 24.0 + drawn + 20.0 * text.lines().count() as f64 + 28.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\" fill=\"{INK}\">\n<title>e1000e hang incidents over time</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    let mut top = 24.0;
    for (nic, line) in rows.iter().zip(&lines) {
        let name = without_mac(&nic_name(&nics[*nic]));
        draw(&mut out, line, &name, top);
        top += row(line);
    }
    top += 8.0;
    let color = match verdict.kind {
        Kind::LikelyFixed | Kind::NoIncidents => GREEN,
        Kind::NotFixed | Kind::Affected | Kind::Fewer => RED,
        Kind::Unknown | Kind::TooEarly => INK,
    };
    for (i, line) in text.lines().enumerate() {
        let y = top + 20.0 * (i as f64 + 1.0);
        let color = if i < said { color } else { INK };
        let _ = writeln!(
            out,
            "<text x=\"{LEFT}\" y=\"{y}\" font-size=\"14\" fill=\"{color}\">{}</text>",
            escape(line)
        );
    }
    out.push_str("</svg>\n");
    out
}

#[allow(clippy::too_many_lines, reason = "one element after the other")]
fn draw(out: &mut String, line: &Timeline, name: &str, top: f64) {
    let inner = WIDTH - LEFT - RIGHT;
    let (per, days) = line.grouped(240);
    if days.is_empty() {
        return;
    }
    let step = (inner / days.len() as f64).min(48.0);
    let used = step * days.len() as f64;
    let most = days.iter().map(|d| d.incidents).max().unwrap_or(0).max(1);
    let base = top + HEAD + BARS;
    let unit = match per {
        1 => "incidents a day".to_string(),
        n => format!("incidents in {n} days"),
    };
    let _ = writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"{}\" font-size=\"15\" font-weight=\"bold\">{}<tspan dx=\"10\" font-weight=\"normal\" font-size=\"13\" fill=\"{GREY}\">{unit}</tspan></text>",
        top + 12.0,
        escape(name)
    );
    // Three heights at most, whole numbers.
    let mut marks = vec![0, most];
    if most >= 4 {
        marks.push(most / 2);
    }
    for mark in marks {
        let y = base - BARS * f64::from(mark) / f64::from(most);
        let _ = writeln!(
            out,
            "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#e4e7eb\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"{GREY}\">{mark}</text>",
            LEFT + used,
            LEFT - 8.0,
            y + 4.0
        );
    }
    for (i, day) in days.iter().enumerate() {
        let x = LEFT + step * i as f64;
        if day.incidents > 0 {
            let gap = if step > 4.0 { 1.5 } else { 0.0 };
            let mut bar = |from: u32, to: u32, fill: &str, left: f64, right: f64| {
                let high = |n: u32| BARS * f64::from(n) / f64::from(most);
                let _ = writeln!(
                    out,
                    "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{fill}\"><title>{}: {}</title></rect>",
                    x + gap + step * left,
                    base - high(to),
                    step * (right - left) - 2.0 * gap,
                    high(to - from),
                    line.label(i * per),
                    to - from
                );
            };
            let without = day.incidents - day.in_spite;
            // On the day of the change, each on its side of the line.
            let last = line.changes.last().filter(|last| last.day == i);
            let part = last.filter(|_| per == 1 && step > 12.0);
            let part = part.map(|last| last.part);
            if without > 0 {
                let right = part.map_or(1.0, |p| p.max(0.3));
                bar(0, without, RED, 0.0, right);
            }
            match part {
                _ if day.in_spite == 0 => {}
                Some(part) => bar(0, day.in_spite, DARK, part.min(0.7), 1.0),
                None => bar(without, day.incidents, DARK, 0.0, 1.0),
            }
        }
    }
    // The band: runs of equal state; on a day of changes, as they came.
    let mut i = 0;
    while i < days.len() {
        let state = days[i].state;
        let end = i + days[i..].iter().take_while(|d| d.state == state).count();
        let (mut from, to) = (i as f64, end as f64);
        let mut band = |from: f64, to: f64, fill: &str| {
            let _ = writeln!(
                out,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"10\" fill=\"{fill}\"/>",
                LEFT + step * from,
                base + 4.0,
                step * (to - from)
            );
        };
        match state {
            State::NoLog => {}
            State::Is(state) => band(from, to, colour(line, state)),
            State::Mixed => {
                let mut after = UNKNOWN;
                for change in &line.changes {
                    let at = (change.day as f64 + change.part) / per as f64;
                    if (from..to).contains(&at) {
                        band(from, at, colour(line, change.from));
                        (from, after) = (at, colour(line, change.to));
                    }
                }
                band(from, to, after);
            }
        }
        i = end;
    }
    let mut label = |x: f64, anchor: &str, text: &str| {
        let _ = writeln!(
            out,
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" fill=\"{GREY}\">{}</text>",
            base + 30.0,
            escape(text)
        );
    };
    label(LEFT, "start", &line.label(0));
    if used > 240.0 {
        label(LEFT + used, "end", &line.label(line.days.len() - 1));
    }
    for (x, y, fill, words) in legend(line).0 {
        let y = base + 50.0 + 18.0 * y;
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{:.1}\" width=\"12\" height=\"10\" fill=\"{fill}\"/><text x=\"{}\" y=\"{y:.1}\" fill=\"{GREY}\">{}</text>",
            y - 9.0,
            x + 18.0,
            escape(&words)
        );
    }
    // As many labels as have room; the colours tell the others.
    let (mut free, mut last) = (LEFT, 0.0);
    for change in &line.changes {
        let x = LEFT + step * (change.day as f64 + change.part) / per as f64;
        if x < last + 1.0 {
            continue;
        }
        last = x;
        let words = format!("{} from {}", change.name, line.label(change.day));
        let width = 7.0 * words.chars().count() as f64;
        let fits_right = x + width < WIDTH;
        let (anchor, from) = if fits_right {
            ("start", x)
        } else {
            ("end", x - width)
        };
        let fill = colour(line, change.to);
        let _ = writeln!(
            out,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\" stroke=\"{fill}\" stroke-width=\"2\" stroke-dasharray=\"4 3\"/>",
            base - BARS - 6.0,
            base + 14.0,
        );
        if from >= free {
            free = from + width + 12.0;
            let _ = writeln!(
                out,
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" fill=\"{INK}\">{}</text>",
                base - BARS - 11.0,
                escape(&words)
            );
        }
    }
}

fn colour(line: &Timeline, state: InForce) -> &'static str {
    match state {
        InForce::Unknown => UNKNOWN,
        InForce::Changed => CHANGED,
        InForce::Default => DEFAULT,
        InForce::Set(_) => match line.place_of(state) {
            0 => GREEN,
            earlier => EARLIER[(earlier - 1) % EARLIER.len()],
        },
    }
}

/// What the colours mean, each with its place; and how many lines that takes.
fn legend(line: &Timeline) -> (Vec<(f64, f64, &'static str, String)>, f64) {
    let mut entries: Vec<(&'static str, String)> = Vec::new();
    let states = line.states.iter();
    entries.extend(states.map(|(state, name)| (colour(line, *state), name.clone())));
    let any = |count: fn(&timeline::Day) -> u32| line.days.iter().any(|day| count(day) > 0);
    if any(|day| day.incidents - day.in_spite) {
        entries.push((RED, "incidents".into()));
    }
    if any(|day| day.in_spite) {
        let last = line
            .states
            .iter()
            .rfind(|(s, _)| matches!(s, InForce::Set(_)));
        let name = last.map_or("what was set", |(_, name)| name);
        entries.push((DARK, format!("incidents with {name}")));
    }
    let (mut x, mut y) = (LEFT, 0.0);
    let mut placed = Vec::new();
    for (fill, words) in entries {
        let width = 30.0 + 7.5 * words.chars().count() as f64;
        if x > LEFT && x + width > WIDTH {
            (x, y) = (LEFT, y + 1.0);
        }
        placed.push((x, y, fill, words));
        x += width;
    }
    (placed, y + 1.0)
}

pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c if crate::text::is_unprintable(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
