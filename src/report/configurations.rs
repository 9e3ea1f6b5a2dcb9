//! The configurations of a NIC: its history cut where something else came into force,
//! whatever the rules were, each with the up-time and the incidents in it, and each change
//! weighed against what was before it. What is brief is no change of anybody's: the seconds
//! until the helper's line at a boot's beginning belong to what follows.

use super::history::History;
use super::in_force::{InForce, Stretch};
use super::stats::{Comparison, Period, bursts, weigh_last};
use super::{DAY, in_seconds};
use crate::hang::Incident;
use crate::kernel_log::Stamp;
use std::iter::repeat_n;

/// Of more changes than this, the latest are weighed.
const WEIGHED: usize = 20;

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
    /// Index of its first period.
    period: usize,
    /// It is known, and was in force for long enough.
    is_run: bool,
}

impl Configuration {
    pub fn incidents(&self) -> usize {
        self.times.len()
    }

    pub fn bursts(&self) -> usize {
        bursts(&self.times).len()
    }
}

/// Incidents and exposure on one side of the change.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Side {
    pub incidents: usize,
    /// Up-time in seconds.
    pub exposure_s: f64,
}

impl Side {
    pub(super) fn new(incidents: usize, days: f64) -> Side {
        Side {
            incidents,
            exposure_s: in_seconds(days),
        }
    }

    pub(super) fn of<'a>(configurations: impl Iterator<Item = &'a Configuration>) -> Side {
        let (incidents, days) = configurations.fold((0, 0.0), |(incidents, days), one| {
            (incidents + one.incidents(), days + one.days)
        });
        Side::new(incidents, days)
    }
}

#[derive(Clone, Debug, Default)]
pub struct Configurations {
    /// In the order of time; what is not known and what somebody changed is one entry each.
    pub list: Vec<Configuration>,
    periods: Vec<Period>,
    /// When each of them began, and what was in force in it.
    starts: Vec<(Stamp, InForce)>,
}

/// Cuts the history of the NIC with index `nic`.
pub fn of_nic(history: &History, nic: usize) -> Configurations {
    let mut all = Configurations::default();
    let stretches = history.stretches(nic);
    let has_time = |i: &&Incident| !i.start.is_empty();
    let mut incidents = history.incidents.of(nic).filter(has_time).peekable();
    let mut brief = 0.0;
    for (index, stretch) in stretches.iter().enumerate() {
        let length = stretch.length() as f64 / DAY;
        let last = index + 1 == stretches.len();
        let mut times = Vec::new();
        while let Some(incident) = incidents.next_if(|i| last || before_end(i, stretch)) {
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
        let now = all.runs().next_back().map(|now| now.in_force);
        let passing = next.is_some_and(|next| Some(next.state) == now);
        let is_run = stretch.state.is_known() && !passing;
        let state = (stretch.state, is_run);
        all.add(history, state, stretch.from, brief + length, &times);
        brief = 0.0;
    }
    // What bears no time can't be placed.
    let untimed = history.incidents.of(nic).filter(|i| !has_time(i));
    let rest: u64 = untimed.chain(incidents).map(|i| i.times).sum();
    if rest > 0 {
        let state = (InForce::Unknown, false);
        let times = vec![0.0; rest as usize];
        all.add(history, state, Stamp::default(), 0.0, &times);
    }
    all
}

impl Configurations {
    /// Those that are known, in the order of time.
    pub fn runs(&self) -> impl DoubleEndedIterator<Item = &Configuration> {
        self.list.iter().filter(|one| one.is_run)
    }

    /// Has anything of unhang's been in force?
    pub fn has_set(&self) -> bool {
        let set = |one: &Configuration| matches!(one.in_force, InForce::Set(_));
        self.list.iter().any(set)
    }

    fn add(
        &mut self,
        history: &History,
        (state, is_run): (InForce, bool),
        since: Stamp,
        days: f64,
        times: &[f64],
    ) {
        let now = |one: &&mut Configuration| one.is_run && one.in_force == state;
        let same = |one: &&mut Configuration| !one.is_run && one.in_force == state;
        let mut list = self.list.iter_mut();
        let known = if is_run {
            list.rfind(|one| one.is_run).filter(now)
        } else {
            list.find(same)
        };
        if let Some(one) = known {
            one.times.extend(times.iter().map(|time| one.days + time));
            one.days += days;
        } else {
            self.list.push(Configuration {
                in_force: state,
                name: history.own.name(state),
                since,
                days,
                times: times.to_vec(),
                period: self.periods.len(),
                is_run,
            });
        }
        self.starts.push((since, state));
        self.periods.push(Period {
            configuration: number(state).filter(|_| is_run),
            days,
            incidents: times.to_vec(),
        });
    }

    /// The history as it is weighed: each period with its beginning and what was in force.
    pub fn periods(&self) -> impl Iterator<Item = (&Stamp, InForce, &Period)> {
        let starts = self.starts.iter().zip(&self.periods);
        starts.map(|((since, state), period)| (since, *state, period))
    }

    /// What each of the latest changes came to, with the configuration that it was to.
    pub fn changes(&self) -> Vec<(&Configuration, Comparison)> {
        let of = |comparison: Comparison| {
            let first = |one: &&Configuration| one.is_run && one.period <= comparison.period;
            Some((self.list.iter().rfind(first)?, comparison))
        };
        let weighed = weigh_last(&self.periods, WEIGHED);
        weighed.into_iter().filter_map(of).collect()
    }

    /// Weighs what was in force in the last `runs` as if it were one configuration.
    pub fn together(&self, runs: usize) -> Option<Comparison> {
        let last = self.runs().rev().take(runs);
        let judged: Vec<usize> = last.filter_map(|run| number(run.in_force)).collect();
        let mut periods = self.periods.clone();
        let numbers = periods.iter_mut().filter_map(|p| p.configuration.as_mut());
        for own in numbers.filter(|own| judged.contains(own)) {
            *own = usize::MAX;
        }
        weigh_last(&periods, 1).pop()
    }

    /// What a change to something new would come to if it was made now, and no incident came:
    /// what that takes is in `needed`. On the way back to what hung, what has been quiet since
    /// counts for neither side.
    pub fn if_changed_now(&self, is_way_back: bool) -> Option<Comparison> {
        let mut periods = self.periods.clone();
        let hung = |number| {
            let mut of = self
                .periods
                .iter()
                .filter(|p| p.configuration == Some(number));
            of.any(|period| !period.incidents.is_empty())
        };
        if is_way_back {
            let since = periods.iter_mut().rev();
            for period in since.take_while(|p| !p.configuration.is_some_and(hung)) {
                period.configuration = None;
            }
        }
        periods.push(Period {
            configuration: Some(usize::MAX),
            ..Period::default()
        });
        weigh_last(&periods, 1).pop()
    }

    /// The configuration with this number of a comparison's.
    pub fn numbered(&self, number_: usize) -> impl Iterator<Item = &Configuration> {
        self.runs()
            .filter(move |one| number(one.in_force) == Some(number_))
    }
}

/// A configuration's number, as it is weighed.
fn number(state: InForce) -> Option<usize> {
    match state {
        InForce::Default => Some(0),
        InForce::Set(settings) => Some(settings + 1),
        InForce::Changed | InForce::Unknown => None,
    }
}

/// Did the incident begin before the stretch was over?
fn before_end(incident: &Incident, stretch: &Stretch) -> bool {
    let same = incident.boot == stretch.boot;
    incident.boot < stretch.boot || same && incident.start.since(&stretch.to).is_some_and(|t| t < 0)
}
