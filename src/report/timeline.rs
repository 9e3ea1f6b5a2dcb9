//! The days of a history for one NIC, by the local calendar: what the terminal page and the
//! picture draw. A log without dates is laid out by up-time instead.

use super::configurations;
use super::history::History;
use super::in_force::InForce;
use crate::kernel_log::{SECOND, Stamp};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil::Date};

/// Longer histories than this are drawn from their end.
const MAX_DAYS: usize = 3660;

/// What was in force on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// The machine was off, or the log is missing.
    #[default]
    NoLog,
    /// More than one thing.
    Mixed,
    Is(InForce),
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Day {
    /// Incidents that began on it.
    pub incidents: u32,
    /// Those of them that came although what was last set was in force.
    pub in_spite: u32,
    pub state: State,
}

/// A configuration came into force.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub day: usize,
    /// Which part of the day had passed.
    pub part: f64,
    pub from: InForce,
    pub to: InForce,
    pub name: String,
}

/// All days from the first sign of life to the last.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// `None`: counted from boot, since the log has no dates.
    pub first: Option<Date>,
    pub days: Vec<Day>,
    /// What was in force at any time, with its name: what was last set comes last.
    pub states: Vec<(InForce, String)>,
    pub changes: Vec<Change>,
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
    // The seconds after each boot until the helper's line are not worth a mark on a day.
    let (short, long): (Vec<_>, Vec<_>) = stretches.iter().partition(|s| s.is_brief());
    let brief = long.len();
    let mut long_there = vec![false; days.len()];
    for (order, s) in long.into_iter().chain(short).enumerate() {
        let (Some(from), Some(to)) = (number(&s.from), place(&s.to)) else {
            continue;
        };
        let from = (from - low).max(0) as usize;
        for (n, day) in days.iter_mut().enumerate().take(to + 1).skip(from) {
            long_there[n] |= order < brief;
            if order < brief || !long_there[n] {
                day.state = day.state.and(State::Is(s.state));
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
    let part = |stamp: &Stamp| match stamp.wall.and_then(|w| Timestamp::from_microsecond(w).ok()) {
        Some(at) if dated => {
            let time = at.to_zoned(zone.clone()).time();
            f64::from(time.hour()) / 24.0 + f64::from(time.minute()) / 1440.0
        }
        _ => (stamp.uptime.unwrap_or(0) / SECOND % 86_400) as f64 / 86_400.0,
    };
    let all = configurations::of_nic(history, nic);
    let mut before = InForce::Unknown;
    let mut changes = Vec::new();
    for one in all.runs() {
        let first = before == InForce::Unknown && one.in_force == InForce::Default;
        if let Some(day) = place(&one.since).filter(|_| !first) {
            changes.push(Change {
                day,
                part: part(&one.since),
                from: before,
                to: one.in_force,
                name: one.name.clone(),
            });
        }
        before = one.in_force;
    }
    let mut states: Vec<(InForce, String)> = Vec::new();
    for one in all.list {
        states.retain(|(state, _)| !matches!(state, InForce::Set(_)) || *state != one.in_force);
        if !states.iter().any(|(state, _)| *state == one.in_force) {
            states.push((one.in_force, one.name));
        }
    }
    Timeline {
        first: first.flatten(),
        days,
        states,
        changes,
    }
}

impl State {
    /// Both of these on one day.
    fn and(self, other: State) -> State {
        match (self, other) {
            (State::NoLog, s) | (s, State::NoLog) => s,
            (a, b) if a == b => a,
            (s @ State::Is(InForce::Unknown), _) | (_, s @ State::Is(InForce::Unknown)) => s,
            _ => State::Mixed,
        }
    }
}

impl Timeline {
    /// Which of several things that unhang has set it is: 0 is the last.
    pub fn place_of(&self, state: InForce) -> usize {
        let set = |(state, _): &&(InForce, String)| matches!(state, InForce::Set(_));
        let mut sets = self.states.iter().filter(set).rev();
        sets.position(|(other, _)| *other == state).unwrap_or(0)
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
            state: days
                .iter()
                .fold(State::NoLog, |state, d| state.and(d.state)),
        });
        (per, groups.collect())
    }
}
