//! When a NIC is wedged: a state machine without a clock of its own.
//!
//! A hang block alone is no wedge: often the driver resets the adapter and goes on. Two
//! blocks without a reset or link-up between them, the hardware not moving, are, and so is a
//! [`Storm`]. What is done about it is the [`Ladder`]'s.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ladder::{Action, Ladder, Trouble};
use super::storm::Storm;

/// So many blocks without a reset make a wedge. The second is what says that the ring stood still for the whole of
/// the driver's own interval of 2 s; the NIC's counters could not say it sooner, and before that it may be slow only
/// (one block, and it goes on) or a false alarm at link-up.
const BLOCKS: u32 = 2;
/// After so long without a block the next one is another incident.
const QUIET: Duration = Duration::from_secs(60);
/// The same if the link came up since: a NIC that only seems to be back hangs again sooner.
const QUIET_SINCE_LINK_UP: Duration = Duration::from_secs(30);

/// What is known of one NIC's hangs. Times are those of the kernel's log, since boot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wedge {
    /// Blocks since the last reset, link-up or movement of the ring.
    blocks: u32,
    tdh: Option<u64>,
    /// The first block of this incident.
    first_block: Option<Duration>,
    last_block: Option<Duration>,
    /// The link came up after the last block.
    came_up: bool,
    ladder: Ladder,
    storm: Storm,
}

/// The link came up after a recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Back {
    /// Since that recovery.
    pub since: Duration,
    /// Its number in this incident.
    pub recovery: u32,
    /// Since the incident's first block.
    pub gone: Duration,
}

impl Wedge {
    /// A block; `packets` is what the NIC has transmitted, ever, if that is known.
    pub fn block(&mut self, now: Duration, tdh: Option<u64>, packets: Option<u64>) {
        let quiet = if self.came_up {
            QUIET_SINCE_LINK_UP
        } else {
            QUIET
        };
        if self
            .last_block
            .is_some_and(|last| now.saturating_sub(last) > quiet)
        {
            let mut ladder = std::mem::take(&mut self.ladder);
            ladder.begin();
            *self = Wedge {
                ladder,
                ..Wedge::default()
            };
        }
        // The hardware went on in between: it is slow, not wedged.
        if self.blocks > 0 && tdh != self.tdh {
            self.blocks = 0;
        }
        if self.blocks == 0 {
            self.storm.hang(now, packets);
        }
        self.blocks += 1;
        self.tdh = tdh;
        self.first_block.get_or_insert(now);
        self.last_block = Some(now);
        self.came_up = false;
    }

    pub fn last_block(&self) -> Option<Duration> {
        self.last_block
    }

    /// What to do about the block just noted. What it says is counted as done.
    pub fn act(&mut self, recover: bool) -> Action {
        let now = self.last_block.unwrap_or_default();
        let trouble = match self.storm.is_on() {
            _ if self.ladder.pauses(now) => return Action::Wait,
            Some((hangs, within)) => Trouble::Storm { hangs, within },
            None if self.blocks < BLOCKS => return Action::Wait,
            None => Trouble::Wedged {
                blocks: self.blocks,
            },
        };
        self.ladder.act(now, trouble, recover)
    }

