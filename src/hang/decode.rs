//! The values of a hang block, and what they say. Everything is hexadecimal in the log.
//! Names and bits: `E1000_STATUS`_* (MAC Status), BMSR_* of <linux/mii.h> (PHY Status),
//! `LPA_1000`* / `MII_STAT1000` (PHY 1000BASE-T Status), `PCI_STATUS`_* of <`linux/pci_regs.h`>.

use super::stamp::{SECOND, Stamp};
use std::fmt;

/// Descriptors on the Tx ring unless `ethtool -G` said otherwise (`E1000_DEFAULT_TXD`).
pub const DEFAULT_RING: u64 = 256;
/// From so many idle errors on (of at most 255 that the PHY counts), the cable is to blame.
pub const IDLE_ERRORS_CABLE: u64 = 8;

/// The fields of a block in the order in which the driver prints them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Field {
    /// TDH: where the hardware is in the ring.
    Tdh,
    /// TDT: where the driver is.
    Tdt,
    /// `next_to_use`: the driver's own count of that.
    NextToUse,
    /// `next_to_clean`: the oldest descriptor that is not done.
    NextToClean,
    /// `time_stamp`: when its packet was queued, in jiffies.
    TimeStamp,
    /// `next_to_watch`: the last descriptor of that packet.
    NextToWatch,
    /// jiffies: now.
    Jiffies,
    /// `next_to_watch.status`: whether the hardware is done with it.
    NextToWatchStatus,
    /// MAC Status: the STATUS register.
    MacStatus,
    /// PHY Status: MII register 1.
    PhyStatus,
    /// PHY 1000BASE-T Status: MII register 10.
    Phy1000,
    /// PHY Extended Status: MII register 15.
    PhyExtended,
    /// PCI Status: of configuration space.
    PciStatus,
}

/// Every field with its name in the log and its key in JSON.
pub const FIELDS: [(Field, &str, &str); 13] = [
    (Field::Tdh, "TDH", "tdh"),
    (Field::Tdt, "TDT", "tdt"),
    (Field::NextToUse, "next_to_use", "next_to_use"),
    (Field::NextToClean, "next_to_clean", "next_to_clean"),
    (Field::TimeStamp, "time_stamp", "time_stamp"),
    (Field::NextToWatch, "next_to_watch", "next_to_watch"),
    (Field::Jiffies, "jiffies", "jiffies"),
    (
        Field::NextToWatchStatus,
        "next_to_watch.status",
        "next_to_watch_status",
    ),
    (Field::MacStatus, "MAC Status", "mac_status"),
    (Field::PhyStatus, "PHY Status", "phy_status"),
    (
        Field::Phy1000,
        "PHY 1000BASE-T Status",
        "phy_1000base_t_status",
    ),
    (
        Field::PhyExtended,
        "PHY Extended Status",
        "phy_extended_status",
    ),
    (Field::PciStatus, "PCI Status", "pci_status"),
];

/// The registers of one block; a field that the copy lacks is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Registers([Option<u64>; 13]);

/// Link speed in MAC Status: bits 6 and 7 (`E1000_STATUS_SPEED_MASK`).
fn speed_bits(status: u64) -> u32 {
    match status & 0xc0 {
        0x00 => 10,
        0x40 => 100,
        _ => 1000,
    }
}

impl Registers {
    /// The value of `field`, if the copy has it.
    pub fn get(&self, field: Field) -> Option<u64> {
        self.0[field as usize]
    }

    /// Sets `field` unless it is already known; tells whether it was new.
    pub fn put(&mut self, field: Field, value: u64) -> bool {
        let slot = &mut self.0[field as usize];
        let new = slot.is_none();
        slot.get_or_insert(value);
        new
    }

    /// How many fields are known.
    pub fn len(&self) -> usize {
        self.0.iter().flatten().count()
    }

    /// No field at all: only the header was in the log.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `E1000_STATUS_LU`.
    pub fn link(&self) -> Option<bool> {
        Some(self.get(Field::MacStatus)? & 0x2 != 0)
    }

    /// Link speed in Mb/s while the link is up; the bits mean nothing without a link.
    pub fn speed(&self) -> Option<u32> {
        let status = self.get(Field::MacStatus)?;
        (status & 0x2 != 0).then(|| speed_bits(status))
    }

    /// Idle errors of the 1000BASE-T receiver (`PHY_1000T_STATUS_IDLE_ERROR_CNT`).
    pub fn idle_errors(&self) -> Option<u64> {
        Some(self.get(Field::Phy1000)? & 0xff)
    }

