//! From blocks to incidents: blocks of one NIC belong together until a reset, a link-up, the
//! end of the boot or a long quiet. The driver prints a block every two seconds while it
//! hangs, so one outage may print hundreds: only incidents may be counted.

use super::incident::{EndedBy, Incident, LoggedNic};
use super::lookalikes::Lookalike;
use super::unhang_lines::{Said, UnhangLine};
use crate::kernel_log::{Boots, Device, KernelEvent, Registers, SECOND, Seen, Stamp};
use std::collections::BTreeMap;

/// Blocks further apart than this are two incidents, even if nothing was logged between.
pub const QUIET: i64 = 300 * SECOND;
/// Still hanging at the end of a boot or log: the last block is not older than this.
const STILL: i64 = 60 * SECOND;
/// A link-up so soon after a reset is the end of that reset.
const SETTLE: i64 = 60 * SECOND;
/// Beyond so many entries, a NIC's incidents that begin within an hour share one.
pub const MAX_LISTED: usize = 20_000;
const HOUR: i64 = 3600 * SECOND;
/// Further NICs are left out; see `Incidents::left_out`.
pub const MAX_NICS: usize = 256;

#[derive(Clone, Debug, Default)]
pub struct Incidents {
    pub nics: Vec<LoggedNic>,
    /// The incidents, in the order of their first block.
    pub list: Vec<Incident>,
    /// What is something else, and how often it came.
    pub lookalikes: BTreeMap<Lookalike, u64>,
    /// Events of NICs beyond the first `MAX_NICS`.
    pub left_out: u64,
}

impl Incidents {
    /// The incidents of a NIC.
    pub fn of(&self, nic: usize) -> impl DoubleEndedIterator<Item = &Incident> {
        self.list.iter().filter(move |i| i.nic == nic)
    }

    /// What is observed next is not of the same state of the NIC as what was.
    pub fn state_changed(&mut self, nic: usize) {
        self.nics[nic].shared = None;
    }

    /// Index of the NIC with this address or name; a new one if it is not known yet. `None`:
    /// there are too many.
    pub fn nic(&mut self, device: &Device) -> Option<usize> {
        let same_pci = |n: &LoggedNic| n.device.pci.is_some() && n.device.pci == device.pci;
        let same_name = |n: &LoggedNic| {
            n.device.name == device.name
                && (device.name.is_some() || device.pci.is_none())
                && (n.device.pci.is_none() || device.pci.is_none() || cut(n, device))
        };
        let found = self.nics.iter().position(same_pci);
        // The youngest NIC of that name: names move.
        let found = found.or_else(|| self.nics.iter().rposition(same_name));
        let index = match found {
            Some(index) => index,
            None if self.nics.len() >= MAX_NICS => {
                self.left_out += 1;
                return None;
            }
            None => {
                self.nics.push(LoggedNic::default());
                self.nics.len() - 1
            }
        };
        let known = &mut self.nics[index].device;
        let longer =
            device.pci.as_ref().map_or(0, String::len) > known.pci.as_ref().map_or(0, String::len);
        if longer {
            known.pci.clone_from(&device.pci);
        }
        if device.name.is_some() {
            known.name.clone_from(&device.name);
        }
        known.driver = known.driver.take().or_else(|| device.driver.clone());
        Some(index)
    }

    /// The NIC that one of our lines names, if the log has shown it before.
    pub fn by_name(&self, name: &str) -> Option<usize> {
        self.nics
            .iter()
            .rposition(|n| n.device.name.as_deref() == Some(name))
    }

    /// Takes the next event. `boots` has seen it already; `new_boot` if it began one.
    pub fn observe(&mut self, seen: &Seen, boots: &Boots, new_boot: bool) {
        if new_boot && boots.list.len() > 1 {
            let before = boots.list[boots.list.len() - 2].last;
            self.close_all(&before, true);
        }
        let boot = boots.list.len() - 1;
        let (at, device) = (seen.stamp, &seen.device);
        match &seen.event {
            KernelEvent::Block(_)
            | KernelEvent::LinkUp { .. }
            | KernelEvent::LinkDown
            | KernelEvent::Reset
            | KernelEvent::Named => self.of_nic(seen, boot),
            KernelEvent::Watchdog if device.is_e1000e() => self.of_nic(seen, boot),
            KernelEvent::Watchdog => self.note(Lookalike::other_watchdog(device)),
            KernelEvent::OtherHang => self.note(Lookalike::other_hang(device)),
            KernelEvent::PcieLinkLost => self.note(Lookalike::PcieLinkLost),
            KernelEvent::Quotation => self.note(Lookalike::Quotation),
            KernelEvent::Unhang(text) => self.own(at, text),
            KernelEvent::Boot { .. } | KernelEvent::Ethtool(_) | KernelEvent::Mark => {}
        }
    }

