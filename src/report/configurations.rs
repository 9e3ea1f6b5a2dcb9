//! The configurations of a NIC: its history cut where something else came into force,
//! whatever the rules were, each with the up-time and the incidents in it, and each change
//! weighed against what was before it. What is brief is no change of anybody's: the seconds
//! until the helper's line at a boot's beginning belong to what follows.

use super::history::History;
use super::in_force::{InForce, Stretch};
use super::load::{Load, Sent};
use super::stats::{Comparison, Period, bursts, weigh_again, weigh_last};
use super::{DAY, in_seconds};
use crate::hang::Incident;
use crate::kernel_log::Stamp;
use std::iter::repeat_n;

/// Of more changes than this, the latest are weighed.
const WEIGHED: usize = 20;
/// What a NIC sent is the clock where it is not told for at most this part of the time.
const UNTOLD: f64 = 0.05;

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
    /// What was sent in each of them, and until each of its incidents.
    sent: Vec<(Sent, Vec<Sent>)>,
    /// When each of them began, and what was in force in it.
    starts: Vec<(Stamp, InForce)>,
}

/// Cuts the history of the NIC with index `nic`.
pub fn of_nic(history: &History, nic: usize) -> Configurations {
    let mut all = Configurations::default();
    let stretches = history.stretches(nic);
    let has_time = |i: &&Incident| !i.start.is_empty();
    let mut incidents = history.incidents.of(nic).filter(has_time).peekable();
    let load = Load::of_nic(history, nic);
    let mut brief = 0.0;
    let mut brief_sent = Sent::default();
    for (index, stretch) in stretches.iter().enumerate() {
        let length = stretch.length() as f64 / DAY;
        let last = index + 1 == stretches.len();
        let mut times = Vec::new();
        let mut sent = Vec::new();
        let first = &history.boots.list[stretch.boot].first;
        let from = stretch.from.since(first).unwrap_or(0);
        let sent_within = |within: i64| load.between(stretch.boot, from, from + within);
        while let Some(incident) = incidents.next_if(|i| last || before_end(i, stretch)) {
            let within = incident.start.since(&stretch.from).unwrap_or(0);
            let within = within.clamp(0, stretch.length());
            let many = incident.times as usize;
            times.extend(repeat_n(brief + within as f64 / DAY, many));
            sent.extend(repeat_n(brief_sent + sent_within(within), many));
        }
        let next = stretches.get(index + 1);
        let next = next.filter(|next| stretch.is_brief() && next.boot == stretch.boot);
        if next.is_some() && times.is_empty() {
            brief += length;
            brief_sent += sent_within(stretch.length());
            continue;
        }
        // Between two runs of the same, it ends neither.
        let now = all.runs().next_back().map(|now| now.in_force);
        let passing = next.is_some_and(|next| Some(next.state) == now);
        let is_run = stretch.state.is_known() && !passing;
        let state = (stretch.state, is_run);
        let all_sent = brief_sent + sent_within(stretch.length());
        all.add(history, state, stretch.from, brief + length, &times);
        all.sent.push((all_sent, sent));
        (brief, brief_sent) = (0.0, Sent::default());
    }
    // What bears no time can't be placed.
    let untimed = history.incidents.of(nic).filter(|i| !has_time(i));
    let rest: u64 = untimed.chain(incidents).map(|i| i.times).sum();
    if rest > 0 {
        let state = (InForce::Unknown, false);
        let times = vec![0.0; rest as usize];
        all.add(history, state, Stamp::default(), 0.0, &times);
        all.sent
            .push((Sent::default(), vec![Sent::default(); times.len()]));
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
        let weighed = weigh_last(&self.periods, WEIGHED).into_iter();
        let weighed = weighed.map(|comparison| self.by_load(&self.periods, comparison));
        weighed.filter_map(of).collect()
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
        let comparison = weigh_last(&periods, 1).pop()?;
        Some(self.by_load(&periods, comparison))
    }

    /// Weighs it by what was sent instead of by up-time, if that is told of both sides.
    /// `periods`: those from which the comparison is.
    fn by_load(&self, periods: &[Period], comparison: Comparison) -> Comparison {
        let periods = &periods[..comparison.end];
        let side = |number: usize| {
            let periods = periods.iter().zip(&self.sent);
            let of = periods.filter(|(period, _)| period.configuration == Some(number));
            of.fold(
                (0.0, Sent::default()),
                |(days, sent), (period, (all, _))| (days + period.days, sent + *all),
            )
        };
        let is_told = |(days, sent): (f64, Sent)| days > 0.0 && sent.untold <= UNTOLD * days;
        let (before, after) = (side(comparison.from), side(comparison.to));
        if !is_told(before) || !is_told(after) || before.1.bytes <= 0.0 {
            return comparison;
        }
        // Days in which as much is sent as in the mean of both sides.
        let a_day = (before.1.bytes + after.1.bytes) / (before.0 + after.0);
        let days = |sent: Sent| sent.bytes / a_day + sent.untold;
        let on_that_clock = periods
            .iter()
            .zip(&self.sent)
            .map(|(period, (all, each))| Period {
                configuration: period.configuration,
                days: days(*all),
                incidents: each.iter().map(|sent| days(*sent)).collect(),
            });
        let on_that_clock: Vec<Period> = on_that_clock.collect();
        let (before, after) = (before.1.bytes / before.0, after.1.bytes / after.0);
        let again = weigh_again(&on_that_clock, &comparison);
        Comparison {
            needed: again.needed.map(|days| days * a_day / before),
            sent_per_day: Some((before, after)),
            ..again
        }
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
