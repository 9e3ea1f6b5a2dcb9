//! The values of a hang block, as they are printed: everything is hexadecimal. What they say is
//! read in [`crate::hang::decode`].

use std::fmt;

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

    pub fn len(&self) -> usize {
        self.0.iter().flatten().count()
    }

    /// No field at all: only the header was in the log.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