    /// Takes what an e1000e NIC's kernel lines say.
    fn of_nic(&mut self, seen: &Seen, boot: usize) {
        let Some(nic) = self.nic(&seen.device) else {
            return;
        };
        let at = seen.stamp;
        match &seen.event {
            KernelEvent::Block(registers) => self.block(at, nic, registers, boot),
            KernelEvent::LinkUp { mbps } => self.link_up(at, nic, *mbps),
            KernelEvent::LinkDown => self.end(nic, &at, EndedBy::Link),
            KernelEvent::Reset => self.reset(at, nic),
            KernelEvent::Watchdog => self.watchdog(at, nic),
            _ => {}
        }
    }

    /// The log has ended; `last` is its last sign of life. Sorts out the look-alikes.
    pub fn finish(&mut self, boots: &Boots) {
        let last = boots.list.last().map_or(Stamp::default(), |b| b.last);
        self.close_all(&last, false);
        let mut real = Vec::with_capacity(self.list.len());
        for incident in std::mem::take(&mut self.list) {
            let kernel = boots.list.get(incident.boot).and_then(|b| b.kernel);
            if let Some(kind) = Lookalike::of_incident(&incident, kernel, incident.link_up) {
                *self.lookalikes.entry(kind).or_default() += incident.times;
            } else {
                self.nics[incident.nic].blocks += incident.blocks;
                real.push(incident);
            }
        }
        self.list = real;
    }

    fn note(&mut self, kind: Lookalike) {
        *self.lookalikes.entry(kind).or_default() += 1;
    }

    fn block(&mut self, at: Stamp, nic: usize, registers: &Registers, boot: usize) {
        self.nics[nic].trouble = Some(at);
        if let Some(open) = self.nics[nic].open {
            let incident = &mut self.list[open];
            if at.since(&incident.last).unwrap_or(0) <= QUIET {
                incident.blocks += 1;
                incident.last = at.or(incident.last);
                if registers.len() > incident.registers.len() {
                    incident.registers = *registers;
                }
                return;
            }
            let last = incident.last;
            self.end(nic, &last, EndedBy::Quiet);
        }
        let state = &mut self.nics[nic];
        state.settling = None;
        state.restarted = false;
        if let Some(shared) = state.shared {
            let incident = &mut self.list[shared];
            let since = at.since(&incident.start).unwrap_or(0);
            if incident.boot == boot && (0..HOUR).contains(&since) {
                incident.times += 1;
                incident.blocks += 1;
                incident.last = at.or(incident.last);
                (incident.end, incident.ended_by) = (None, None);
                (state.open, state.latest) = (Some(shared), Some(shared));
                return;
            }
        }
        self.list.push(Incident {
            times: 1,
            nic,
            boot,
            start: at,
            last: at,
            end: None,
            blocks: 1,
            speed: registers.speed().or(state.speed),
            ended_by: None,
            registers: *registers,
            in_force: None,
            link_up: state.link_up.and_then(|up| at.since(&up)),
        });
        let index = self.list.len() - 1;
        state.open = Some(index);
        state.latest = Some(index);
        state.shared = (index >= MAX_LISTED).then_some(index);
    }

    fn end(&mut self, nic: usize, at: &Stamp, by: EndedBy) {
        let state = &mut self.nics[nic];
        let Some(open) = state.open.take() else {
            return;
        };
        let incident = &mut self.list[open];
        // Nothing for a long time, and then this: it had stopped by itself before.
        let (at, by) = match at.since(&incident.last) {
            Some(quiet) if quiet > QUIET && by != EndedBy::Unhang => {
                (&incident.last.clone(), EndedBy::Quiet)
            }
            _ => (at, by),
        };
        let by = if state.restarted && by == EndedBy::Link {
            EndedBy::Unhang
        } else {
            by
        };
        incident.end = Some(*at);
        incident.ended_by = Some(by);
        state.settling = Some(open);
    }

