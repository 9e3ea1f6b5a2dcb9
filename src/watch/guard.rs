//! The loop guard: somebody and unhang must not fight over a setting for ever, and no rule must
//! make the link flap.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// After so many times within [`WINDOW`] a setting is left as it is.
pub const LIMIT: usize = 3;
pub const WINDOW: Duration = Duration::from_secs(600);

/// What was put back of one NIC, and when (since boot), per setting.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Guard {
    put_back: BTreeMap<String, Vec<Duration>>,
    left: Vec<String>,
    /// When the link was dropped to set something, whatever that was.
    drops: Vec<Duration>,
    /// What would drop it, and is left as it is.
    left_dropping: Vec<String>,
}

/// Whether a setting may be put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriftAction {
    PutBack,
    /// From now on it is left as it is, which is to be said.
    LeaveNow,
    /// It is left as it is, which has been said.
    Leave,
}

impl Guard {
    /// Whether the setting may be put back; if so, that is counted.
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

    /// Whether a setting may be put back that drops the link: [`LIMIT`] times until the rules
    /// change, for all such settings of the NIC together. What is asked at the same time is one drop.
    pub fn ask_to_drop(&mut self, key: &str, now: Duration) -> DriftAction {
        if self.left_dropping.iter().any(|left| left == key) {
            return DriftAction::Leave;
        }
        if self.drops.last() != Some(&now) {
            if self.drops.len() >= LIMIT {
                self.left_dropping.push(key.to_owned());
                return DriftAction::LeaveNow;
            }
            self.drops.push(now);
        }
        DriftAction::PutBack
    }

    pub fn leaves(&self, key: &str) -> bool {
        self.left.iter().any(|left| left == key)
    }

    /// The link came up: what does not drop it may be put back again.
    pub fn link_up(&mut self) {
        self.put_back.clear();
        self.left.clear();
    }

    /// Forgets everything: the rules changed.
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
    fn the_link_is_dropped_three_times_whatever_changes_however_slowly() {
        let mut guard = Guard::default();
        let keys = ["eee", "ring rx", "pause autoneg", "rx"];
        let mut dropped = Vec::new();
        for (round, key) in (0..50).zip(keys.into_iter().cycle()) {
            let now = Duration::from_secs(round * 86400);
            let asked = ["eee", key];
            if asked
                .map(|key| guard.ask_to_drop(key, now))
                .contains(&DriftAction::PutBack)
            {
                dropped.push(round);
            }
            // It comes up again each time.
            guard.link_up();
        }
        assert_eq!(dropped, [0, 1, 2]);
        guard.clear();
        assert_eq!(
            guard.ask_to_drop("eee", Duration::ZERO),
            DriftAction::PutBack
        );
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
