//! What stands before a message: stamp, host and syslog tag on its left, the device
//! (`e1000e 0000:00:1f.6 eno1:`) at its right end. From these it follows whether the kernel
//! itself said it, or somebody else quotes it.

use super::event::Device;
use super::scan::skip_markup;
use super::stamp::{Clock, Stamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// A stamp or tag of the kernel, and nothing else before the message.
    Kernel,
    /// No stamp and no tag at all, as in a copy from the web.
    Bare,
    /// No stamp at the line's start, but other words.
    Loose,
    /// Another program's line.
    Foreign,
}

/// Reads all that stands before the device's name or the message; with the host's name.
pub fn read<'a>(text: &'a [u8], clock: &mut Clock) -> (Stamp, Trust, Option<&'a [u8]>) {
    if let Some(strict) = strict(text, clock) {
        return strict;
    }
    // Several records on one line: the stamp of this one is at the right end.
    let tail = text.len().saturating_sub(120);
    let starts = (tail..text.len()).filter(|&i| {
        i > 0 && !text[i - 1].is_ascii_alphanumeric() && !text[i].is_ascii_whitespace()
    });
    for start in starts {
        if let Some((stamp, Trust::Kernel, _)) = strict(&text[start..], clock) {
            return (stamp, Trust::Loose, None);
        }
    }
    (Stamp::default(), Trust::Loose, None)
}

/// `None`: words without a stamp.
fn strict<'a>(text: &'a [u8], clock: &mut Clock) -> Option<(Stamp, Trust, Option<&'a [u8]>)> {
    let (stamp, rest) = clock.lead(text);
    let rest = vmkernel(skip_markup(rest).trim_ascii());
    if rest.is_empty() {
        let trust = if stamp.is_empty() {
            Trust::Bare
        } else {
            Trust::Kernel
        };
        return Some((stamp, trust, None));
    }
    if let Some((host, after)) = after_kernel_tag(rest) {
        let (boot, rest) = clock.lead(after);
        let clean = vmkernel(skip_markup(rest).trim_ascii()).is_empty();
        let trust = if clean { Trust::Kernel } else { Trust::Foreign };
        return Some((stamp.or(boot), trust, host));
    }
    (!stamp.is_empty()).then_some((stamp, Trust::Foreign, None))
}

/// The host in `host kernel:`, `host kern.err kernel[0]:`, or RFC 5424's `host kernel - - -`,
/// and what follows.
fn after_kernel_tag(text: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let mut rest = text;
    let mut host = None;
    for _ in 0..4 {
        rest = rest.trim_ascii_start();
        let end = rest.iter().position(|b| *b == b' ').unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let word = word.strip_prefix(b"vm").unwrap_or(word);
        if word == b"kernel" {
            let mut after = after;
            for _ in 0..3 {
                after = after.trim_ascii_start();
                after = after.strip_prefix(b"-").unwrap_or(after);
            }
            return Some((host, after));
        }
        let tag = word.strip_prefix(b"kernel").unwrap_or(b"");
        let tag = tag
            .strip_suffix(b":")
            .filter(|pid| pid.is_empty() || pid.starts_with(b"[") && pid.ends_with(b"]"));
        if tag.is_some() && word != b"" {
            return Some((host, after));
        }
        host = host.or_else(|| host_name(word));
        rest = after;
    }
    None
}

/// The host on a line of the kernel's that names it.
pub fn kernels_host<'a>(text: &'a [u8], clock: &mut Clock) -> Option<&'a [u8]> {
    let (stamp, rest) = clock.lead(&text[..text.len().min(400)]);
    stamp.wall?;
    after_kernel_tag(rest)?.0
}

/// The host in the lead of a line that has one: after a stamp, before the tag.
pub fn host<'a>(text: &'a [u8], clock: &mut Clock) -> Option<&'a [u8]> {
    let (stamp, rest) = clock.lead(&text[..text.len().min(400)]);
    stamp.wall?;
    let rest = rest.trim_ascii_start();
    let mut words = rest.split(|b| *b == b' ').filter(|w| !w.is_empty());
    words.find_map(host_name)
}

/// Without `cpu5:65931)` of `VMware`'s kernel, which runs Linux drivers.
fn vmkernel(text: &[u8]) -> &[u8] {
    let world = text
        .strip_prefix(b"cpu")
        .filter(|rest| rest.first().is_some_and(u8::is_ascii_digit));
    let end = world.and_then(|_| memchr::memchr(b')', &text[..text.len().min(60)]));
    end.map_or(text, |end| skip_markup(&text[end + 1..]).trim_ascii())
}

/// `kern.err` of `OpenWrt` and others is a facility, and no host.
fn host_name(word: &[u8]) -> Option<&[u8]> {
    let facility = word.split(|b| *b == b'.').next()?;
    let known: [&[u8]; 4] = [b"kern", b"user", b"daemon", b"syslog"];
    (!known.contains(&facility) && !word.ends_with(b":")).then_some(word)
}

