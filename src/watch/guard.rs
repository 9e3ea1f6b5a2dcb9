//! The loop guard: somebody and unhang must not fight over an offload for ever.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// After so many times within [`WINDOW`] an offload is left as it is.
pub const LIMIT: usize = 3;
pub const WINDOW: Duration = Duration::from_secs(600);

/// What was put back of one NIC, and when (since boot), per offload key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    put_back: BTreeMap<String, Vec<Duration>>,
    left: Vec<String>,
}

/// Whether an offload may be put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriftAction {
    PutBack,
    /// From now on it is left as it is, which is to be said.
    LeaveNow,
    /// It is left as it is, which has been said.
    Leave,
}

impl Guard {
    /// Whether the offload may be put back; if so, that is counted.
    pub fn ask(&mut self, key: &str, now: Duration) -> DriftAction {
        if self.leaves(key) {
            return DriftAction::Leave;
        }
        let times = self.put_back.entry(key.to_owned()).or_default();
        times.retain(|at| now.saturating_sub(*at) < WINDOW);
        if times.len() >= LIMIT {
            self.left.push(key.to_owned());
            return DriftAction::LeaveNow;
        }
        times.push(now);
        DriftAction::PutBack
    }

    pub fn leaves(&self, key: &str) -> bool {
        self.left.iter().any(|left| left == key)
    }

    /// Forgets everything: the link or the rules changed.
    pub fn clear(&mut self) {
        *self = Guard::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fourth_time_within_ten_minutes_is_left_and_said_once() {
        let mut guard = Guard::default();
        let mut ask = |second| guard.ask("tso", Duration::from_secs(second));
        assert_eq!([ask(0), ask(1), ask(2)], [DriftAction::PutBack; 3]);
        assert_eq!(ask(3), DriftAction::LeaveNow);
        assert_eq!([ask(4), ask(5000)], [DriftAction::Leave; 2]);
        assert!(guard.leaves("tso") && !guard.leaves("gso"));
        guard.clear();
        assert_eq!(
            guard.ask("tso", Duration::from_secs(6)),
            DriftAction::PutBack
        );
    }

    #[test]
    fn what_happens_now_and_then_is_put_back_every_time() {
        let mut guard = Guard::default();
        for round in 0..50 {
            assert_eq!(
                guard.ask("tso", Duration::from_secs(round * 300)),
                DriftAction::PutBack
            );
        }
    }

    #[test]
    fn offloads_are_counted_apart() {
        let mut guard = Guard::default();
        for key in [
            "tso", "gso", "gro", "tso", "gso", "gro", "tso", "gso", "gro",
        ] {
            assert_eq!(guard.ask(key, Duration::ZERO), DriftAction::PutBack);
        }
    }
}
