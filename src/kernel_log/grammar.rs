//! The grammar of a kernel log as far as hangs go: turns the lines that `lines` finds into
//! events. Works on bytes, in constant memory; nothing in a log is an error to it. A block
//! is a header that the kernel printed, or, where a copy lost what shows that, a header
//! followed by its fields. Header words without either are a quotation.

use super::event::{Device, Given, KernelEvent, Seen, Speaker};
use super::hosts::Hosts;
use super::prefix::{self, Trust};
use super::registers::{Registers, read_fields};
use super::scan::{boot_id, kernel_version, number};
use super::stamp::{Clock, Stamp};
use memchr::memmem::find;
use std::collections::VecDeque;
use std::sync::Arc;

/// Fields are looked for on so many lines after a header: 14 lines of a block, as many of
/// other programs between them.
const CONTINUATION: u32 = 40;
/// So many fields make a block of a header that nobody vouches for.
const ENOUGH_FIELDS: usize = 3;
/// Our own lines are short; the rest is not ours.
const OWN_MAX: usize = 1024;
/// No more of a command is looked at.
const COMMAND_MAX: usize = 4096;

/// A header, waiting for its fields.
struct Pending {
    seen: Seen,
    registers: Registers,
    vouched: bool,
    lines: u32,
}

/// Turns lines into events; keeps the block that is being read.
pub(super) struct Grammar {
    pub(super) clock: Clock,
    pub(super) queue: VecDeque<Seen>,
    pub(super) hosts: Hosts,
    /// Whose line is being read.
    host: Option<Arc<str>>,
    pending: Option<Pending>,
}

impl Grammar {
    pub(super) fn new(clock: Clock) -> Grammar {
        Grammar {
            clock,
            queue: VecDeque::new(),
            hosts: Hosts::default(),
            host: None,
            pending: None,
        }
    }

    /// Is a block being read? Then every line matters.
    pub(super) fn pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Is a block of another machine's being read than the one whose line this is?
    pub(super) fn is_foreign(&self, text: &[u8]) -> bool {
        let Some(pending) = &self.pending else {
            return false;
        };
        if pending.seen.host.is_none() || self.hosts.len() < 2 {
            return false;
        }
        let host = prefix::host(text, &mut self.clock.clone());
        let host = host.and_then(|name| self.hosts.known(name, None));
        host.is_some() && host != pending.seen.host
    }

    pub(super) fn mark(&mut self, found: Option<(Stamp, Option<u128>)>, host: Option<Arc<str>>) {
        self.host = host;
        if let Some((stamp, boot)) = found {
            self.emit_plain(stamp, boot, KernelEvent::Mark);
        }
    }

    /// An event of no device.
    fn emit_plain(&mut self, stamp: Stamp, boot: Option<u128>, event: KernelEvent) {
        self.emit(stamp, boot, Device::default(), event);
    }

    fn emit(&mut self, stamp: Stamp, boot: Option<u128>, device: Device, event: KernelEvent) {
        self.close();
        self.queue.push_back(Seen {
            stamp,
            boot,
            host: self.host.clone(),
            device,
            event,
        });
    }

    /// Ends the pending block, if any, and queues it.
    pub(super) fn close(&mut self) {
        if let Some(mut p) = self.pending.take() {
            p.seen.event = if p.vouched || p.registers.len() >= ENOUGH_FIELDS {
                KernelEvent::Block(Box::new(p.registers))
            } else {
                KernelEvent::Quotation
            };
            self.queue.push_back(p.seen);
        }
    }

    pub(super) fn fields(&mut self, text: &[u8]) {
        let Some(pending) = &mut self.pending else {
            return;
        };
        read_fields(text, &mut pending.registers);
        pending.lines += 1;
        if pending.registers.len() == 13 || pending.lines > CONTINUATION {
            self.close();
        }
    }

    /// One journal entry: its lines belong together, and no others to them.
    pub(super) fn record(&mut self, message: &[u8], given: &Given) {
        self.close();
        for line in message.split(|b| *b == b'\n') {
            self.text(line, given);
        }
        self.close();
    }

    pub(super) fn text(&mut self, text: &[u8], given: &Given) {
        let host = given.host.as_ref();
        self.host = host.and_then(|(name, id)| self.hosts.known(name.as_bytes(), id.as_deref()));
        if text.starts_with(b"-- Boot ") || text.starts_with(b"-- Reboot") {
            let boot = text.get(8..40).and_then(boot_id);
            self.emit_plain(Stamp::default(), boot, KernelEvent::Boot { kernel: None });
            return;
        }
        if self.own(text, given) || self.sudo(text, given) {
            return;
        }
        let hangs: Vec<usize> = memchr::memmem::find_iter(text, b" Unit Hang")
            .filter(|&at| header_start(text, at).is_some())
            .collect();
        if hangs.is_empty() {
            if self.pending.is_some() {
                self.fields(text);
            }
            if !self.single(text, given) && find(text, b" Unit Hang").is_some() {
                self.emit_plain(given.stamp, given.boot, KernelEvent::Quotation);
            }
            return;
        }
        let mut from = 0;
        for (i, &at) in hangs.iter().enumerate() {
            let start = header_start(text, at).expect("filtered");
            let header = &text[from..start];
            let fields_end = hangs.get(i + 1).copied().unwrap_or(text.len());
            if self.pending.is_some() {
                self.fields(header);
            }
            self.header(header, &text[start..at], given);
            from = at + 10;
            if fields_end == text.len() {
                self.fields(&text[from..]);
            }
        }
    }