    fn link_up(&mut self, at: Stamp, nic: usize, mbps: Option<u32>) {
        self.end(nic, &at, EndedBy::Link);
        let state = &mut self.nics[nic];
        if let Some(settling) = state.settling.take() {
            let incident = &mut self.list[settling];
            let since = incident.end.and_then(|end| at.since(&end));
            if since.is_some_and(|t| (0..=SETTLE).contains(&t)) {
                incident.end = Some(at);
            }
        }
        if let Some(latest) = state.latest {
            let incident = &mut self.list[latest];
            let after = at
                .since(&incident.start)
                .filter(|t| (0..=5 * SECOND).contains(t));
            if incident.link_up.is_none() && incident.blocks == 1 {
                incident.link_up = after.map(|t| -t);
            }
        }
        state.speed = mbps;
        state.link_up = Some(at);
    }

    fn reset(&mut self, at: Stamp, nic: usize) {
        self.nics[nic].resets += 1;
        self.nics[nic].boot_resets += 1;
        if self.nics[nic].open.is_some() {
            self.end(nic, &at, EndedBy::Reset);
            return;
        }
        let state = &mut self.nics[nic];
        let watchdog = state.watchdog.take();
        let told = watchdog.is_some_and(|w| at.since(&w).is_none_or(|t| t <= SETTLE));
        if !told && state.speed.is_some_and(|mbps| mbps < 1000) {
            self.note(Lookalike::Cable);
        }
    }

    fn watchdog(&mut self, at: Stamp, nic: usize) {
        let state = &mut self.nics[nic];
        // A transmitter that hung a moment ago and dies again prints no block each time.
        let before = state
            .trouble
            .filter(|t| at.since(t).is_none_or(|t| t <= QUIET));
        if before.is_some() {
            state.trouble = Some(at);
        }
        if state.open.is_some() {
            return;
        }
        state.watchdog = Some(at);
        if before.is_some() {
            return;
        }
        let slow = state.speed.is_some_and(|mbps| mbps < 1000);
        self.note(if slow {
            Lookalike::Cable
        } else {
            Lookalike::PauseStorm
        });
    }

    fn own(&mut self, at: Stamp, text: &str) {
        let Some(line) = UnhangLine::parse(text) else {
            return;
        };
        let Some(nic) = self.by_name(&line.interface) else {
            return;
        };
        let state = &mut self.nics[nic];
        match line.said {
            Said::Wedged {
                restarted,
                in_force,
            } => {
                state.restarted |= restarted;
                if let Some(open) = state.open {
                    self.list[open].in_force.get_or_insert(in_force);
                }
            }
            Said::Recovered => {
                state.recoveries += 1;
                state.boot_recoveries += 1;
                self.end(nic, &at, EndedBy::Unhang);
                let state = &mut self.nics[nic];
                state.restarted = false;
                let Some(latest) = state.latest else { return };
                let incident = &mut self.list[latest];
                let fresh = at.since(&incident.last).is_none_or(|t| t <= QUIET);
                if fresh && incident.ended_by == Some(EndedBy::Link) {
                    incident.ended_by = Some(EndedBy::Unhang);
                }
            }
            Said::InForce { .. } | Said::Drifted | Said::Failed | Said::Trial => {}
        }
    }

    fn close_all(&mut self, last: &Stamp, boot_over: bool) {
        for nic in 0..self.nics.len() {
            if let Some(open) = self.nics[nic].open {
                let at = self.list[open].last;
                let still = last.since(&at).is_none_or(|t| t <= STILL);
                match (still, boot_over) {
                    (true, true) => {
                        self.list[open].ended_by = Some(EndedBy::Never);
                        self.nics[nic].open = None;
                    }
                    (true, false) => self.nics[nic].open = None,
                    (false, _) => self.end(nic, &at, EndedBy::Quiet),
                }
            }
            let state = &mut self.nics[nic];
            (state.settling, state.latest) = (None, None);
            (state.speed, state.link_up) = (None, None);
            (state.watchdog, state.trouble) = (None, None);
            state.restarted = false;
            if boot_over {
                (state.boot_resets, state.boot_recoveries) = (0, 0);
            }
        }
    }
}

/// One of the two addresses is the beginning of the other.
fn cut(nic: &LoggedNic, device: &Device) -> bool {
    match (&nic.device.pci, &device.pci) {
        (Some(a), Some(b)) => a.starts_with(b.as_str()) || b.starts_with(a.as_str()),
        _ => true,
    }
}