    /// Descriptors that were given to the hardware and not taken: (TDT − TDH) mod ring size.
    /// The ring's size is not printed: 256, or the next power of two that holds both.
    pub fn waiting(&self) -> Option<(u64, u64)> {
        let (head, tail) = (self.get(Field::Tdh)?, self.get(Field::Tdt)?);
        let most = head.max(tail);
        if most >= 1 << 16 {
            return None; // both registers have 16 bits: a wrong copy
        }
        let ring = DEFAULT_RING.max((most + 1).next_power_of_two());
        Some(((tail + ring - head) % ring, ring))
    }

    /// Ticks for which the oldest packet had been on the ring.
    pub fn age_ticks(&self) -> Option<u64> {
        let (now, then) = (self.get(Field::Jiffies)?, self.get(Field::TimeStamp)?);
        let age = if u32::try_from(now).is_ok() && u32::try_from(then).is_ok() {
            // a 32-bit kernel's jiffies wrap
            u64::from((now as u32).wrapping_sub(then as u32))
        } else {
            now.wrapping_sub(then)
        };
        // More than a month on the ring: one of the two was copied wrongly.
        (age < 1000 * 86_400 * 31).then_some(age)
    }

    /// `CONFIG_HZ`, which is not printed: jiffies start 300 s before a 32-bit wrap
    /// (`INITIAL_JIFFIES`) and count on with the boot clock that stamped the line.
    pub fn hz(&self, stamp: &Stamp) -> Option<u64> {
        let jiffies = i128::from(self.get(Field::Jiffies)?);
        let uptime = i128::from(stamp.uptime?);
        let off = |hz: i128| -> i128 {
            let grown = (uptime / i128::from(SECOND) - 300) * hz;
            let wide = (jiffies - (1i128 << 32) - grown).abs();
            let narrow = (jiffies - grown.rem_euclid(1i128 << 32)).abs();
            wide.min(narrow) / hz
        };
        let best = [100, 250, 300, 1000]
            .into_iter()
            .min_by_key(|hz| off(*hz))?;
        // Both clocks run apart by little; more than 5 s and 1 % is another machine's stamp.
        let allowed = 5 + uptime / i128::from(SECOND) / 100;
        let others = [100, 250, 300, 1000]
            .into_iter()
            .filter(|hz| off(*hz) <= allowed);
        (off(best) <= allowed && others.count() == 1).then_some(best as u64)
    }

    /// Hardware said "done" for the stuck descriptor (`E1000_TXD_STAT_DD)`: cleaning was missed.
    pub fn done_but_not_cleaned(&self) -> Option<bool> {
        Some(self.get(Field::NextToWatchStatus)? & 1 != 0)
    }

    /// The block in words, a line each; only what the registers really say.
    pub fn words(&self, hz: Option<u64>) -> Vec<String> {
        let mut out = Vec::new();
        if let Some(status) = self.get(Field::MacStatus) {
            out.push(mac_words(status));
        }
        if let Some(phy) = self.get(Field::PhyStatus) {
            out.push(phy_words(phy));
        }
        if let Some(phy) = self.get(Field::Phy1000) {
            out.push(gigabit_words(phy));
        }
        if let Some(pci) = self.get(Field::PciStatus) {
            out.push(pci_words(pci));
        }
        if let Some(ticks) = self.age_ticks() {
            out.push(age_words(ticks, hz));
        }
        if let Some((waiting, ring)) = self.waiting() {
            out.push(format!(
                "Tx ring: {waiting} descriptor{} waiting, if the ring has {ring}",
                if waiting == 1 { "" } else { "s" }
            ));
        }
        match self.done_but_not_cleaned() {
            Some(true) => out.push("the hardware had sent the packet: cleaning was missed".into()),
            Some(false) => out.push("the hardware had not sent the packet".into()),
            None => {}
        }
        out
    }
}

fn mac_words(status: u64) -> String {
    let mut words = if status & 0x2 == 0 {
        "MAC: link down".to_string()
    } else {
        let duplex = if status & 0x1 != 0 { "full" } else { "half" };
        format!("MAC: link up, {} Mb/s, {duplex} duplex", speed_bits(status))
    };
    words += if status & 0x10 != 0 {
        ", transmitter paused by the link partner"
    } else {
        ", not paused"
    };
    if status & 0x8_0000 == 0 {
        words += ", bus mastering off";
    }
    words
}

fn phy_words(phy: u64) -> String {
    let link = if phy & 0x4 != 0 {
        "link up"
    } else {
        "link was lost"
    };
    let auto = if phy & 0x20 != 0 {
        "complete"
    } else {
        "not complete"
    };
    let fault = if phy & 0x10 != 0 {
        ", remote fault"
    } else {
        ""
    };
    format!("PHY: {link}, autonegotiation {auto}{fault}")
}

