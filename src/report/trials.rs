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
    let on = stretches.iter().filter(|s| is_on(s));
    let up: i64 = on.map(|stretch| within(stretch, since, until)).sum();
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

/// How much of the stretch lies between two times by the wall clock, in µs.
fn within(stretch: &Stretch, since: i64, until: i64) -> i64 {
    let before = stretch.from.wall.map_or(0, |from| (since - from).max(0));
    let after = stretch.to.wall.map_or(0, |to| (to - until).max(0));
    (stretch.length() - before - after).max(0)
}

/// What came first after a trial had begun, whatever became of it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Observed {
    /// Of up-time until the first incident, at most what was asked for.
    days: f64,
    hung: bool,
}

fn observed(history: &History, nic: usize, since: i64, needed: f64) -> Observed {
    let stretches = history.stretches(nic);
    let until = |until: i64| {
        let up: i64 = stretches.iter().map(|s| within(s, since, until)).sum();
        up as f64 / super::DAY
    };
    let starts = history.incidents.of(nic).filter_map(|i| i.start.wall);
    let first = starts.filter(|at| *at >= since).min();
    let days = until(first.unwrap_or(i64::MAX));
    Observed {
        days: days.min(needed),
        hung: first.is_some() && days <= needed,
    }
}

/// A trial from its beginning on, or what one on other machines is compared with.
struct Trial<'a> {
    began: &'a TrialLine,
    /// Tenths of days.
    needed: u32,
    /// `None`: it is running.
    ended: Option<&'a TrialLine>,
    progress: Progress,
    observed: Observed,
}

fn of_nic(history: &History, nic: usize) -> Vec<Trial<'_>> {
    let lines = history.trials.iter().filter(|line| line.nic == nic);
    let lines: Vec<&TrialLine> = lines.collect();
    let asked = |line: &TrialLine| line.part.step.asked();
    let mut trials = Vec::new();
    for (index, began) in lines.iter().copied().enumerate() {
        let (Some(needed), Some(setting)) = (asked(began), began.part.setting.rsplit_once(' '))
        else {
            continue;
        };
        let later = lines[index + 1..].iter().copied();
        let mut later = later.take_while(|line| asked(line).is_none());
        let ended = later.find(|line| line.part.setting == began.part.setting);
        let since = began.at.wall.unwrap_or(i64::MIN);
        let until = ended.and_then(|line| line.at.wall);
        trials.push(Trial {
            began,
            needed,
            ended,
            progress: progress(history, nic, setting, (since, until)),
            observed: observed(history, nic, since, f64::from(needed) / 10.0),
        });
    }
    trials
}

impl Trial<'_> {
    fn is_control(&self) -> bool {
        matches!(self.began.part.step, TrialStep::Control { .. })
    }

    fn result(&self) -> &'static str {
        if self.is_control() {
            return "control";
        }
        match self.ended.map(|line| line.part.step) {
            Some(TrialStep::Refuted) => "refuted",
            Some(TrialStep::Kept) => "kept",
            Some(TrialStep::Stopped) => "stopped",
            _ => "running",
        }
    }

    fn needed(&self) -> f64 {
        f64::from(self.needed) / 10.0
    }
}

/// A sentence for each.
pub fn lines(history: &History, nic: usize, zone: &TimeZone) -> Vec<String> {
    let line = |trial: &Trial| {
        if trial.is_control() {
            let Observed { days: up, hung } = trial.observed;
            return format!(
                "compared with a trial of {} elsewhere from {}: {} {}",
                clean(&trial.began.part.setting),
                when(&trial.began.at, zone),
                if hung { "hung after" } else { "no incident in" },
                days(up),
            );
        }
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
            "observed_s": super::in_seconds(trial.observed.days),
            "hung": trial.observed.hung,
            "ended": trial.ended.and_then(|line| iso(&line.at)),
        })
    };
    of_nic(history, nic).iter().map(value).collect()
}
