//! The history of a machine as its log tells it: boots, incidents, and for every NIC what
//! was in force when. Feeds on events in the order of time; what the log cannot tell is said
//! in `notes`, never guessed.

use super::in_force::{MAX_OWN, OwnLines, Stretch};
use crate::hang::Incident;
use crate::hang::incidents::Incidents;
use crate::hang::unhang_lines::{Cause, Said, UnhangLine};
use crate::kernel_log::{Boots, Device, Hosts, KernelEvent, Seen, Stamp};
use crate::log::{Line, Part, TrialPart, TrialStep};
use crate::nic::PciId;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default)]
pub struct History {
    pub boots: Boots,
    pub incidents: Incidents,
    /// What the log does not tell, a sentence each.
    pub notes: Vec<String>,
    /// The same of files with nothing in them.
    pub empty_files: Vec<String>,
    /// Whose lines they are, where they tell.
    pub hosts: Hosts,
    pub own: OwnLines,
    /// The PCI ID of each NIC of which one of our lines tells it.
    pub pci_ids: BTreeMap<usize, PciId>,
    /// What our lines told of each NIC in the last boot.
    pub told: BTreeMap<usize, Told>,
    pub(super) trials: Vec<TrialLine>,
    pub(super) sent: Vec<SentLine>,
    last_link_up: Option<(String, Stamp)>,
    /// What somebody set in this boot on an interface of which the log has not told yet whether
    /// it is one of ours.
    early: BTreeMap<String, Vec<Stamp>>,
    /// How many these are.
    early_count: usize,
}

/// How often our lines said so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Hang and reset in quick turns.
    pub storms: u32,
    /// It could not be brought back, and was left alone.
    pub exhausted: u32,
    /// It hung with what was on trial.
    pub refuted: u32,
}

/// What a NIC had sent by then, since its driver found it.
#[derive(Clone, Debug)]
pub struct SentLine {
    pub nic: usize,
    /// Index into `Boots::list`.
    pub boot: usize,
    pub at: Stamp,
    pub bytes: u64,
}

/// A line about a trial.
#[derive(Clone, Debug)]
pub struct TrialLine {
    pub nic: usize,
    pub at: Stamp,
    pub part: TrialPart,
}

impl History {
    pub fn observe(&mut self, mut seen: Seen) {
        let new_boot = self.boots.observe(&mut seen);
        self.incidents.observe(&seen, &self.boots, new_boot);
        if new_boot {
            self.last_link_up = None;
            self.early.clear();
            self.early_count = 0;
            self.told.clear();
        }
        if let KernelEvent::Ethtool(interface) = &seen.event {
            if self.early_count < MAX_OWN {
                self.early_count += 1;
                let at = self.early.entry(interface.clone()).or_default();
                at.push(seen.stamp);
            }
            self.set_by_others(interface);
        }
        if let Some(name) = &seen.device.name {
            self.set_by_others(name);
        }
        match &seen.event {
            KernelEvent::LinkUp { .. } => {
                let name = seen.device.name.clone();
                self.last_link_up = name.map(|name| (name, seen.stamp));
            }
            KernelEvent::Unhang(text) => {
                if let Some(line) = Line::parse(text.trim_end()) {
                    self.own_line(line, text, seen.stamp);
                }
            }
            _ => {}
        }
    }

    fn own_line(&mut self, line: Line, text: &str, at: Stamp) {
        let known = self.incidents.by_name(&line.interface);
        let nic = known.or_else(|| {
            self.incidents.nic(&Device {
                driver: text.contains("; e1000e ").then(|| "e1000e".to_string()),
                pci: None,
                name: Some(line.interface.clone()),
            })
        });
        let Some(nic) = nic else {
            return;
        };
        if let Some(id) = pci_id(text) {
            self.pci_ids.insert(nic, id);
        }
        self.set_by_others(&line.interface);
        self.count_told(nic, &line.parts, at);
        let Some(line) = UnhangLine::of(line) else {
            return;
        };
        if let Some(part) = line.trial.clone().filter(|_| self.trials.len() < MAX_OWN) {
            self.trials.push(TrialLine { nic, at, part });
        }
        if matches!(
            line.said,
            Said::Wedged { .. } | Said::Recovered | Said::Trial
        ) {
            return;
        }
        let link_up = self.last_link_up.as_ref();
        let link_up = link_up.filter(|(name, _)| *name == line.interface);
        let link_up = link_up.filter(|_| line.cause == Cause::LinkUp);
        let link_up = link_up.map(|(_, up)| *up);
        if self.own.take(nic, &line, at, link_up, &self.boots) {
            self.incidents.state_changed(nic);
        }
    }

    /// Counts what one of our lines tells, also one that says nothing of what is in force.
    fn count_told(&mut self, nic: usize, parts: &[Part], at: Stamp) {
        let told = self.told.entry(nic).or_default();
        for part in parts {
            match part {
                Part::Storm { .. } => told.storms += 1,
                Part::Left(_) => told.exhausted += 1,
                Part::Sent(bytes) if self.sent.len() < MAX_OWN => self.sent.push(SentLine {
                    nic,
                    boot: self.boots.list.len() - 1,
                    at,
                    bytes: *bytes,
                }),
                Part::Trial(trial) => told.refuted += u32::from(trial.step == TrialStep::Refuted),
                _ => {}
            }
        }
    }

    /// Takes what somebody set on this interface, if it is known by now.
    fn set_by_others(&mut self, interface: &str) {
        let Some(nic) = self.incidents.by_name(interface) else {
            return;
        };
        for at in self.early.remove(interface).into_iter().flatten() {
            self.early_count -= 1;
            self.own.set_by_others(nic, at, &self.boots);
            self.incidents.state_changed(nic);
        }
    }

    pub fn finish(&mut self) {
        self.incidents.finish(&self.boots);
        let mut incidents = vec![Vec::new(); self.incidents.nics.len()];
        for (index, incident) in self.incidents.list.iter().enumerate() {
            incidents[incident.nic].push(index);
        }
        for (nic, incidents) in incidents.into_iter().enumerate() {
            let stretches = self.stretches(nic);
            for index in incidents {
                let incident = &mut self.incidents.list[index];
                let at = stretch_of(&stretches, incident);
                let other = at.is_some_and(|s| s.in_force.is_none() && s.state.is_known());
                // What the watcher found when it looked counts for more.
                let found = incident.in_force.or(at.and_then(|s| s.in_force));
                incident.in_force = found.filter(|_| !other);
            }
        }
        self.say_what_is_missing();
    }

    /// The stretches of the NIC, in order. Made when asked for: those of many NICs in many
    /// boots are too many to keep.
    pub fn stretches(&self, nic: usize) -> Vec<Stretch> {
        self.own.stretches(nic, &self.boots)
    }
}

/// `8086:15bb` in `…; e1000e 8086:15bb I219-LM (7); event add`.
fn pci_id(text: &str) -> Option<PciId> {
    let identity = text.rsplit("; ").nth(1)?.strip_prefix("e1000e ")?;
    identity.split(' ').next()?.parse().ok()
}

/// The stretch in which the incident began.
pub fn stretch_of<'a>(stretches: &'a [Stretch], incident: &Incident) -> Option<&'a Stretch> {
    let upto = stretches.partition_point(|s| s.boot <= incident.boot);
    let same_boot = stretches[..upto].iter().rev();
    same_boot
        .take_while(|s| s.boot == incident.boot)
        .find(|s| incident.start.since(&s.from).is_some_and(|t| t >= 0))
}
