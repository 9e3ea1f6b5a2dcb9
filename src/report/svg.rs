//! The timeline as a picture that can be posted: bars of incidents a day, a band that shows
//! when the fix was in force, and the verdict. Plain SVG 1.1 with its own background, no
//! scripts, no fonts to load, nothing that names the machine.

use super::history::History;
use super::timeline::{self, Fix, Timeline};
use super::verdict::{self, Kind};
use super::{nic_name, without_mac, wrap};
use crate::hang::Settings;
use jiff::tz::TimeZone;
use std::fmt::Write;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 24.0;
const BARS: f64 = 120.0;
/// Room above the bars for the NIC's name and the label of the change.
const HEAD: f64 = 46.0;
/// Colours of the band.
const ON: &str = "#f1c9c4";
const UNKNOWN: &str = "#cbd2d9";
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
    let lines = text.lines().count() as f64;
    let row = BARS + HEAD + 68.0;
    let height = 24.0 + row * rows.len() as f64 + 20.0 * lines + 28.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\" fill=\"{INK}\">\n<title>e1000e hang incidents over time</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for (i, nic) in rows.iter().enumerate() {
        let line = timeline::of_nic(history, *nic, zone);
        let name = without_mac(&nic_name(&nics[*nic]));
        draw(&mut out, &line, &name, 24.0 + row * i as f64);
    }
    let top = 24.0 + row * rows.len() as f64 + 8.0;
    let color = match verdict.kind {
        Kind::LikelyFixed | Kind::NoIncidents => GREEN,
        Kind::NotFixed | Kind::Affected | Kind::Fewer => RED,
        Kind::Unknown | Kind::TooEarly => INK,
    };
    for (i, line) in text.lines().enumerate() {
        let y = top + 20.0 * (i as f64 + 1.0);
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
            let part = match line.change {
                Some((change, part)) if change == i && per == 1 && step > 12.0 => Some(part),
                _ => None,
            };
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
    // The band: runs of equal state.
    let mut i = 0;
    while i < days.len() {
        let fix = days[i].fix;
        let end = i + days[i..].iter().take_while(|d| d.fix == fix).count();
        let mut band = |from: f64, to: f64, fill: &str| {
            let _ = writeln!(
                out,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"10\" fill=\"{fill}\"/>",
                LEFT + step * from,
                base + 4.0,
                step * (to - from)
            );
        };
        let (from, to) = (i as f64, end as f64);
        match fix {
            Fix::NoLog => {}
            Fix::Unknown => band(from, to, UNKNOWN),
            Fix::Without => band(from, to, ON),
            Fix::With => band(from, to, GREEN),
            Fix::Mixed => {
                let place = line
                    .change
                    .map(|(day, part)| (day as f64 + part) / per as f64);
                let at = place.filter(|at| (from..to).contains(at));
                let at = at.unwrap_or(f64::midpoint(from, to));
                band(from, at, ON);
                band(at, to, GREEN);
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
    legend(out, line, base + 50.0);
    if let Some((day, part)) = line.change {
        let x = LEFT + step * (day as f64 + part) / per as f64;
        let end = x > LEFT + inner - 200.0;
        let anchor = if end { "end" } else { "start" };
        let _ = writeln!(
            out,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\" stroke=\"{GREEN}\" stroke-width=\"2\" stroke-dasharray=\"4 3\"/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" fill=\"{GREEN}\">fix in force from {}</text>",
            base - BARS - 6.0,
            base + 14.0,
            base - BARS - 11.0,
            escape(&line.label(day))
        );
    }
}

fn legend(out: &mut String, line: &Timeline, y: f64) {
    let with = match line.fix.as_ref().and_then(Settings::all_off) {
        Some(_) => "off: fix in force",
        None => "fix in force",
    };
    let (what, _, without) = line.words();
    let without = format!("{what} {without}");
    let entries = [
        (ON, without.as_str()),
        (GREEN, with),
        (UNKNOWN, "not known"),
        (RED, "incidents"),
        (DARK, "incidents in spite of the fix"),
    ];
    let mut x = LEFT;
    for (fill, words) in entries {
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{:.1}\" width=\"12\" height=\"10\" fill=\"{fill}\"/><text x=\"{}\" y=\"{y:.1}\" fill=\"{GREY}\">{}</text>",
            y - 9.0,
            x + 18.0,
            escape(words)
        );
        x += 30.0 + 7.5 * words.chars().count() as f64;
    }
}

fn escape(text: &str) -> String {
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
