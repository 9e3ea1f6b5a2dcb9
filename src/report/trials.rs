//! The trials that the log tells of: what was asked, what came of it, and what happened while
//! the setting was in force.

use super::history::{History, TrialLine, stretch_of};
use super::in_force::Stretch;
use super::{clean, days, iso, plural, when};
use crate::hang::{Incident, Settings};
use crate::log::TrialStep;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

/// Up-time and incidents with a setting in force.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Progress {
    pub days: f64,
    pub incidents: u64,
}

/// What the setting `name` was `value` for, between two times by the wall clock (µs).
pub fn progress(
    history: &History,
    nic: usize,
    (name, value): (&str, &str),
    (since, until): (i64, Option<i64>),
) -> Progress {
    let until = until.unwrap_or(i64::MAX);
    let is_on = |stretch: &Stretch| {
        let settings = history.own.settings(stretch.state);
        let mut settings = settings.into_iter().flat_map(Settings::iter);
        settings.any(|setting| setting == (name, value))
    };
    let stretches = history.stretches(nic);
    let micros = |stretch: &Stretch| {
        let before = stretch.from.wall.map_or(0, |from| (since - from).max(0));
        let after = stretch.to.wall.map_or(0, |to| (to - until).max(0));
        (stretch.length() - before - after).max(0)
    };
    let up: i64 = stretches.iter().filter(|s| is_on(s)).map(micros).sum();
    let counts = |incident: &&Incident| {
        let at = incident.start.wall;
        let within = at.is_some_and(|at| (since..=until).contains(&at));
        within && stretch_of(&stretches, incident).is_some_and(is_on)
    };
    let incidents = history.incidents.of(nic).filter(counts);
    Progress {
        days: up as f64 / super::DAY,
        incidents: incidents.map(|incident| incident.times).sum(),
    }
}

/// A trial from its beginning on.
struct Trial<'a> {
    began: &'a TrialLine,
    /// Tenths of days.
    needed: u32,
    /// `None`: it is running.
    ended: Option<&'a TrialLine>,
    progress: Progress,
}

fn of_nic(history: &History, nic: usize) -> Vec<Trial<'_>> {
    let lines = history.trials.iter().filter(|line| line.nic == nic);
    let lines: Vec<&TrialLine> = lines.collect();
    let is_start = |line: &TrialLine| matches!(line.part.step, TrialStep::Started { .. });
    let mut trials = Vec::new();
    for (index, began) in lines.iter().copied().enumerate() {
        let (TrialStep::Started { tenths: needed }, Some(setting)) =
            (began.part.step, began.part.setting.rsplit_once(' '))
        else {
            continue;
        };
        let later = lines[index + 1..].iter().copied();
        let mut later = later.take_while(|line| !is_start(line));
        let ended = later.find(|line| line.part.setting == began.part.setting);
        let since = began.at.wall.unwrap_or(i64::MIN);
        let until = ended.and_then(|line| line.at.wall);
        trials.push(Trial {
            began,
            needed,
            ended,
            progress: progress(history, nic, setting, (since, until)),
        });
    }
    trials
}

impl Trial<'_> {
    fn result(&self) -> &'static str {
        match self.ended.map(|line| line.part.step) {
            Some(TrialStep::Refuted) => "refuted",
            Some(TrialStep::Kept) => "kept",
            Some(TrialStep::Stopped) => "stopped",
            Some(TrialStep::Started { .. }) | None => "running",
        }
    }

    fn needed(&self) -> f64 {
        f64::from(self.needed) / 10.0
    }
}

/// A sentence for each.
pub fn lines(history: &History, nic: usize, zone: &TimeZone) -> Vec<String> {
    let line = |trial: &Trial| {
        let ended = trial.ended.map(|line| format!(" {}", when(&line.at, zone)));
        format!(
            "trial of {} from {}: asked for {:.1} days without an incident; {} in {}; {}{}",
            clean(&trial.began.part.setting),
            when(&trial.began.at, zone),
            trial.needed(),
            plural(trial.progress.incidents, "incident"),
            days(trial.progress.days),
            trial.result(),
            ended.unwrap_or_default(),
        )
    };
    of_nic(history, nic).iter().map(line).collect()
}

/// The same for JSON.
pub(super) fn values(history: &History, nic: usize) -> Vec<Value> {
    let value = |trial: &Trial| {
        json!({
            "setting": clean(&trial.began.part.setting),
            "since": iso(&trial.began.at),
            "needed_days": trial.needed(),
            "days": trial.progress.days,
            "incidents": trial.progress.incidents,
            "result": trial.result(),
            "ended": trial.ended.and_then(|line| iso(&line.at)),
        })
    };
    of_nic(history, nic).iter().map(value).collect()
}
