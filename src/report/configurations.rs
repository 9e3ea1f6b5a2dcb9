//! What was in force when: the settings of a NIC over its history, whatever the rules were,
//! each with the up-time and the incidents in it.

use super::history::{History, Stretch};
use super::stats::bursts;
use super::{DAY, days, plural};
use crate::hang::{Incident, Settings};
use crate::kernel_log::Stamp;
use std::iter::repeat_n;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InForce {
    Unknown,
    /// Nothing of unhang's.
    Default,
    Set(Settings),
}

#[derive(Clone, Debug)]
pub struct Configuration {
    pub in_force: InForce,
    pub since: Stamp,
    /// Up-time in days.
    pub days: f64,
    /// When the incidents began, on a clock that runs only in this configuration.
    times: Vec<f64>,
}

impl Configuration {
    /// "tso gso off", "default", "not known".
    pub fn name(&self) -> String {
        match &self.in_force {
            InForce::Set(settings) => settings.name(),
            InForce::Default => "default".into(),
            InForce::Unknown => "not known".into(),
        }
    }

    pub fn incidents(&self) -> usize {
        self.times.len()
    }

    /// "tso gso off: 4 incidents in 4.0 days".
    pub fn line(&self) -> String {
        let incidents = plural(self.incidents(), "incident");
        format!("{}: {incidents} in {}", self.name(), days(self.days))
    }

    pub fn bursts(&self) -> usize {
        bursts(&self.times).len()
    }
}

/// The configurations of the NIC, in the order in which they first came.
pub fn of_nic(history: &History, nic: usize) -> Vec<Configuration> {
    let mut all: Vec<Configuration> = Vec::new();
    let mut incidents = history.incidents.of(nic).peekable();
    let mut last = 0;
    for stretch in &history.stretches(nic) {
        let in_force = history.in_force(stretch);
        last = all
            .iter()
            .position(|one| one.in_force == in_force)
            .unwrap_or(all.len());
        if last == all.len() {
            all.push(Configuration {
                in_force,
                since: stretch.from,
                days: 0.0,
                times: Vec::new(),
            });
        }
        let one = &mut all[last];
        let length = stretch.length() as f64 / DAY;
        while let Some(incident) = incidents.next_if(|i| before_end(i, stretch)) {
            let within = incident.start.since(&stretch.from).unwrap_or(0).max(0) as f64 / DAY;
            let time = one.days + within.min(length);
            one.times.extend(repeat_n(time, incident.times as usize));
        }
        one.days += length;
    }
    if let Some(one) = all.get_mut(last) {
        for incident in incidents {
            one.times
                .extend(repeat_n(one.days, incident.times as usize));
        }
    }
    all
}

/// Did the incident begin before the stretch was over?
pub(super) fn before_end(incident: &Incident, stretch: &Stretch) -> bool {
    let same = incident.boot == stretch.boot;
    incident.boot < stretch.boot || same && incident.start.since(&stretch.to).is_some_and(|t| t < 0)
}
