//! What the watcher does when something happens.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::restore::When;
use super::signals::{LinkState, Signal};
use super::{Watched, Watcher, rulefiles};
use crate::discover;
use crate::log::{Event, Level, Line};
use crate::nic::Nic;
use crate::rules::{RuleSet, Stall, decide};

impl Watcher {
    pub(super) async fn react(&mut self, signal: Signal) {
        match signal {
            Signal::Link(link) => self.link(link).await,
            Signal::Gone(ifindex) => self.gone(ifindex),
            Signal::Changed(ifindex) => {
                self.put_right(ifindex, When::Drift, &Event::drift()).await;
            }
            Signal::Kernel { record, now } => self.kernel(record, now).await,
            Signal::Overflow => self.catch_up().await,
            Signal::Rules => self.rules().await,
            Signal::Day | Signal::Stop | Signal::Broken(..) => {}
        }
    }

    /// Applies the rules to every NIC: at the start, and when they changed.
    pub(super) async fn put_all_right(&mut self, event: &Event) {
        for nic in self.find() {
            let ifindex = nic.ifindex;
            if self.take_on(nic.clone()) {
                self.link(LinkState::now(nic)).await;
                self.put_right(ifindex, When::Unseen, event).await;
            }
        }
        self.save();
    }

    /// Messages were lost: looks at every NIC as if it had been told of just now.
    async fn catch_up(&mut self) {
        for nic in self.find() {
            let ifindex = nic.ifindex;
            self.link(LinkState::now(nic)).await;
            self.put_right(ifindex, When::Drift, &Event::drift()).await;
        }
        self.save();
    }

    /// The NICs that there are; forgets those that there were.
    fn find(&mut self) -> Vec<Nic> {
        let mut found = match discover::all(&self.root) {
            Ok(found) => found,
            Err(error) => {
                let complaint = format!("the network devices can't be listed: {error}");
                self.log.write(Level::Error, &complaint);
                return Vec::new();
            }
        };
        found.retain(|found| found.physical);
        let there = |ifindex: &u32| found.iter().any(|found| found.nic.ifindex == *ifindex);
        self.nics.retain(|ifindex, _| there(ifindex));
        self.state.nics.retain(|ifindex, _| there(ifindex));
        found.into_iter().map(|found| found.nic).collect()
    }

    /// Begins or goes on to watch the NIC if a rule matches it.
    fn take_on(&mut self, nic: Nic) -> bool {
        let decision = decide(self.rules.rules(), &nic);
        let look = decision.stall() == Stall::Report;
        if decision.is_empty() {
            self.nics.remove(&nic.ifindex);
            return false;
        }
        let device = fs::read_link(net_device(&nic.name).join("device")).ok();
        let bus_address = device.and_then(|link| Some(link.file_name()?.to_str()?.to_owned()));
        let watched = self.nics.entry(nic.ifindex).or_insert_with(|| Watched {
            nic: nic.clone(),
            bus_address: bus_address.clone(),
            complaint: None,
            stall: None,
            noted: None,
        });
        let state = self.state.nics.entry(nic.ifindex).or_default();
        state
            .carrier_ups
            .get_or_insert_with(|| read_carrier_ups(&nic.name));
        watched.nic = nic;
        watched.stall = look.then(|| watched.stall.take().unwrap_or_default());
        watched.bus_address = bus_address;
        true
    }

    async fn link(&mut self, link: LinkState) {
        let known = self
            .nics
            .get(&link.ifindex)
            .map(|watched| watched.nic.name.clone());
        if known.is_none() || (link.name.is_some() && link.name != known) {
            let name = link.name.as_deref().unwrap_or_default();
            let found = discover::by_name(name, link.ifindex).filter(|found| found.physical);
            if !found.is_some_and(|found| self.take_on(found.nic)) {
                return;
            }
        }
        let state = self.state.nics.entry(link.ifindex).or_default();
        if link.carrier && link.carrier_ups > state.carrier_ups {
            state.carrier_ups = link.carrier_ups;
            state.last_link_up = Some(now_since_1970());
            state.guard.link_up();
            let when = When::Unseen;
            self.put_right(link.ifindex, when, &Event::link_up()).await;
            self.save();
        }
    }

