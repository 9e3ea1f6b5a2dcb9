//! A storm: the NIC hangs, moves on, and hangs again in quick turns. The driver resets it each
//! time, so it is never wedged, and is of no use all the same.
//!
//! The numbers follow from the driver's times. It looks at its ring every 2 s; the transmit time-out
//! resets the adapter after 5 to 10 s, and the link is up 2 to 5 s later: a turn of a NIC that hangs as soon as
//! it is back takes 8 to 18 s, with a slow switch some more. Two hangs can be bad luck; the third in
//! such turns comes after 20 to 40 s, before a watchdog of 60 s fences a host.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// So many hangs in quick turns make a storm.
const HANGS: u32 = 3;
/// From one hang to the next.
const TURN: Duration = Duration::from_secs(30);
/// A packet has been stuck for 1 s, and the driver has looked after 2 s at most.
const UNTIL_BLOCK: Duration = Duration::from_secs(2);
/// Fewer packets in a turn are hardly any traffic: what replies to what still comes in.
const FEW: u64 = 1000;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Storm {
    /// Hangs in quick turns, up to now.
    hangs: u32,
    first: Option<Duration>,
    last: Option<Duration>,
    /// The last reset or link-up since then.
    moved: Option<Duration>,
    /// What the NIC had transmitted at the last hang.
    packets: Option<u64>,
}

impl Storm {
    /// The driver reset the adapter, or the link came up.
    pub fn moved(&mut self, now: Duration) {
        self.moved = Some(now);
    }

    /// The first block since the NIC moved on. `packets` is what it has transmitted, ever.
    pub fn hang(&mut self, now: Duration, packets: Option<u64>) {
        let turn = self.last.map(|last| now.saturating_sub(last));
        let worked = self
            .moved
            .map(|moved| now.saturating_sub(moved + UNTIL_BLOCK));
        let sent = packets.zip(self.packets);
        let few = sent.is_some_and(|(now, before)| now.saturating_sub(before) < FEW);
        let of_no_use = |turn: Duration| few || worked.is_some_and(|worked| worked * 2 <= turn);
        if turn.is_some_and(|turn| turn <= TURN && of_no_use(turn)) {
            self.hangs += 1;
        } else {
            self.hangs = 1;
            self.first = Some(now);
        }
        self.last = Some(now);
        self.packets = packets;
        self.moved = None;
    }

    /// How many hangs, and in what time, if it is a storm.
    pub fn is_on(&self) -> Option<(u32, Duration)> {
        let within = self.last?.saturating_sub(self.first?);
        (self.hangs >= HANGS).then_some((self.hangs, within))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a kernel log has of one NIC: tenths of a second, and a block, reset or link-up.
    fn storm_at(log: &[(u64, char)], packets: impl Fn(u64) -> Option<u64>) -> Option<(u64, u32)> {
        let mut storm = Storm::default();
        let mut hangs = false;
        for (tenths, what) in log {
            let now = Duration::from_millis(tenths * 100);
            match what {
                'b' if hangs => {}
                'b' => {
                    hangs = true;
                    storm.hang(now, packets(*tenths));
                    if let Some((hangs, _)) = storm.is_on() {
                        return Some((*tenths, hangs));
                    }
                }
                _ => {
                    hangs = false;
                    storm.moved(now);
                }
            }
        }
        None
    }

    const UNKNOWN: fn(u64) -> Option<u64> = |_| None;

    #[test]
    fn hang_reset_link_up_hang_is_one_at_the_third() {
        // Blocks every 2 s, the reset after 5, the link 3 s later, and it hangs at once.
        let mut log = Vec::new();
        for turn in 0..10 {
            let at = turn * 110;
            log.extend(
                [(0, 'b'), (20, 'b'), (40, 'b'), (51, 'r'), (83, 'u')].map(|(t, c)| (at + t, c)),
            );
        }
        assert_eq!(storm_at(&log, UNKNOWN), Some((220, 3)));
    }

    #[test]
    fn nor_does_it_take_a_link_that_goes_down() {
        let log: Vec<_> = (0..10)
            .flat_map(|turn| {
                [
                    (turn * 80, 'b'),
                    (turn * 80 + 20, 'b'),
                    (turn * 80 + 55, 'r'),
                ]
            })
            .collect();
        assert_eq!(storm_at(&log, UNKNOWN), Some((160, 3)));
    }

    #[test]
    fn a_nic_that_works_most_of_the_time_between_has_none_while_it_sends() {
        // Every 28 s a hang of 8 s.
        let log: Vec<_> = (0..10)
            .flat_map(|turn| {
                [
                    (turn * 280, 'b'),
                    (turn * 280 + 51, 'r'),
                    (turn * 280 + 80, 'u'),
                ]
            })
            .collect();
        assert_eq!(storm_at(&log, UNKNOWN), None);
        assert_eq!(storm_at(&log, |tenths| Some(tenths * 100)), None);
        // With a link that is up and carries nothing it is none the better for it.
        assert_eq!(storm_at(&log, |tenths| Some(tenths / 10)), Some((560, 3)));
    }

    #[test]
    fn hangs_far_apart_are_none() {
        for turn in [310, 600, 36_000] {
            let log: Vec<_> = (0..10)
                .flat_map(|n| [(n * turn, 'b'), (n * turn + 51, 'r')])
                .collect();
            assert_eq!(storm_at(&log, |_| Some(7)), None, "{turn}");
        }
    }

    #[test]
    fn two_are_none_and_a_good_turn_begins_anew() {
        let turn = |at: u64| [(at, 'b'), (at + 51, 'r'), (at + 83, 'u')];
        let log: Vec<_> = [0, 110, 600, 710, 1200]
            .into_iter()
            .flat_map(turn)
            .collect();
        assert_eq!(storm_at(&log, UNKNOWN), None);
    }

    #[test]
    fn a_ring_that_creeps_is_one_if_hardly_anything_leaves_it() {
        // Each block finds the ring further on, without a reset.
        let creeping = |a_second: u64| {
            let mut storm = Storm::default();
            for second in (0..20).step_by(2) {
                storm.hang(Duration::from_secs(second), Some(second * a_second));
            }
            storm.is_on().is_some()
        };
        assert!(creeping(10));
        assert!(!creeping(2000));
    }
}
