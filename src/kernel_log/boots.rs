//! Which boot of the machine an event belongs to: by the journal's boot IDs, by the
//! kernel's first line, by journalctl's separators, or because the boot clock went back.

use super::event::{KernelEvent, Seen};
use super::scan::SECOND;
use super::stamp::Stamp;

/// A clock that goes back by more than this has been restarted with the machine.
const BACK: i64 = 10 * SECOND;
/// The wall clock may drift from the boot clock by so much before it counts as a jump.
const JUMP: i64 = 120 * SECOND;
/// A log that is no older than this at its first line has the boot's beginning.
const START: i64 = 120 * SECOND;
/// More boots than this in one log are joined to the last.
const MAX_BOOTS: usize = 50_000;

/// One run of the machine, as far as the log shows it.
#[derive(Clone, Debug, Default)]
pub struct Boot {
    /// The journal's `_BOOT_ID`.
    pub id: Option<u128>,
    pub kernel: Option<(u16, u16)>,
    /// Its kernel's first line is in the log.
    pub from_start: bool,
    /// First sign of life.
    pub first: Stamp,
    /// Last sign of life.
    pub last: Stamp,
    /// Largest step of the wall clock against the boot clock, if there was one (µs).
    pub jump: Option<i64>,
    started: bool,
    /// Wall clock minus boot clock at the first event that has both, and at the last.
    offsets: Option<(i64, i64)>,
}

#[derive(Clone, Debug, Default)]
pub struct Boots {
    pub list: Vec<Boot>,
}

impl Boots {
    /// Takes note of `seen`, fills in the clock that its stamp lacks if this boot's events
    /// tell how the two differ, and says whether a new boot has begun with it.
    pub fn observe(&mut self, seen: &mut Seen) -> bool {
        let begins = self.begins(seen);
        if begins && self.list.len() < MAX_BOOTS {
            self.list.push(Boot::default());
        }
        // The first event begins a boot.
        let Some(boot) = self.list.last_mut() else {
            return begins;
        };
        boot.id = boot.id.or(seen.boot);
        if let KernelEvent::Boot { kernel } = seen.event {
            boot.kernel = boot.kernel.or(kernel);
            boot.from_start |= kernel.is_some();
        } else if seen.event != KernelEvent::Mark {
            boot.started = true;
        }
        boot.extend(&mut seen.stamp);
        begins
    }

    /// The journal's first entry of boot `id` is of `first` (wall time, µs). A clock that was
    /// wrong then still was at the first event, or the machine had only just started.
    pub fn begin(&mut self, id: u128, first: i64) {
        let Some(boot) = self.list.iter_mut().find(|b| b.id == Some(id)) else {
            return;
        };
        let first = Stamp {
            wall: Some(first),
            uptime: boot.offsets.map(|(offset, _)| (first - offset).max(0)),
        };
        if boot.first.since(&first).is_some_and(|t| t > 0) {
            boot.first = first;
        }
    }

    /// Is the journal's last entry of boot `id`, of `last` (wall time, µs), another than the
    /// last event? Only the boot clock tells how much later it is: the wall clock may have
    /// been set between them.
    pub fn goes_on(&self, id: u128, last: i64) -> bool {
        let boot = self.list.iter().find(|b| b.id == Some(id));
        boot.and_then(|b| b.last.wall)
            .is_some_and(|wall| (last - wall).abs() > 60 * SECOND)
    }

    /// Boot `id` lasted until `last`, by both clocks.
    pub fn end(&mut self, id: u128, last: Stamp) {
        let boot = self.list.iter_mut().find(|b| b.id == Some(id));
        if let Some(boot) = boot.filter(|b| last.since(&b.last).is_some_and(|t| t > 0)) {
            boot.last = last;
        }
    }

    fn begins(&self, seen: &Seen) -> bool {
        let Some(boot) = self.list.last() else {
            return true;
        };
        match (boot.id, seen.boot) {
            (Some(a), Some(b)) => return a != b,
            // A boot that only a separator without its ID has announced so far.
            (None, Some(_)) if !boot.first.is_empty() => return true,
            _ => {}
        }
        let back = match (seen.stamp.uptime, boot.last.uptime) {
            (Some(now), Some(before)) => now + BACK < before,
            _ => false,
        };
        let fresh = !boot.started
            && boot.last.since(&boot.first).unwrap_or(0) < 2 * SECOND
            && seen.stamp.since(&boot.last).unwrap_or(0).abs() < 60 * SECOND;
        back || matches!(seen.event, KernelEvent::Boot { .. }) && !(fresh && boot.kernel.is_none())
    }
}

impl Boot {
    fn extend(&mut self, stamp: &mut Stamp) {
        if let (Some(wall), Some(uptime)) = (stamp.wall, stamp.uptime) {
            let offset = wall - uptime;
            let (first, before) = self.offsets.unwrap_or((offset, offset));
            let step = offset - before;
            if step.abs() > JUMP && step.abs() > self.jump.map_or(0, i64::abs) {
                self.jump = Some(step);
            }
            self.offsets = Some((first, offset));
        } else if let Some((_, offset)) = self.offsets {
            stamp.wall = stamp.wall.or(stamp.uptime.map(|up| up + offset));
        }
        if self.first.is_empty() {
            self.first = *stamp;
        }
        let later = stamp.since(&self.last).is_none_or(|d| d >= 0);
        if later && !stamp.is_empty() {
            self.last = stamp.or(self.last);
        }
    }

    /// Does the log have what was said when the machine started?
    pub fn has_beginning(&self) -> bool {
        self.from_start || self.first.uptime.is_some_and(|up| up <= START)
    }

    /// Up-time that the log covers, in µs; never negative.
    pub fn length(&self) -> i64 {
        self.last.since(&self.first).unwrap_or(0).max(0)
    }
}