    fn gone(&mut self, ifindex: u32) {
        if let Some(watched) = self.nics.remove(&ifindex) {
            self.saved.forget(&watched.nic);
        }
        if self.state.nics.remove(&ifindex).is_some() {
            self.save();
        }
    }

    /// Logs a line above debug; what is wrong is said once, until it is something else.
    pub(super) fn say(&mut self, ifindex: u32, level: Level, line: &Line) {
        self.tell_of_force(ifindex, line);
        let complaint = (level > Level::Info).then(|| format!("{:?}", line.parts));
        if let Some(watched) = self.nics.get_mut(&ifindex) {
            if complaint.is_some() && watched.complaint == complaint {
                return;
            }
            watched.complaint = complaint;
        }
        if level > Level::Debug {
            self.log.write(level, &line.to_string());
        }
    }

    /// The rule files changed, or somebody asks to read them.
    async fn rules(&mut self) {
        let old = Arc::clone(&self.rules);
        let (new, complaints) = self.reload();
        self.complain(complaints);
        if old.rules().eq(new.rules()) {
            return;
        }
        // What was sent until now belongs to what was in force.
        self.note_load(Duration::ZERO);
        self.rules = Arc::new(new);
        for state in self.state.nics.values_mut() {
            state.guard.clear();
        }
        self.put_all_right(&Event::rules()).await;
    }

    /// The rules as their files are now, and what is wrong with these.
    pub(super) fn reload(&self) -> (RuleSet, Vec<String>) {
        let (new, complaints) = rulefiles::reload(&self.rules, &self.dirs);
        if self.without_trials {
            return (new.without_trials(), complaints);
        }
        (new, complaints)
    }

    /// Says what is wrong with rule files, once until it is something else.
    pub(super) fn complain(&mut self, complaints: Vec<String>) {
        for complaint in &complaints {
            if !self.complaints.contains(complaint) {
                self.log.write(Level::Warning, complaint);
            }
        }
        self.complaints = complaints;
    }

    pub(super) fn save(&self) {
        if let Err(error) = self.state.save(&self.state_path) {
            let path = self.state_path.display();
            self.log
                .write(Level::Warning, &format!("{path} can't be written: {error}"));
        }
        self.publish();
    }
}

impl LinkState {
    /// The link as it is now.
    fn now(nic: Nic) -> LinkState {
        LinkState {
            ifindex: nic.ifindex,
            carrier: read_carrier(&nic.name),
            carrier_ups: Some(read_carrier_ups(&nic.name)),
            name: Some(nic.name),
        }
    }
}

pub(super) fn net_device(interface: &str) -> PathBuf {
    Path::new(super::NET).join(interface)
}

/// How often the carrier came up, ever.
fn read_carrier_ups(interface: &str) -> u32 {
    let text = fs::read_to_string(net_device(interface).join("carrier_up_count"));
    text.ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0)
}

/// A device that is down refuses to be asked.
fn read_carrier(interface: &str) -> bool {
    fs::read_to_string(net_device(interface).join("carrier")).is_ok_and(|text| text.trim() == "1")
}

fn now_since_1970() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::watch::fixture::with_watcher;
    use crate::watch::state::{NicState, WatchState};

    #[test]
    fn what_was_noted_of_a_device_goes_with_it_even_if_no_rule_is_for_it_any_more() {
        let root = tempfile::tempdir().unwrap();
        let state = WatchState {
            nics: BTreeMap::from([(2, NicState::default()), (3, NicState::default())]),
            ..WatchState::default()
        };
        with_watcher(root.path(), state, async |watcher| {
            watcher.react(Signal::Gone(2)).await;
            let left = WatchState::load(&watcher.state_path).nics.into_keys();
            assert_eq!(left.collect::<Vec<_>>(), [3]);
        });
    }
}
