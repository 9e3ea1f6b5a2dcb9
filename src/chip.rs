//! Which Intel chip a PCI ID of the e1000e driver is.
//!
//! The table is a data file, one line an ID, taken from the driver's own list: the
//! MAC family decides what the driver does with segmentation offload, the short name
//! is what people call the chip. Whatever shows a NIC shows this name with it.

use std::sync::OnceLock;

const TABLE: &str = include_str!("e1000e-ids.csv");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chip {
    pub vendor: u16,
    pub device: u16,
    /// MAC family in the driver's words (`enum e1000_mac_type` without its prefix), e.g. `pch_cnp`.
    pub family: &'static str,
    /// Short name, e.g. `I219-LM (7)`.
    pub name: &'static str,
    /// Marketing name, e.g. `Ethernet Connection (7) I219-LM`.
    pub marketing_name: &'static str,
}

impl Chip {
    /// Whether it has energy-efficient Ethernet: 82579 and I217 to I219 (`FLAG2_HAS_EEE`).
    pub fn has_eee(&self) -> bool {
        self.family.starts_with("pch_") || self.family == "pch2lan"
    }
}

/// All IDs that the driver has today.
pub fn all() -> &'static [Chip] {
    static CHIPS: OnceLock<Vec<Chip>> = OnceLock::new();
    CHIPS.get_or_init(|| TABLE.lines().filter_map(parse_line).collect())
}

/// The chip with this PCI vendor and device ID. Reads the table just as far as it needs.
pub fn find(vendor: u16, device: u16) -> Option<Chip> {
    TABLE
        .lines()
        .filter_map(parse_line)
        .find(|chip| chip.vendor == vendor && chip.device == device)
}

/// `None` for the table's comments and its heading.
fn parse_line(line: &'static str) -> Option<Chip> {
    let mut fields = line.splitn(4, ',');
    let (vendor, device) = fields.next()?.split_once(':')?;
    Some(Chip {
        vendor: u16::from_str_radix(vendor, 16).ok()?,
        device: u16::from_str_radix(device, 16).ok()?,
        family: fields.next()?,
        name: fields.next()?,
        marketing_name: fields.next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_a_chip() {
        let lines = TABLE.lines().filter(|l| l.starts_with("8086:")).count();
        assert_eq!(all().len(), lines);
        assert!(lines > 100);
    }

    #[test]
    fn no_id_stands_twice() {
        let mut ids: Vec<u16> = all().iter().map(|c| c.device).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all().len());
    }

    #[test]
    fn names_are_what_people_call_the_chip() {
        let name = |device| find(0x8086, device).map(|c| (c.name, c.family));
        assert_eq!(name(0x15bb), Some(("I219-LM (7)", "pch_cnp")));
        assert_eq!(name(0x10d3), Some(("82574L", "82574")));
        // The driver's macro says V18 where pci.ids says LM.
        assert_eq!(name(0x550b), Some(("I219-V (18)", "pch_mtp")));
        // A Comet Lake ID that the driver treats as Sunrise Point.
        assert_eq!(name(0x0d53), Some(("I219-LM (12)", "pch_spt")));
        // Removed from the driver in 2026.
        assert_eq!(name(0x57b5), None);
        assert_eq!(find(0x10ec, 0x15bb), None);
    }
}
