//! The configurations of a NIC: its history cut where something else came into force,
//! whatever the rules were, each with the up-time and the incidents in it, and each change
//! weighed against what was before it. What is brief is no change of anybody's: the seconds
//! until the helper's line at a boot's beginning belong to what follows.

use super::DAY;
use super::history::History;
use super::in_force::{InForce, Stretch};
use super::stats::{Comparison, Period, bursts, weigh};
use crate::hang::Incident;
use crate::kernel_log::Stamp;
use std::iter::repeat_n;

#[derive(Clone, Debug)]
pub struct Configuration {
    pub in_force: InForce,
    /// "tso gso off", "default", "changed by somebody", "not known".
    pub name: String,
    pub since: Stamp,
    /// Up-time in days.
    pub days: f64,
    /// When the incidents began, on a clock that runs only in this configuration.
    times: Vec<f64>,
    /// What came of it, where the log has what was before it.
    pub change: Option<Change>,
}

#[derive(Clone, Debug)]
pub struct Change {
    /// Index of the configuration before.
    pub before: usize,
    pub comparison: Comparison,
}

impl Configuration {
    pub fn incidents(&self) -> usize {
        self.times.len()
    }

    pub fn bursts(&self) -> usize {
        bursts(&self.times).len()
    }
}

#[derive(Clone, Debug, Default)]
pub struct Configurations {
    /// In the order of time; what is not known and what somebody changed is one entry each.
    pub list: Vec<Configuration>,
    /// Indices of those that are known, in the order of time.
    pub runs: Vec<usize>,
    periods: Vec<Period>,
}

/// Cuts the history of the NIC with index `nic`.
pub fn of_nic(history: &History, nic: usize) -> Configurations {
    let mut all = Configurations::default();
    let stretches = history.stretches(nic);
    let mut incidents = history.incidents.of(nic).peekable();
    let mut brief = 0.0;
    for (index, stretch) in stretches.iter().enumerate() {
        let length = stretch.length() as f64 / DAY;
        let mut times = Vec::new();
        while let Some(incident) = incidents.next_if(|i| before_end(i, stretch)) {
            let within = incident.start.since(&stretch.from).unwrap_or(0).max(0) as f64 / DAY;
            let time = brief + within.min(length);
            times.extend(repeat_n(time, incident.times as usize));
        }
        let next = stretches.get(index + 1);
        let next = next.filter(|next| stretch.is_brief() && next.boot == stretch.boot);
        if next.is_some() && times.is_empty() {
            brief += length;
            continue;
        }
        // Between two runs of the same, it ends neither.
        let passing = next.is_some_and(|next| Some(next.state) == all.now());
        let known = stretch.state.is_known() && !passing;
        all.add(
            history,
            (stretch.state, known),
            stretch.from,
            brief + length,
            &times,
        );
        brief = 0.0;
    }
    let rest: usize = incidents.map(|incident| incident.times as usize).sum();
    if rest > 0 && all.list.is_empty() {
        // No line of the log bears a time.
        all.add(
            history,
            (InForce::Unknown, false),
            Stamp::default(),
            0.0,
            &vec![0.0; rest],
        );
    } else if let (Some(one), Some(period)) = (all.list.last_mut(), all.periods.last_mut()) {
        one.times.extend(repeat_n(one.days, rest));
        period.incidents.extend(repeat_n(period.days, rest));
    }
    for (pair, comparison) in all.runs.windows(2).zip(weigh(&all.periods)) {
        let before = pair[0];
        all.list[pair[1]].change = Some(Change { before, comparison });
    }
    all
}

impl Configurations {
    /// What was last known to be in force.
    fn now(&self) -> Option<InForce> {
        self.runs.last().map(|last| self.list[*last].in_force)
    }

    fn add(
        &mut self,
        history: &History,
        (state, known): (InForce, bool),
        since: Stamp,
        days: f64,
        times: &[f64],
    ) {
        let place = if known && self.now() == Some(state) {
            self.runs.last().copied()
        } else if known {
            None
        } else {
            self.list.iter().position(|one| one.in_force == state)
        };
        let place = place.unwrap_or_else(|| {
            self.list.push(Configuration {
                in_force: state,
                name: history.own.name(state),
                since,
                days: 0.0,
                times: Vec::new(),
                change: None,
            });
            self.list.len() - 1
        });
        if known && self.runs.last() != Some(&place) {
            self.runs.push(place);
        }
        let one = &mut self.list[place];
        one.times.extend(times.iter().map(|time| one.days + time));
        one.days += days;
        let configuration = match state {
            InForce::Default if known => Some(0),
            InForce::Set(settings) if known => Some(settings + 1),
            _ => None,
        };
        match self.periods.last_mut() {
            Some(last) if last.configuration == configuration => {
                last.incidents
                    .extend(times.iter().map(|time| last.days + time));
                last.days += days;
            }
            _ => self.periods.push(Period {
                configuration,
                days,
                incidents: times.to_vec(),
            }),
        }
    }

    /// Has anything of unhang's been in force?
    pub fn has_set(&self) -> bool {
        let set = |one: &Configuration| matches!(one.in_force, InForce::Set(_));
        self.list.iter().any(set)
    }

    /// Weighs the last `runs` as if they were one.
    pub fn together(&self, runs: usize) -> Option<Comparison> {
        let mut periods = self.periods.clone();
        let (mut left, mut last) = (runs, None);
        for period in periods.iter_mut().rev() {
            let own = period.configuration;
            if own.is_some() && own != last {
                if left == 0 {
                    break;
                }
                (left, last) = (left - 1, own);
            }
            period.configuration = own.map(|_| usize::MAX);
        }
        weigh(&periods).pop()
    }
}

/// Did the incident begin before the stretch was over?
fn before_end(incident: &Incident, stretch: &Stretch) -> bool {
    let same = incident.boot == stretch.boot;
    incident.boot < stretch.boot || same && incident.start.since(&stretch.to).is_some_and(|t| t < 0)
}
