//! When a NIC is wedged, and what to do about it: a state machine without a clock of its own.
//!
//! A hang block alone is no wedge: often the driver resets the adapter and goes on. Two
//! blocks without a reset or link-up between them, the hardware not moving, are. The ladder
//! is: restart autonegotiation, once more, reset the PCI function, stop.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// So many blocks without a reset make a wedge.
const BLOCKS: u32 = 2;
/// At most so many recoveries within [`HOUR`].
const PER_HOUR: usize = 6;
const HOUR: Duration = Duration::from_secs(3600);
/// The pause after the first recovery; it doubles with each further one. Autonegotiation and
/// the driver's own look at the ring take some seconds.
const FIRST_PAUSE: Duration = Duration::from_secs(8);
/// After so long without a block the next one is another incident.
const QUIET: Duration = Duration::from_secs(60);

/// What is known of one NIC's hangs. Times are since boot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wedge {
    /// Blocks since the last reset, link-up or movement of the ring.
    blocks: u32,
    tdh: Option<u64>,
    last_block: Option<Duration>,
    /// Recoveries in this incident.
    tried: u32,
    /// Not yet followed by a link-up.
    pending: Option<Duration>,
    /// What was last said about leaving the NIC alone in this incident.
    said_left: bool,
    /// Recoveries within the last hour.
    recoveries: Vec<Duration>,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing, for now.
    Wait,
    /// Try this, as the `number`th recovery of this incident.
    Recover {
        /// What to try.
        rung: Rung,
        /// Counted from 1.
        number: u32,
        /// Blocks seen so far.
        blocks: u32,
    },
    /// Say once that nothing more is done, and why.
    Leave(Leave),
}

/// A rung of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rung {
    /// `ETHTOOL_NWAY_RST`: e1000e re-initialises the adapter; addresses and routes stay.
    RestartAutonegotiation,
    /// A function level reset of the PCI device.
    ResetPciFunction,
}

/// Why nothing more is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// The whole ladder did not help.
    LadderUsedUp,
    /// The hourly limit is reached.
    HourlyLimit,
}

impl Wedge {
    /// The driver printed a hang block.
    pub fn block(&mut self, now: Duration, tdh: Option<u64>) -> Action {
        if self
            .last_block
            .is_some_and(|last| now.saturating_sub(last) > QUIET)
        {
            let recoveries = std::mem::take(&mut self.recoveries);
            *self = Wedge {
                recoveries,
                ..Wedge::default()
            };
        }
        // The hardware went on in between: it is slow, not wedged.
        if self.blocks > 0 && tdh != self.tdh {
            self.blocks = 0;
        }
        self.blocks += 1;
        self.tdh = tdh;
        self.last_block = Some(now);
        self.recoveries.retain(|at| now.saturating_sub(*at) < HOUR);
        let pause = FIRST_PAUSE * 2u32.saturating_pow(self.tried.saturating_sub(1));
        let too_soon = self
            .pending
            .is_some_and(|at| now.saturating_sub(at) < pause);
        if self.blocks < BLOCKS || too_soon {
            return Action::Wait;
        }
        let rung = match self.tried {
            0 | 1 => Rung::RestartAutonegotiation,
            2 => Rung::ResetPciFunction,
            _ => return self.leave(Leave::LadderUsedUp),
        };
        if self.recoveries.len() >= PER_HOUR {
            return self.leave(Leave::HourlyLimit);
        }
        self.tried += 1;
        self.pending = Some(now);
        self.recoveries.push(now);
        Action::Recover {
            rung,
            number: self.tried,
            blocks: self.blocks,
        }
    }

    fn leave(&mut self, why: Leave) -> Action {
        if std::mem::replace(&mut self.said_left, true) {
            Action::Wait
        } else {
            Action::Leave(why)
        }
    }

    /// The driver resets the adapter, or the link came up. If that followed a recovery of ours:
    /// the time since then, and the recovery's number.
    pub fn moving(&mut self, now: Duration, link_up: bool) -> Option<(Duration, u32)> {
        self.blocks = 0;
        self.tdh = None;
        if !link_up {
            return None;
        }
        let since = self.pending.take()?;
        Some((now.saturating_sub(since), self.tried))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn rung(action: Action) -> Option<(Rung, u32)> {
        match action {
            Action::Recover { rung, number, .. } => Some((rung, number)),
            _ => None,
        }
    }

    #[test]
    fn one_block_is_no_wedge() {
        let mut wedge = Wedge::default();
        assert_eq!(wedge.block(at(10), Some(1)), Action::Wait);
    }

    #[test]
    fn a_reset_by_the_driver_itself_is_not_interfered_with() {
        let mut wedge = Wedge::default();
        for round in 0..20 {
            assert_eq!(wedge.block(at(round * 10), Some(1)), Action::Wait);
            assert_eq!(wedge.moving(at(round * 10 + 5), false), None);
            assert_eq!(wedge.moving(at(round * 10 + 7), true), None);
        }
    }

    #[test]
    fn a_ring_that_moves_is_not_wedged() {
        let mut wedge = Wedge::default();
        for round in 0..20 {
            assert_eq!(wedge.block(at(round * 2), Some(round)), Action::Wait);
        }
    }

    #[test]
    fn the_second_block_calls_for_a_recovery_and_link_up_ends_it() {
        let mut wedge = Wedge::default();
        wedge.block(at(100), Some(1));
        let first = wedge.block(at(102), Some(1));
        let recover = Action::Recover {
            rung: Rung::RestartAutonegotiation,
            number: 1,
            blocks: 2,
        };
        assert_eq!(first, recover);
        assert_eq!(wedge.moving(at(104), true), Some((at(2), 1)));
        assert_eq!(wedge.moving(at(105), true), None);
    }

    #[test]
    fn the_ladder_has_three_rungs_with_growing_pauses() {
        let mut wedge = Wedge::default();
        let mut taken = Vec::new();
        let mut left = Vec::new();
        for second in (0..300).step_by(2) {
            match wedge.block(at(second), Some(1)) {
                Action::Recover { rung, .. } => taken.push((second, rung)),
                Action::Leave(why) => left.push(why),
                Action::Wait => {}
            }
        }
        let expected = [
            (2, Rung::RestartAutonegotiation),
            (10, Rung::RestartAutonegotiation),
            (26, Rung::ResetPciFunction),
        ];
        assert_eq!(taken, expected);
        assert_eq!(left, [Leave::LadderUsedUp]);
    }

    #[test]
    fn the_hourly_limit_holds_over_incidents_and_is_said_once_in_each() {
        let mut wedge = Wedge::default();
        let mut recovered = 0;
        let mut left = Vec::new();
        for incident in 0..10 {
            let start = incident * 120;
            for block in 0..3 {
                match wedge.block(at(start + block * 2), Some(1)) {
                    Action::Recover { number, .. } => {
                        recovered += 1;
                        assert_eq!(number, 1);
                        wedge.moving(at(start + block * 2 + 1), true);
                    }
                    Action::Leave(why) => left.push(why),
                    Action::Wait => {}
                }
            }
        }
        assert_eq!(recovered, 6);
        assert_eq!(left, [Leave::HourlyLimit; 4]);
        wedge.block(at(4000), Some(1));
        let after_an_hour = wedge.block(at(4002), Some(1));
        assert_eq!(rung(after_an_hour), Some((Rung::RestartAutonegotiation, 1)));
    }
}
