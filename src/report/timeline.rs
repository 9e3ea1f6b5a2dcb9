//! The days of a history for one NIC, by the local calendar: what the terminal page and the
//! picture draw. A log without dates is laid out by up-time instead.

use super::history::History;
use crate::hang::Settings;
use crate::kernel_log::{SECOND, Stamp};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil::Date};

/// Longer histories than this are drawn from their end.
const MAX_DAYS: usize = 3660;

/// Shorter than this is no state of a day.
const BRIEF: i64 = 60 * SECOND;

/// The fix on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fix {
    /// The machine was off, or the log is missing.
    #[default]
    NoLog,
    /// The log does not tell.
    Unknown,
    /// Not in force.
    Without,
    /// It changed during the day.
    Mixed,
    /// In force.
    With,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Day {
    /// Incidents that began on it.
    pub incidents: u32,
    /// Those of them that came although the fix was in force.
    pub in_spite: u32,
    pub fix: Fix,
}

/// All days from the first sign of life to the last.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// `None`: counted from boot, since the log has no dates.
    pub first: Option<Date>,
    pub days: Vec<Day>,
    /// What the fix is, if the log tells.
    pub fix: Option<Settings>,
    /// The day on which the fix first came into force, and which part of it had passed.
    pub change: Option<(usize, f64)>,
}

/// Lays out the history of the NIC with index `nic`.
pub fn of_nic(history: &History, nic: usize, zone: &TimeZone) -> Timeline {
    let dated = history.boots.list.iter().any(|b| b.first.wall.is_some());
    let number = |stamp: &Stamp| -> Option<i64> {
        if !dated {
            return Some(stamp.uptime? / (86_400 * SECOND));
        }
        let at = Timestamp::from_microsecond(stamp.wall?).ok()?;
        let date = at.to_zoned(zone.clone()).date();
        Some(date.duration_since(Date::ZERO).as_hours() / 24)
    };
    let stretches = &history.stretches(nic);
    let ends = || stretches.iter().flat_map(|s| [&s.from, &s.to]);
    let incidents = || history.incidents.of(nic);
    let all: Vec<i64> = ends()
        .chain(incidents().map(|i| &i.start))
        .filter_map(number)
        .collect();
    let (Some(&low), Some(&high)) = (all.iter().min(), all.iter().max()) else {
        return Timeline::default();
    };
    let low = low.max(high - MAX_DAYS as i64 + 1);
    let place = |stamp: &Stamp| {
        let day = number(stamp)? - low;
        usize::try_from(day).ok()
    };
    let mut days = vec![Day::default(); (high - low + 1) as usize];
    // The seconds after each boot until the fix is in force are not worth a mark on a day.
    let (short, long): (Vec<_>, Vec<_>) = stretches.iter().partition(|s| s.length() < BRIEF);
    let brief = long.len();
    let mut long_there = vec![false; days.len()];
    for (order, s) in long.into_iter().chain(short).enumerate() {
        let fix = match s.in_force {
            None => Fix::Unknown,
            Some(false) => Fix::Without,
            Some(true) => Fix::With,
        };
        let (Some(from), Some(to)) = (number(&s.from), place(&s.to)) else {
            continue;
        };
        let from = (from - low).max(0) as usize;
        for (n, day) in days.iter_mut().enumerate().take(to + 1).skip(from) {
            long_there[n] |= order < brief;
            if order < brief || !long_there[n] {
                day.fix = day.fix.and(fix);
            }
        }
    }
    for i in incidents() {
        if let Some(day) = place(&i.start) {
            days[day].incidents += i.times as u32;
            if i.in_force == Some(true) {
                days[day].in_spite += i.times as u32;
            }
        }
    }
    let first = dated.then(|| {
        let span = jiff::SignedDuration::from_hours(low * 24);
        Date::ZERO.checked_add(span).ok()
    });
    Timeline {
        first: first.flatten(),
        days,
        fix: history.fixes[nic].clone(),
        change: history.changes[nic].as_ref().and_then(|stamp| {
            let seconds = match stamp.wall.and_then(|w| Timestamp::from_microsecond(w).ok()) {
                Some(at) if dated => {
                    let time = at.to_zoned(zone.clone()).time();
                    f64::from(time.hour()) * 3600.0 + f64::from(time.minute()) * 60.0
                }
                _ => (stamp.uptime? / SECOND % 86_400) as f64,
            };
            Some((place(stamp)?, seconds / 86_400.0))
        }),
    }
}

impl Fix {
    /// Both of these on one day.
    fn and(self, other: Fix) -> Fix {
        match (self, other) {
            (Fix::NoLog, f) | (f, Fix::NoLog) => f,
            (a, b) if a == b => a,
            (Fix::Unknown, _) | (_, Fix::Unknown) => Fix::Unknown,
            _ => Fix::Mixed,
        }
    }
}

impl Timeline {
    /// What the marks are about, and the words for the fix being in force and not.
    pub fn words(&self) -> (String, &'static str, &'static str) {
        let off = self.fix.as_ref().and_then(Settings::all_off);
        match (off, &self.fix) {
            (Some(keys), _) => (keys, "off (fix in force)", "on"),
            (None, Some(fix)) => (fix.name(), "in force", "not in force"),
            (None, None) => ("fix".into(), "in force", "not in force"),
        }
    }

    /// The name of a day: its date, or which day since boot.
    pub fn label(&self, day: usize) -> String {
        let date = self.first.and_then(|d| {
            d.checked_add(jiff::SignedDuration::from_hours(day as i64 * 24))
                .ok()
        });
        match date {
            Some(date) => date.to_string(),
            None => format!("day {}", day + 1),
        }
    }

    /// The days in at most `width` groups of equal length: days a group, and the groups.
    pub fn grouped(&self, width: usize) -> (usize, Vec<Day>) {
        let per = self.days.len().div_ceil(width.max(1)).max(1);
        let groups = self.days.chunks(per).map(|days| Day {
            incidents: days.iter().map(|d| d.incidents).sum(),
            in_spite: days.iter().map(|d| d.in_spite).sum(),
            fix: days.iter().fold(Fix::NoLog, |fix, d| fix.and(d.fix)),
        });
        (per, groups.collect())
    }
}
