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
    /// When it is told, since boot.
    at: Duration,
    gone: Duration,
    said: String,
}

impl Recovered {
    pub fn seems(gone: Duration, said: String) -> Recovered {
        let at = since_boot() + STEADY;
        Recovered { at, gone, said }
    }
}

impl Watcher {
    /// When hooks are to be told of a NIC that is back, since boot.
    pub(super) fn next_told(&self) -> Option<Duration> {
        let nics = self.nics.keys();
        let recovered = nics.filter_map(|nic| self.state.nics.get(nic)?.recovered.as_ref());
        recovered.map(|recovered| recovered.at).min()
    }

    /// Tells of the NICs that have been back for long enough by then.
    pub(super) fn tell_recovered(&mut self, by: Duration) {
        let mut events = Vec::new();
        for (ifindex, watched) in &self.nics {
            let Some(state) = self.state.nics.get_mut(ifindex) else {
                continue;
            };
            if let Some(back) = state.recovered.take_if(|back| back.at <= by) {
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
    use std::sync::Arc;

    use super::*;
    use crate::features::Connection;
    use crate::log::Log;
    use crate::nic::Nic;
    use crate::notify::Queue;
    use crate::rules::RuleSet;
    use crate::saved_state::SavedState;
    use crate::watch::Watched;
    use crate::watch::state::{self, NicState};

    #[test]
    fn a_nic_that_is_back_for_good_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_owned();
        let back = Recovered {
            at: Duration::from_secs(100),
            gone: Duration::from_secs(4),
            said: "link up".into(),
        };
        let state = NicState {
            recovered: Some(back),
            ..NicState::default()
        };
        let test = async {
            let nic = Watched {
                nic: Nic::default(),
                bus_address: None,
                complaint: None,
            };
            let mut watcher = Watcher {
                rules: Arc::new(RuleSet::default()),
                dirs: Vec::new(),
                kernel: Connection::open().unwrap(),
                log: Log::below(&root),
                saved: SavedState::below(&root),
                queue: Queue::below(&root),
                nics: BTreeMap::from([(2, nic)]),
                state: state::WatchState {
                    nics: BTreeMap::from([(2, state)]),
                    ..state::WatchState::default()
                },
                state_path: state::path(&root),
                root,
                complaints: Vec::new(),
                without_trials: false,
            };
            let mut told_by = |seconds| {
                watcher.tell_recovered(Duration::from_secs(seconds));
                let next = watcher.next_told().map(|at| at.as_secs());
                (watcher.queue.waiting().unwrap().len(), next)
            };
            assert_eq!(told_by(99), (0, Some(100)));
            assert_eq!(told_by(100), (1, None));
            assert_eq!(told_by(101), (1, None));
        };
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(test);
    }
}
