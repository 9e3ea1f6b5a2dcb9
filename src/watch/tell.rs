//! What the watcher tells the hooks: it queues events; calling hooks is another unit's work.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Watcher;
use super::restore::since_boot;
use crate::log::{Level, Line, Part};
use crate::notify::{Event, Kind};

/// A NIC that only seems to be back hangs again sooner.
const STEADY: Duration = Duration::from_secs(30);

/// A NIC that seems to be back. The hooks are told once it has been for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovered {
    /// When it is told, since boot; `None` while its link is down again.
    at: Option<Duration>,
    /// When its link came up, by the kernel's log.
    up: Duration,
    gone: Duration,
    said: String,
}

impl Recovered {
    pub fn seems(up: Duration, gone: Duration, said: String) -> Recovered {
        let at = Some(since_boot() + STEADY);
        Recovered { at, up, gone, said }
    }

    /// The driver resets it: it was not back.
    pub fn lost(&mut self) {
        self.at = None;
    }

    /// Its link came up.
    pub fn link_up(&mut self, now: Duration) {
        if self.at.is_none() {
            self.gone += now.saturating_sub(self.up);
            self.up = now;
            self.at = Some(since_boot() + STEADY);
        }
    }
}

impl Watcher {
    /// When hooks are to be told of a NIC that is back, since boot.
    pub(super) fn next_told(&self) -> Option<Duration> {
        let nics = self.nics.keys();
        let recovered = nics.filter_map(|nic| self.state.nics.get(nic)?.recovered.as_ref());
        recovered.filter_map(|recovered| recovered.at).min()
    }

    /// Tells of the NICs that have been back for long enough by then.
    pub(super) fn tell_recovered(&mut self, by: Duration) {
        let mut events = Vec::new();
        for (ifindex, watched) in &self.nics {
            let Some(state) = self.state.nics.get_mut(ifindex) else {
                continue;
            };
            if let Some(back) = state
                .recovered
                .take_if(|back| back.at.is_some_and(|at| at <= by))
            {
                let event = Event::of_nic(Kind::Recovered, &watched.nic, &back.said);
                events.push(event.gone_for(back.gone));
            }
        }
        for event in events {
            self.tell(event);
        }
        self.save();
    }

    /// Queues an event, which is there once the state is saved.
    pub(super) fn tell(&mut self, event: Event) {
        self.state.events += 1;
        if let Err(error) = self.queue.stage(self.state.events, event) {
            let what = format!("an event is lost to the hooks: {error}");
            self.log.write(Level::Warning, &what);
        }
    }

    /// Publishes the events that the saved state has.
    pub(super) fn publish(&self) {
        if let Err(error) = self.queue.publish(self.state.events) {
            let what = format!("the hooks are not told: {error}");
            self.log.write(Level::Warning, &what);
        }
    }

    /// Tells that a rule is not in force, once until that is otherwise.
    pub(super) fn tell_of_force(&mut self, ifindex: u32, line: &Line) {
        let wrong = line.parts.iter().any(Part::is_amiss).then(|| line.said());
        let (Some(watched), Some(state)) =
            (self.nics.get(&ifindex), self.state.nics.get_mut(&ifindex))
        else {
            return;
        };
        if state.told == wrong {
            return;
        }
        state.told.clone_from(&wrong);
        if let Some(what) = wrong {
            let event = Event::of_nic(Kind::NotInForce, &watched.nic, &what);
            self.tell(event);
        }
        self.save();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;
    use crate::watch::fixture::{IFINDEX, PCI_ADDRESS, with_watcher};
    use crate::watch::kmsg::{Record, What};
    use crate::watch::state::{NicState, WatchState};

    fn back() -> WatchState {
        let state = NicState {
            recovered: Some(Recovered {
                at: Some(Duration::from_secs(100)),
                up: Duration::from_secs(70),
                gone: Duration::from_secs(4),
                said: "link up".into(),
            }),
            ..NicState::default()
        };
        WatchState {
            nics: BTreeMap::from([(IFINDEX, state)]),
            ..WatchState::default()
        }
    }

    #[test]
    fn a_nic_that_is_back_for_good_is_told_once() {
        let root = tempfile::tempdir().unwrap();
        with_watcher(root.path(), back(), async |watcher| {
            let mut told_by = |seconds| {
                watcher.tell_recovered(Duration::from_secs(seconds));
                let next = watcher.next_told().map(|at| at.as_secs());
                (watcher.queue.waiting().unwrap().len(), next)
            };
            assert_eq!(told_by(99), (0, Some(100)));
            assert_eq!(told_by(100), (1, None));
            assert_eq!(told_by(101), (1, None));
        });
    }

    #[test]
    fn one_that_its_driver_resets_meanwhile_is_not_back_until_its_link_is() {
        let root = tempfile::tempdir().unwrap();
        with_watcher(root.path(), back(), async |watcher| {
            let record = |sequence, seconds: u64, what| Record {
                sequence,
                micros: seconds * 1_000_000,
                pci_address: PCI_ADDRESS.into(),
                what,
            };
            watcher.kernel(record(1, 80, What::Reset), true).await;
            assert_eq!(watcher.next_told(), None);
            watcher.tell_recovered(Duration::MAX);
            assert!(watcher.queue.waiting().unwrap().is_empty());
            watcher.kernel(record(2, 83, What::LinkUp), true).await;
            let at = watcher.next_told().unwrap();
            assert!(at > since_boot());
            watcher.tell_recovered(at);
            let told = watcher.queue.waiting().unwrap();
            assert_eq!(told.len(), 1);
            let told = fs::read_to_string(&told[0]).unwrap();
            assert!(told.contains("\"gone_s\":17.0"), "{told}");
        });
    }
}