    /// `before`: what stands before the words; `words`: `Detected Hardware` or the like.
    fn header(&mut self, before: &[u8], words: &[u8], given: &Given) {
        let (device, prefix_end) = match prefix::device(before) {
            Some((device, at)) => (Some(device), at),
            None => (None, before.len()),
        };
        let (stamp, trust) = self.source(&before[..prefix_end], given);
        let known = device.is_some();
        let device = device.unwrap_or_default();
        let hardware = words.ends_with(b"Hardware");
        let ours = match device.driver.as_deref() {
            Some("e1000e") => true,
            // Only e1000e says "Hardware Unit Hang"; in old copies its name is cut off.
            Some(_) => false,
            None => hardware,
        };
        if trust == Trust::Foreign || (!ours && !known) {
            self.emit(stamp, given.boot, device, KernelEvent::Quotation);
        } else if !ours {
            let event = match trust {
                Trust::Loose => KernelEvent::Quotation,
                _ => KernelEvent::OtherHang,
            };
            self.emit(stamp, given.boot, device, event);
        } else {
            self.close();
            self.pending = Some(Pending {
                seen: Seen {
                    stamp,
                    boot: given.boot,
                    host: self.host.clone(),
                    device,
                    event: KernelEvent::Quotation,
                },
                registers: Registers::default(),
                vouched: known && trust != Trust::Loose,
                lines: 0,
            });
        }
    }

    fn source(&mut self, prefix: &[u8], given: &Given) -> (Stamp, Trust) {
        match given.speaker {
            Some(Speaker::Kernel) => {
                let (stamp, rest) = self.clock.lead(prefix);
                let empty = rest.trim_ascii().is_empty();
                if let (true, Some((name, id))) = (empty, &given.host) {
                    self.host = self.hosts.note(name.as_bytes(), id.as_deref());
                }
                let trust = if empty { Trust::Kernel } else { Trust::Foreign };
                (given.stamp.or(stamp), trust)
            }
            Some(_) => (given.stamp, Trust::Foreign),
            None => {
                let (stamp, trust, host) = prefix::read(prefix, &mut self.clock);
                if let (Trust::Kernel, Some(host)) = (trust, host) {
                    self.host = self.hosts.note(host, None);
                }
                (given.stamp.or(stamp), trust)
            }
        }
    }

    /// Is this line a kernel's own "Linux version"?
    pub(super) fn boots(&mut self, text: &[u8]) -> bool {
        let Some(at) = find(text, b"Linux version ") else {
            return false;
        };
        let clock = &mut self.clock.clone();
        prefix::read(&text[..at], clock).1 == Trust::Kernel
    }

    /// Lines with at most one thing on them. Tells whether it was one.
    fn single(&mut self, text: &[u8], given: &Given) -> bool {
        if let Some(at) = find(text, b"Linux version ") {
            let (stamp, trust) = self.source(&text[..at], given);
            if trust != Trust::Kernel {
                return false;
            }
            let kernel = kernel_version(&text[at + 14..]);
            self.emit_plain(stamp, given.boot, KernelEvent::Boot { kernel });
            return true;
        }
        if let Some(at) = find(text, b"NETDEV WATCHDOG") {
            let before = prefix::device(&text[..at]);
            let (device, end) = match before {
                Some(found) => found,
                None => (watchdog_device(&text[at + 15..]), at),
            };
            let (stamp, trust) = self.source(&text[..end], given);
            if matches!(trust, Trust::Kernel | Trust::Bare) {
                self.emit(stamp, given.boot, device, KernelEvent::Watchdog);
            }
            return true;
        }
        let (at, event) = if let Some(at) = find(text, b"NIC Link is ") {
            match &text[at + 12..] {
                rest if rest.starts_with(b"Up") => (at, KernelEvent::LinkUp { mbps: mbps(rest) }),
                rest if rest.starts_with(b"Down") => (at, KernelEvent::LinkDown),
                _ => return false,
            }
        } else if let Some(at) = find(text, b"Reset adapter") {
            (at, KernelEvent::Reset)
        } else if let Some(at) = find(text, b"renamed from ") {
            (at, KernelEvent::Named)
        } else if let Some(at) = find(text, b"PCIe link lost") {
            (at, KernelEvent::PcieLinkLost)
        } else {
            return false;
        };
        let Some((device, end)) = prefix::device(&text[..at]) else {
            return false;
        };
        let (stamp, trust) = self.source(&text[..end], given);
        let wanted = device.is_e1000e() || event == KernelEvent::PcieLinkLost;
        if wanted && matches!(trust, Trust::Kernel | Trust::Bare) {
            self.emit(stamp, given.boot, device, event);
        }
        true
    }