fn gigabit_words(phy: u64) -> String {
    if phy & 0xff00 == 0 {
        return "1000BASE-T: no partner".into();
    }
    let role = if phy & 0x4000 != 0 { "master" } else { "slave" };
    let mut words = format!("1000BASE-T: {role}");
    if phy & 0x8000 != 0 {
        words += ", master/slave fault";
    }
    for (bit, side) in [(0x2000, "local"), (0x1000, "remote")] {
        let ok = if phy & bit != 0 { "ok" } else { "NOT ok" };
        words += &format!(", {side} receiver {ok}");
    }
    if phy & 0x0c00 == 0 {
        words += ", partner does not offer 1000 Mb/s";
    }
    match phy & 0xff {
        0 => words + ", no idle errors",
        1 => words + ", 1 idle error (cable?)",
        255 => words + ", 255 or more idle errors (cable)",
        n if n < IDLE_ERRORS_CABLE => words + &format!(", {n} idle errors (cable?)"),
        n => words + &format!(", {n} idle errors (cable)"),
    }
}

fn pci_words(pci: u64) -> String {
    // PCI_STATUS_PARITY, _SIG_TARGET_ABORT, _REC_TARGET_ABORT, _REC_MASTER_ABORT,
    // _SIG_SYSTEM_ERROR, _DETECTED_PARITY
    let errors: Vec<&str> = [
        (0x0100, "master data parity error"),
        (0x0800, "target abort signalled"),
        (0x1000, "target abort received"),
        (0x2000, "master abort received"),
        (0x4000, "system error signalled"),
        (0x8000, "parity error detected"),
    ]
    .iter()
    .filter(|(bit, _)| pci & bit != 0)
    .map(|(_, name)| *name)
    .collect();
    if errors.is_empty() {
        "PCI: no bus errors".into()
    } else {
        format!("PCI: bus error: {}", errors.join(", "))
    }
}

fn age_words(ticks: u64, hz: Option<u64>) -> String {
    match hz {
        Some(hz) => format!(
            "the oldest packet had been stuck for {:.1} s",
            ticks as f64 / hz as f64
        ),
        None => format!(
            "the oldest packet had been stuck for {ticks} ticks ({:.1} s at HZ 250, {:.1} s at HZ 1000)",
            ticks as f64 / 250.0,
            ticks as f64 / 1000.0
        ),
    }
}

impl fmt::Display for Registers {
    /// As the driver prints them, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = FIELDS
            .iter()
            .filter_map(|(field, name, _)| Some((name, self.get(*field)?)));
        for (i, (name, value)) in known.enumerate() {
            let blank = if i == 0 { "" } else { " " };
            write!(f, "{blank}{name} <{value:x}>")?;
        }
        Ok(())
    }
}

/// Reads every `name <hex>` in `text` into `into`, whatever stands between them: blanks,
/// line ends written as `#012`, `\x0a` or `\n`, markup, repeated prefixes. `<` may be
/// written as `&lt;` or `\u003c`. Gives the number of fields that were new.
pub fn read_fields(text: &[u8], into: &mut Registers) -> usize {
    let mut new = 0;
    for at in memchr::memchr3_iter(b'<', b'&', b'\\', text) {
        let value = [b"<".as_slice(), b"&lt;", b"\\u003c", b"\\u003C", b"\\x3c"]
            .iter()
            .find_map(|open| text[at..].strip_prefix(*open));
        let Some(value) = value.and_then(hex) else {
            continue;
        };
        let before = text[at.saturating_sub(80)..at].trim_ascii_end();
        if let Some(field) = field_before(before) {
            new += usize::from(into.put(field, value));
        }
    }
    new
}

fn hex(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii_start();
    let text = text.strip_prefix(b"0x").unwrap_or(text);
    let digits = text.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    let close = text[digits..].trim_ascii_start();
    let closed = [b">".as_slice(), b"&gt;", b"\\u003e", b"\\u003E", b"\\x3e"]
        .iter()
        .any(|end| close.starts_with(end));
    if !(1..=16).contains(&digits) || !closed {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(&text[..digits]).ok()?, 16).ok()
}

/// The field whose name `text` ends with; longer names hide the shorter ones in them.
fn field_before(text: &[u8]) -> Option<Field> {
    let text = text.strip_suffix(b":").unwrap_or(text).trim_ascii_end();
    FIELDS
        .iter()
        .filter(|(_, name, _)| {
            let tail = text.len().checked_sub(name.len()).map(|n| &text[n..]);
            tail.is_some_and(|tail| tail.eq_ignore_ascii_case(name.as_bytes()))
        })
        .max_by_key(|(_, name, _)| name.len())
        .map(|(field, ..)| *field)
}
