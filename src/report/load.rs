//! What a NIC has sent, as the watcher's lines tell it. A NIC hangs under load, so this is a
//! better clock of exposure than up-time: it stands still where the load has gone.

use std::ops::{Add, AddAssign};

use super::DAY;
use super::history::History;

/// Exposure: what was sent, and for how many days of it that is not told.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sent {
    pub bytes: f64,
    pub untold: f64,
}

impl Add for Sent {
    type Output = Sent;

    fn add(self, other: Sent) -> Sent {
        Sent {
            bytes: self.bytes + other.bytes,
            untold: self.untold + other.untold,
        }
    }
}

impl AddAssign for Sent {
    fn add_assign(&mut self, other: Sent) {
        *self = *self + other;
    }
}

/// Between two lines it sent evenly, for all that is known.
#[derive(Clone, Copy, Debug)]
struct Segment {
    boot: usize,
    /// Since the boot's first sign of life, in µs.
    from: i64,
    to: i64,
    bytes: f64,
    /// What all segments before it come to.
    bytes_before: f64,
    told_before: i64,
}

#[derive(Clone, Debug, Default)]
pub struct Load(Vec<Segment>);

impl Load {
    pub fn of_nic(history: &History, nic: usize) -> Load {
        let mut load = Load::default();
        let mut last: Option<(usize, i64, u64)> = None;
        for line in history.sent.iter().filter(|line| line.nic == nic) {
            let boot = &history.boots.list[line.boot];
            let Some(at) = line.at.since(&boot.first) else {
                continue;
            };
            match last.filter(|(boot, ..)| *boot == line.boot) {
                Some((_, from, _)) if at <= from => continue,
                Some((boot, from, before)) => {
                    // A counter that has fallen is that of a new device.
                    let more = line.bytes.checked_sub(before).unwrap_or(line.bytes);
                    load.push(boot, (from, at), more as f64);
                }
                None => {
                    // It counts since about the machine's start, which the log may not have.
                    let own = Some(at).filter(|_| boot.has_beginning());
                    if let Some(up) = line.at.uptime.or(own).filter(|up| *up > 0 && at > 0) {
                        let part = (at as f64 / up as f64).min(1.0);
                        load.push(line.boot, (0, at), line.bytes as f64 * part);
                    }
                }
            }
            last = Some((line.boot, at, line.bytes));
        }
        load
    }

    fn push(&mut self, boot: usize, (from, to): (i64, i64), bytes: f64) {
        let last = self.0.last();
        self.0.push(Segment {
            boot,
            from,
            to,
            bytes,
            bytes_before: last.map_or(0.0, |last| last.bytes_before + last.bytes),
            told_before: last.map_or(0, |last| last.told_before + last.to - last.from),
        });
    }

    /// In this boot, between two times since its first sign of life (µs).
    pub fn between(&self, boot: usize, from: i64, to: i64) -> Sent {
        let (bytes_from, told_from) = self.until(boot, from);
        let (bytes_to, told_to) = self.until(boot, to);
        Sent {
            bytes: (bytes_to - bytes_from).max(0.0),
            untold: ((to - from) - (told_to - told_from)).max(0) as f64 / DAY,
        }
    }

    /// What was sent from the log's beginning until then, and in how many µs.
    fn until(&self, boot: usize, at: i64) -> (f64, i64) {
        let index = self.0.partition_point(|s| (s.boot, s.to) < (boot, at));
        let Some(segment) = self.0.get(index) else {
            let last = self.0.last();
            return last.map_or((0.0, 0), |s| {
                (s.bytes_before + s.bytes, s.told_before + s.to - s.from)
            });
        };
        let told = if segment.boot == boot {
            (at - segment.from).max(0)
        } else {
            0
        };
        let part = told as f64 / (segment.to - segment.from) as f64;
        (
            segment.bytes_before + segment.bytes * part,
            segment.told_before + told,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::SentLine;
    use super::*;
    use crate::kernel_log::{Boot, SECOND, Stamp};

    const HOUR: i64 = 3600 * SECOND;

    fn at(hours: i64) -> Stamp {
        Stamp {
            wall: None,
            uptime: Some(hours * HOUR),
        }
    }

    /// Boots of the log by their first and last hour of up-time, and lines of (boot, hour, bytes).
    fn load(boots: &[(i64, i64)], lines: &[(usize, i64, u64)]) -> Load {
        let mut history = History::default();
        history.boots.list = boots
            .iter()
            .map(|(first, last)| {
                let mut boot = Boot::default();
                (boot.first, boot.last) = (at(*first), at(*last));
                boot
            })
            .collect();
        history.sent = lines
            .iter()
            .map(|&(boot, hour, bytes)| SentLine {
                nic: 0,
                boot,
                at: at(hour),
                bytes,
            })
            .collect();
        Load::of_nic(&history, 0)
    }

    fn sent(bytes: f64, hours: f64) -> Sent {
        Sent {
            bytes,
            untold: hours / 24.0,
        }
    }

    #[test]
    fn between_two_lines_it_sent_evenly() {
        let load = load(&[(0, 100)], &[(0, 10, 100), (0, 20, 1100)]);
        assert_eq!(load.between(0, 10 * HOUR, 20 * HOUR), sent(1000.0, 0.0));
        assert_eq!(load.between(0, 12 * HOUR, 13 * HOUR), sent(100.0, 0.0));
        assert_eq!(load.between(0, 0, 10 * HOUR), sent(100.0, 0.0));
        assert_eq!(load.between(0, 5 * HOUR, 11 * HOUR), sent(150.0, 0.0));
        // What came after the last line is not told.
        assert_eq!(load.between(0, 15 * HOUR, 40 * HOUR), sent(500.0, 20.0));
        assert_eq!(load.between(0, 50 * HOUR, 60 * HOUR), sent(0.0, 10.0));
    }

    #[test]
    fn the_counter_began_with_the_machine_not_with_the_log() {
        let load = load(&[(90, 120)], &[(0, 100, 1000)]);
        assert_eq!(load.between(0, 0, 10 * HOUR), sent(100.0, 0.0));
    }

    #[test]
    fn a_new_device_and_a_new_boot_count_from_zero() {
        let load = load(
            &[(0, 20), (0, 20), (0, 20)],
            &[(0, 10, 900), (0, 20, 300), (2, 10, 50), (2, 20, 70)],
        );
        assert_eq!(load.between(0, 10 * HOUR, 20 * HOUR), sent(300.0, 0.0));
        assert_eq!(load.between(1, 0, 20 * HOUR), sent(0.0, 20.0));
        assert_eq!(load.between(2, 0, 20 * HOUR), sent(70.0, 0.0));
    }
}