    /// Our own lines. Tells whether it was one.
    fn own(&mut self, text: &[u8], given: &Given) -> bool {
        let (stamp, message) = match given.speaker {
            Some(Speaker::Ourselves) => {
                if let Some((name, id)) = &given.host {
                    self.host = self.hosts.note(name.as_bytes(), id.as_deref());
                }
                (given.stamp, text)
            }
            Some(Speaker::Sudo | Speaker::Other) => return false,
            Some(Speaker::Kernel) => match tag(text, b"unhang") {
                // written to /dev/kmsg, where there is no syslog yet
                Some(tag) => (given.stamp, &text[tag..]),
                None => return false,
            },
            None => match self.tagged(text, b"unhang") {
                Some(found) => found,
                None => return false,
            },
        };
        let message = message.trim_ascii();
        let message = &message[..message.len().min(OWN_MAX)];
        let message = String::from_utf8_lossy(message).into_owned();
        self.emit_plain(stamp, given.boot, KernelEvent::Unhang(message));
        true
    }

    /// A command that sudo ran. Tells whether it was one that sets something on a NIC.
    fn sudo(&mut self, text: &[u8], given: &Given) -> bool {
        let (stamp, message) = match given.speaker {
            Some(Speaker::Sudo) => (given.stamp, text),
            Some(_) => return false,
            None => match self.tagged(text, b"sudo") {
                Some(found) => found,
                None => return false,
            },
        };
        let message = String::from_utf8_lossy(&message[..message.len().min(COMMAND_MAX)]);
        let mut any = false;
        for interface in super::ethtool::interfaces(&message) {
            let event = KernelEvent::Ethtool(interface.to_owned());
            self.emit_plain(stamp, given.boot, event);
            any = true;
        }
        any
    }

    /// Stamp and message of a line with this tag.
    fn tagged<'a>(&mut self, text: &'a [u8], name: &[u8]) -> Option<(Stamp, &'a [u8])> {
        let tags = memchr::memmem::find_iter(text, name);
        let found = |at: usize| Some((at, tag(&text[at..], name)?));
        let (at, length) = tags.take(4).find_map(found)?;
        let (stamp, host) = prefix::is_tag(&text[..at], &mut self.clock)?;
        if let Some(host) = host {
            self.host = self.hosts.note(host, None);
        }
        Some((stamp, &text[at + length..]))
    }
}

/// Length of `unhang: ` or `unhang[123]: `, if that is the name.
fn tag(text: &[u8], name: &[u8]) -> Option<usize> {
    let rest = text.strip_prefix(name)?;
    let rest = match rest.strip_prefix(b"[") {
        Some(pid) => {
            let end = memchr::memchr(b']', &pid[..pid.len().min(12)])?;
            number(&pid[..end])?;
            &pid[end + 1..]
        }
        None => rest,
    };
    let rest = rest.strip_prefix(b":")?;
    Some(text.len() - rest.len())
}

/// Where `Detected Hardware` or `Detected Tx` begins that ends at `at`.
fn header_start(text: &[u8], at: usize) -> Option<usize> {
    [
        b"Detected Hardware".as_slice(),
        b"Detected Tx",
        b"detected Tx",
    ]
    .iter()
    .find_map(|words| text[..at].ends_with(words).then(|| at - words.len()))
}

/// ` eth0 (e1000e): transmit queue 0 timed out`, after the words NETDEV WATCHDOG and a colon.
fn watchdog_device(rest: &[u8]) -> Device {
    let rest = rest.strip_prefix(b":").unwrap_or(rest);
    let mut words = rest.split(|b| *b == b' ').filter(|w| !w.is_empty());
    let text = |w: &[u8]| String::from_utf8_lossy(&w[..w.len().min(20)]).into_owned();
    let name = words.next().map(text);
    let driver = words.next().and_then(|w| {
        let w = w.strip_prefix(b"(")?;
        Some(text(&w[..memchr::memchr(b')', w)?]))
    });
    Device {
        name: name.filter(|_| driver.is_some()),
        driver,
        pci: None,
    }
}

fn mbps(rest: &[u8]) -> Option<u32> {
    let rest = rest.strip_prefix(b"Up ")?;
    let end = rest.iter().position(|b| !b.is_ascii_digit())?;
    let value = number(&rest[..end])?;
    u32::try_from(value).ok()
}