/// Our own tag at the end of `text` (which ends before `unhang[` or `unhang:`): a stamp and
/// at most host and facility before it.
pub fn is_tag<'a>(text: &'a [u8], clock: &mut Clock) -> Option<(Stamp, Option<&'a [u8]>)> {
    let (stamp, rest) = clock.lead(text);
    let rest = rest.trim_ascii();
    // From an initramfs the line comes through /dev/kmsg and so may bear the kernel's stamp.
    let (stamp, host, rest) = match after_kernel_tag(rest) {
        Some((host, after)) => {
            let (boot, rest) = clock.lead(after);
            (stamp.or(boot), host, rest.trim_ascii())
        }
        None => (stamp, None, rest),
    };
    let mut words = rest.split(|b| *b == b' ').filter(|w| !w.is_empty());
    let fits = words.clone().count() <= 2 && words.clone().all(|w| !w.ends_with(b":"));
    let host = host.or_else(|| words.next().and_then(host_name));
    (fits && !stamp.is_empty()).then_some((stamp, host))
}

/// The device named at the right end of `text`, and where its name begins. Forms:
/// `e1000e 0000:00:1f.6 eno1:`, `e1000e 0000:00:19.0: eth0:`, `e1000e: eth0`, `igb 0000:01:00.0:`,
/// `… (unregistered net_device):`, `… 0000:00:1f.6 (uninitialized):`.
pub fn device(text: &[u8]) -> Option<(Device, usize)> {
    let mut words = Backwards(text);
    let mut device = Device::default();
    let (mut word, mut start) = words.next()?;
    let colon = word.ends_with(b":");
    word = bare(word);
    // netdev_reg_state(): one or two parentheses, each may have a blank inside.
    let mut nameless = false;
    while word.ends_with(b")") {
        while !word.starts_with(b"(") {
            (word, start) = words.next()?;
        }
        nameless |= word == b"(unregistered" || word == b"(unnamed";
        let Some(next) = words.next() else { break };
        (word, start) = (bare(next.0), next.1);
    }
    if !nameless && !is_pci(word) {
        if word.len() > 15 || word.is_empty() || word.contains(&b'"') {
            return None; // IFNAMSIZ
        }
        device.name = Some(lossy(word));
        let next = words.clone().next()?;
        let driver = is_driver(bare(next.0)) && next.0.ends_with(b":");
        if !is_pci(bare(next.0)) && !driver {
            return None;
        }
        (word, start) = (bare(next.0), next.1);
        words.next();
    } else if !colon && !nameless {
        return None;
    }
    if is_pci(word) {
        device.pci = Some(lossy(word).to_ascii_lowercase());
        match words.next() {
            Some((driver, at)) if is_driver(bare(driver)) && bare(driver) != b"kernel" => {
                device.driver = Some(lossy(bare(driver)));
                start = at;
            }
            _ => {}
        }
    } else if is_driver(word) {
        device.driver = Some(lossy(word));
    } else {
        return None;
    }
    Some((device, start))
}

/// `0000:00:1f.6`, in one copy cut to `0000:00:1f`.
fn is_pci(word: &[u8]) -> bool {
    let (slot, function) = match word {
        [slot @ .., b'.', f] => (slot, f.is_ascii_digit()),
        _ => (word, true),
    };
    let parts: Vec<&[u8]> = slot.split(|b| *b == b':').collect();
    let hex = |p: &&[u8]| !p.is_empty() && p.iter().all(u8::is_ascii_hexdigit);
    function
        && matches!(parts[..], [d, b, s] if (4..=8).contains(&d.len()) && b.len() == 2 && s.len() == 2)
        && parts.iter().all(hex)
}

/// Letters, digits, `_`, `-`; markup that sticks to a pasted driver name is cut elsewhere.
fn is_driver(word: &[u8]) -> bool {
    (2..=20).contains(&word.len())
        && word
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

fn bare(word: &[u8]) -> &[u8] {
    word.strip_suffix(b":").unwrap_or(word)
}

fn lossy(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

/// Blank-separated words from the right, with where they begin. A tag, a stamp's bracket or
/// raw kmsg's `;` sticking to a word's left ends it there.
#[derive(Clone)]
struct Backwards<'a>(&'a [u8]);

impl<'a> Iterator for Backwards<'a> {
    type Item = (&'a [u8], usize);

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.0.trim_ascii_end();
        let start = text
            .iter()
            .rposition(|b| {
                b.is_ascii_whitespace() || matches!(b, b'>' | b';' | b']' | b'"' | b'`' | b'\'')
            })
            .map_or(0, |n| n + 1);
        // `cpu5:65931)e1000e`
        let inside = text[start..].len().saturating_sub(1);
        let start = match memchr::memrchr(b')', &text[start..start + inside]) {
            Some(end) if text[start..].starts_with(b"cpu") => start + end + 1,
            _ => start,
        };
        self.0 = &text[..start];
        let word = &text[start..];
        (!word.is_empty()).then_some((word, start))
    }
}