    /// The driver resets the adapter, or the link came up; says if that followed a recovery of ours.
    pub fn moving(&mut self, now: Duration, link_up: bool) -> Option<Back> {
        self.blocks = 0;
        self.tdh = None;
        self.storm.moved(now);
        if !link_up {
            return None;
        }
        self.came_up = true;
        let (recovery, since) = self.ladder.link_up(now)?;
        let gone = now.saturating_sub(self.first_block?);
        Some(Back {
            since,
            recovery,
            gone,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::ladder::{Leave, Rung};

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn rung(action: Action) -> Option<(Rung, u32)> {
        match action {
            Action::Recover { rung, number, .. } => Some((rung, number)),
            _ => None,
        }
    }

    /// A block of a NIC that may be recovered, while it is watched.
    fn block(wedge: &mut Wedge, second: u64) -> Action {
        wedge.block(at(second), Some(1), None);
        wedge.act(true)
    }

    #[test]
    fn one_block_is_no_wedge() {
        let mut wedge = Wedge::default();
        assert_eq!(block(&mut wedge, 10), Action::Wait);
    }

    #[test]
    fn a_reset_by_the_driver_itself_is_not_interfered_with() {
        let mut wedge = Wedge::default();
        for round in 0..20 {
            assert_eq!(block(&mut wedge, round * 40), Action::Wait);
            assert_eq!(wedge.moving(at(round * 40 + 5), false), None);
            assert_eq!(wedge.moving(at(round * 40 + 7), true), None);
        }
    }

    #[test]
    fn a_storm_of_resets_takes_the_ladder_within_its_limits() {
        let mut wedge = Wedge::default();
        let mut done = Vec::new();
        for round in 0..30 {
            let second = round * 10;
            let action = block(&mut wedge, second);
            match action {
                Action::Recover { rung, number, .. } => done.push((second, Ok((rung, number)))),
                Action::Leave { why, .. } => done.push((second, Err(why))),
                Action::Wait => {}
            }
            if round == 2 {
                let trouble = Trouble::Storm {
                    hangs: 3,
                    within: at(20),
                };
                let rung = Rung::RestartAutonegotiation;
                let recover = Action::Recover {
                    rung,
                    number: 1,
                    trouble,
                };
                assert_eq!(action, recover);
            }
            wedge.moving(at(second + 5), false);
            wedge.moving(at(second + 7), true);
        }
        let expected = [
            (20, Ok((Rung::RestartAutonegotiation, 1))),
            (30, Ok((Rung::RestartAutonegotiation, 2))),
            (50, Ok((Rung::ResetPciFunction, 3))),
            (90, Err(Leave::LadderUsedUp)),
        ];
        assert_eq!(done, expected);
    }

    #[test]
    fn a_ring_that_moves_is_not_wedged() {
        let mut wedge = Wedge::default();
        for round in 0..20 {
            wedge.block(at(round * 2), Some(round), None);
            assert_eq!(wedge.act(true), Action::Wait);
        }
    }

    #[test]
    fn the_second_block_calls_for_a_recovery_and_link_up_ends_it() {
        let mut wedge = Wedge::default();
        block(&mut wedge, 100);
        let first = block(&mut wedge, 102);
        let recover = Action::Recover {
            rung: Rung::RestartAutonegotiation,
            number: 1,
            trouble: Trouble::Wedged { blocks: 2 },
        };
        assert_eq!(first, recover);
        let back = Back {
            since: at(2),
            recovery: 1,
            gone: at(4),
        };
        assert_eq!(wedge.moving(at(104), true), Some(back));
        assert_eq!(wedge.moving(at(105), true), None);
    }

    #[test]
    fn the_ladder_has_three_rungs_with_growing_pauses() {
        let mut wedge = Wedge::default();
        assert_eq!(
            ladder(&mut wedge, |_| false),
            (TAKEN.to_vec(), vec![Leave::LadderUsedUp])
        );
    }

    #[test]
    fn a_link_that_comes_up_each_time_and_hangs_again_is_no_cure() {
        let mut wedge = Wedge::default();
        let after_two_seconds = |since: u64| since == 2;
        let (taken, left) = ladder(&mut wedge, after_two_seconds);
        assert_eq!(taken.len(), 3);
        assert!(taken[1].0 - taken[0].0 >= 8 && taken[2].0 - taken[1].0 >= 16);
        assert_eq!(left, [Leave::LadderUsedUp]);
    }

    const TAKEN: [(u64, Rung); 3] = [
        (2, Rung::RestartAutonegotiation),
        (10, Rung::RestartAutonegotiation),
        (26, Rung::ResetPciFunction),
    ];

    /// Five minutes with a block every two seconds; the link comes up so many seconds after
    /// a recovery.
    fn ladder(wedge: &mut Wedge, link_up: impl Fn(u64) -> bool) -> (Vec<(u64, Rung)>, Vec<Leave>) {
        let mut taken: Vec<(u64, Rung)> = Vec::new();
        let mut left = Vec::new();
        for second in (0..300).step_by(2) {
            if taken.last().is_some_and(|(last, _)| link_up(second - last)) {
                wedge.moving(at(second), true);
                continue;
            }
            match block(wedge, second) {
                Action::Recover { rung, .. } => taken.push((second, rung)),
                Action::Leave { why, .. } => left.push(why),
                Action::Wait => {}
            }
        }
        (taken, left)
    }

    #[test]
    fn blocks_that_nobody_watched_use_up_no_recovery() {
        let mut wedge = Wedge::default();
        for second in (0..120).step_by(4) {
            wedge.block(at(second), Some(1), None);
        }
        let now = block(&mut wedge, 120);
        assert_eq!(rung(now), Some((Rung::RestartAutonegotiation, 1)));
    }

    #[test]
    fn what_must_not_be_recovered_is_said_once_and_uses_up_nothing() {
        let mut wedge = Wedge::default();
        let mut left = Vec::new();
        for second in (0..40).step_by(4) {
            wedge.block(at(second), Some(1), None);
            left.push(wedge.act(false));
        }
        left.retain(|action| *action != Action::Wait);
        let once = Action::Leave {
            why: Leave::Unwanted,
            tried: 0,
            trouble: Trouble::Wedged { blocks: 2 },
        };
        assert_eq!(left, [once]);
        assert!(once.is_first());
        let now = block(&mut wedge, 40);
        assert_eq!(rung(now), Some((Rung::RestartAutonegotiation, 1)));
    }

    #[test]
    fn a_cable_plugged_in_later_is_not_owed_to_a_recovery() {
        let mut wedge = Wedge::default();
        block(&mut wedge, 0);
        block(&mut wedge, 2);
        assert_eq!(wedge.moving(at(3600), true), None);
        assert_eq!(wedge.moving(at(3601), true), None);
    }

    #[test]
    fn half_a_minute_after_a_cure_the_next_wedge_is_another_incident() {
        for (pause, number) in [(25, 2), (35, 1)] {
            let mut wedge = Wedge::default();
            block(&mut wedge, 0);
            block(&mut wedge, 2);
            wedge.moving(at(4), true);
            block(&mut wedge, 2 + pause);
            let again = block(&mut wedge, 4 + pause);
            assert_eq!(rung(again), Some((Rung::RestartAutonegotiation, number)));
        }
    }

    #[test]
    fn the_hourly_limit_holds_over_incidents_and_is_said_once_in_each() {
        let mut wedge = Wedge::default();
        let mut recovered = 0;
        let mut left = Vec::new();
        for incident in 0..10 {
            let start = incident * 120;
            for second in [start, start + 2, start + 4] {
                match block(&mut wedge, second) {
                    Action::Recover { number, .. } => {
                        recovered += 1;
                        assert_eq!(number, 1);
                        wedge.moving(at(second + 1), true);
                    }
                    Action::Leave { why, .. } => left.push(why),
                    Action::Wait => {}
                }
            }
        }
        assert_eq!(recovered, 6);
        assert_eq!(left, [Leave::HourlyLimit; 4]);
        block(&mut wedge, 4000);
        let after_an_hour = block(&mut wedge, 4002);
        assert_eq!(rung(after_an_hour), Some((Rung::RestartAutonegotiation, 1)));
    }
}
