//! The evidence: from log files or the journal (`reading`) to a history of boots and
//! exposure (`history`), weighed (`stats`) and said in words (`verdict`), for a terminal,
//! as JSON, as a picture, for a vendor and for Prometheus. Everything that comes from a
//! log goes through `clean` before it is printed.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "days and counts are far below 2^52, and a picture's and a page's places are small"
)]

pub mod changes;
pub mod configurations;
pub mod fleet;
pub mod history;
pub mod in_force;
pub mod journal;
pub mod json;
pub mod kernel;
mod load;
pub mod metrics;
mod notes;
pub mod reading;
pub mod sources;
pub mod stats;
pub mod svg;
pub mod terminal;
pub mod timeline;
pub mod totals;
pub mod trials;
pub mod vendor;
pub mod verdict;
pub mod wording;

use crate::hang::incidents::QUIET;
use crate::hang::{Incident, LoggedNic};
use crate::kernel_log::{SECOND, Stamp};
use crate::text::printable;
use jiff::tz::TimeZone;

/// Microseconds in a day.
const DAY: f64 = 86_400.0 * SECOND as f64;

/// A length of time in words: "3.1 days", "40 minutes".
pub fn span(micros: i64) -> String {
    let seconds = micros.max(0) as f64 / SECOND as f64;
    let (value, unit) = match seconds {
        s if s < 10.0 => return format!("{s:.1} s"),
        s if s < 120.0 => return format!("{s:.0} s"),
        s if s < 7200.0 => (s / 60.0, "minutes"),
        s if s < 172_800.0 => (s / 3600.0, "hours"),
        s => (s / 86_400.0, "days"),
    };
    if unit == "minutes" {
        format!("{value:.0} {unit}")
    } else {
        format!("{value:.1} {unit}")
    }
}

/// "no incidents", "1 incident", "2 incidents".
pub fn plural(n: impl TryInto<u64>, what: &str) -> String {
    match n.try_into().unwrap_or(u64::MAX) {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

/// What happened to a NIC, in numbers.
fn counts(nic: &LoggedNic, list: &[&Incident]) -> String {
    let all: u64 = list.iter().map(|i| i.times).sum();
    let resets = match nic.resets {
        0 if all == 0 => return "no incident".into(),
        resets => format!("{} by the driver", plural(resets, "reset")),
    };
    if all == 0 {
        return format!("no incident, {resets}");
    }
    // One that comes back minutes after the last is the same spell.
    let anew = list.windows(2).filter(|pair| {
        let quiet = pair[1].start.since(&pair[0].last);
        pair[0].boot != pair[1].boot || quiet.is_none_or(|t| t > QUIET)
    });
    let incidents = match 1 + anew.count() as u64 {
        spells if spells < all => {
            format!("{} ({})", plural(all, "incident"), plural(spells, "spell"))
        }
        _ => plural(all, "incident"),
    };
    format!("{incidents} in {}, {resets}", plural(nic.blocks, "block"))
}

/// A length in days, in words.
pub fn days(days: f64) -> String {
    span((days * DAY) as i64)
}

/// A length in days, as seconds, to the millisecond.
pub(crate) fn in_seconds(days: f64) -> f64 {
    (days * 86_400.0 * 1000.0).round() / 1000.0
}

/// Text from a log, safe for a terminal.
pub fn clean(text: &str) -> String {
    printable(text).into_owned()
}

/// What to call a NIC: its interface, else its PCI address.
pub fn nic_name(nic: &LoggedNic) -> String {
    let device = &nic.device;
    let name = device.name.as_deref().or(device.pci.as_deref());
    clean(name.unwrap_or("a NIC that the text does not name"))
}

/// The last twelve digits of `enx0123456789ab`, or of any other name, are a MAC address:
/// leaves them out.
fn without_mac(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut digits = 0;
    for c in text.chars().chain(Some(' ')) {
        if c.is_ascii_hexdigit() {
            digits += 1;
        } else {
            if digits >= 12 {
                out.truncate(out.len() - 12);
                out.push_str("(MAC)");
            }
            digits = 0;
        }
        out.push(c);
    }
    out.pop();
    out
}

/// Wall time in ISO 8601, UTC, to the second or finer if the log is.
pub fn iso(stamp: &Stamp) -> Option<String> {
    let at = jiff::Timestamp::from_microsecond(stamp.wall?).ok()?;
    Some(at.to_string())
}

/// For people: local date and time, or the time since boot.
pub fn when(stamp: &Stamp, zone: &TimeZone) -> String {
    let wall = stamp
        .wall
        .and_then(|w| jiff::Timestamp::from_microsecond(w).ok());
    match (wall, stamp.uptime) {
        (Some(at), _) => at
            .to_zoned(zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        (None, Some(up)) => format!("{:.1} s after boot", up as f64 / SECOND as f64),
        (None, None) => "at an unknown time".into(),
    }
}
