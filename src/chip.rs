//! Which Intel chip a PCI ID of the e1000e driver is.
//!
//! The table is a data file, one line an ID, taken from the driver's own list: the
//! MAC family decides what the driver does with segmentation offload, the short name
//! is what people call the chip. Whatever shows a NIC shows this name with it.

use std::sync::OnceLock;

const TABLE: &str = include_str!("e1000e-ids.csv");

/// What was seen of the hang on a chip: its MAC family or how its short name begins, the first
/// that fits.
const SEEN: [(&str, &str); 8] = [
    (
        "pch_spt",
        "the driver itself keeps TSO off on these (Linux commits f29801030ac6 and 67d47b95119a); no hangs where siblings \
         of the next generation in the same rack logged 10,335, 3,384 and 97. TSO on would also be the slower setting \
         (by 30 to 40 %).",
    ),
    (
        "I219",
        "these come up with TSO on. 458,000 hang lines in two years on three I219-LM hosts, none with tso, gso, gro and \
         lro off; an I219-V under Proxmox was wedged for six days, then ran twelve clean days under load with tso, gso, \
         gro and EEE off. For several owners tso alone was enough, for two EEE alone.",
    ),
    (
        "I218",
        "VMware KB 2149915: a hardware issue, TSO should be off.",
    ),
    (
        "I217",
        "an I217-V was stable for five days with rx and tx checksums off (that resets the link); for the segmentation \
         offloads alone nothing is recorded.",
    ),
    (
        "82579",
        "Intel's maintainer (2019) on the 82579V: the hangs with TSO on are real, 'ethtool -K NIC tso off' is the remedy.",
    ),
    ("82571", ONE_82571),
    ("82572", ONE_82571),
    (
        "82574",
        "no first-hand report of this hang was found for the 82574L.",
    ),
];
const ONE_82571: &str = "for the owner of a quad port 82571EB switching tso, gso off did not help.";

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

    /// What was seen of the hang on it elsewhere, and by whom.
    pub fn seen(&self) -> Option<&'static str> {
        let fits = |of: &str| self.family == of || self.name.starts_with(of);
        SEEN.iter().find(|(of, _)| fits(of)).map(|(_, seen)| *seen)
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
    fn what_was_seen_of_a_chip_is_found_by_its_family_or_name() {
        let seen = |device| find(0x8086, device).unwrap().seen().unwrap_or("nothing");
        assert!(seen(0x15bb).contains("come up with TSO on"), "I219-LM (7)");
        assert!(seen(0x156f).contains("keeps TSO off"), "pch_spt");
        assert!(seen(0x1502).contains("82579V"));
        assert!(seen(0x153a).contains("I217-V"));
        assert!(seen(0x15a1).contains("VMware"), "I218-V (2)");
        assert!(seen(0x107d).contains("82571EB"), "82572EI");
        assert!(seen(0x10d3).contains("82574L"));
        assert_eq!(seen(0x10c0), "nothing", "82562V-2");
        for (of, seen) in SEEN {
            let found = |chip: &Chip| {
                chip.seen() == Some(seen) && (chip.family == of || chip.name.starts_with(of))
            };
            assert!(all().iter().any(found), "{of}");
        }
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
