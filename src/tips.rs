//! The tips that go round for hanging e1000e NICs, and whether they apply to this one.
//!
//! A table, and for each tip a pure function of what was read of the machine. A tip is void if
//! it asks for what is so already, or for what this NIC does not have.

use crate::nic::Nic;
use crate::plan::{Is, Now};
use crate::settings::{Family, Name, Value};

/// What was read of a NIC; `None` for what is not known.
#[derive(Debug, Clone, Default)]
pub struct Read {
    /// MAC family of its chip.
    pub family: Option<&'static str>,
    pub eee: Option<Eee>,
    /// Sizes of the rings rx and tx.
    pub rings: Option<(u32, u32)>,
    /// Whether it does TCP segmentation now.
    pub tso: Option<bool>,
    /// Whether the device has a `PCIe` link of its own.
    pub pcie_link: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eee {
    Absent,
    Off,
    /// On, but the partners did not agree on it.
    Inactive,
    Active,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Applies,
    Void,
    /// What it takes to tell could not be read.
    Unknown,
}

/// A tip, and what becomes of it here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    pub tip: &'static str,
    pub verdict: Verdict,
    pub reason: String,
    /// What was seen of it elsewhere.
    pub evidence: Option<&'static str>,
}

type Judge = fn(&Read) -> (Verdict, String);

/// The tips, what was seen of them, and who judges.
const TIPS: [(&str, Option<&str>, Judge); 7] = [
    (
        "tso off",
        Some("Intel's maintainer on the 82579V: the hangs with TSO on are real"),
        tso,
    ),
    (
        "EEE off (ethtool --set-eee NIC eee off)",
        Some(
            "never counted alone: where it helped, the offloads were switched off with it; on one I219-LM, with ASPM and wake-on-LAN off too, it hung twice more",
        ),
        eee,
    ),
    (
        "ASPM off (pcie_aspm=off)",
        Some(
            "off, and confirmed to be, it did not help an 82579LM: that hung again after five days, for almost 8 h",
        ),
        aspm,
    ),
    ("rings of 256 (ethtool -G NIC rx 256 tx 256)", None, rings),
    (
        "SmartPowerDownEnable=0 (module option)",
        None,
        smart_power_down,
    ),
    ("IntMode=2 (module option)", None, int_mode),
    (
        "C-states off (firmware setup)",
        Some("no help on an I219-V"),
        |_| (Verdict::Unknown, "the firmware can't be asked".into()),
    ),
];

/// All tips, judged.
pub fn judged(read: &Read) -> Vec<Tip> {
    let tip = |(tip, evidence, judge): &(&'static str, Option<&'static str>, Judge)| {
        let (verdict, reason) = judge(read);
        Tip {
            tip,
            verdict,
            reason,
            evidence: *evidence,
        }
    };
    TIPS.iter().map(tip).collect()
}

fn applies(reason: &str) -> (Verdict, String) {
    (Verdict::Applies, reason.into())
}

fn void(reason: &str) -> (Verdict, String) {
    (Verdict::Void, reason.into())
}

fn unknown(what: &str) -> (Verdict, String) {
    (Verdict::Unknown, format!("{what} could not be read"))
}

/// Linux commits f29801030ac6 and 67d47b95119a.
fn tso(read: &Read) -> (Verdict, String) {
    match (read.family, read.tso) {
        (Some("pch_spt"), Some(false)) => {
            void("off, and from Linux 6.3 on the driver keeps it off on this chip")
        }
        (_, Some(true)) => applies("it is on"),
        (_, Some(false)) => void("it is off already"),
        (_, None) => unknown("whether it is on"),
    }
}

fn eee(read: &Read) -> (Verdict, String) {
    match read.eee {
        Some(Eee::Absent) => void("this NIC has no EEE"),
        Some(Eee::Off) => void("it is off already"),
        Some(Eee::Inactive) => void(
            "enabled \u{2013} inactive: the link partner does not take part, so it is off anyway",
        ),
        Some(Eee::Active) => applies("it is active; switching it off drops the link for about 3 s"),
        None => unknown("whether it is active"),
    }
}

fn aspm(read: &Read) -> (Verdict, String) {
    match (read.family, read.pcie_link) {
        (_, Some(false)) => void("the device has no PCIe link of its own"),
        (Some("82571" | "82573" | "82574" | "82583"), _) => {
            void("the driver switches states off by itself on this chip")
        }
        (_, Some(true)) => applies("the device has a PCIe link"),
        (_, None) => unknown("whether the device has a PCIe link (that takes root)"),
    }
}

fn rings(read: &Read) -> (Verdict, String) {
    match read.rings {
        Some((256, 256)) => void("they have 256, which is the default"),
        Some((rx, tx)) => (Verdict::Applies, format!("they have {rx} and {tx}")),
        None => unknown("their size"),
    }
}

/// `e1000_param.c`: `FLAG_HAS_SMART_POWER_DOWN`.
fn smart_power_down(read: &Read) -> (Verdict, String) {
    match read.family {
        Some("82571" | "82572" | "82574" | "82583") => void("0 is the default"),
        Some(_) => void("only 82571, 82572, 82574 and 82583 have it"),
        None => unknown("which chip it is"),
    }
}

fn int_mode(read: &Read) -> (Verdict, String) {
    match read.family {
        Some("82574") => void("MSI-X is what this chip uses by default"),
        Some(_) => void("only 82574 has MSI-X: the driver falls back to MSI, which it uses anyway"),
        None => unknown("which chip it is"),
    }
}

impl Read {
    /// What follows from the NIC and from what the kernel says of it.
    pub fn new(nic: &Nic, now: Option<&Now>, pcie_link: Option<bool>) -> Read {
        let is = |family, key| now.map(|now| now.of(&Name::new(family, key)));
        let ring = |key| match is(Family::Ring, key) {
            Some(Is::Value(Value::Number(size))) => Some(size),
            _ => None,
        };
        let eee = match (is(Family::Eee, "enabled"), is(Family::Eee, "active")) {
            (Some(Is::NoFamily), _) => Some(Eee::Absent),
            (Some(Is::Value(Value::Switch(false))), _) => Some(Eee::Off),
            (Some(Is::Value(_)), Some(Is::Value(Value::Switch(true)))) => Some(Eee::Active),
            (Some(Is::Value(_)), Some(Is::Value(_))) => Some(Eee::Inactive),
            _ if nic.chip().is_some_and(|chip| !chip.has_eee()) => Some(Eee::Absent),
            _ => None,
        };
        let tso = now.and_then(|now| {
            let all = ["tx-tcp-segmentation", "tx-tcp6-segmentation"];
            let active = all.map(|name| now.features.get(name).map(|f| f.active));
            Some(active[0]? || active[1]?)
        });
        Read {
            family: nic.chip().map(|chip| chip.family),
            eee,
            rings: ring("rx").zip(ring("tx")),
            tso,
            pcie_link,
        }
    }
}

/// Whether a PCI device with this configuration space has a `PCIe` link. An ordinary user reads the
/// first 64 bytes only, which do not tell.
pub fn has_pcie_link(config: &[u8]) -> Option<bool> {
    // include/uapi/linux/pci_regs.h
    const STATUS: usize = 0x06;
    const STATUS_CAP_LIST: u8 = 0x10;
    const CAPABILITY_LIST: usize = 0x34;
    const CAP_ID_EXP: u8 = 0x10;
    const EXP_TYPE_RC_END: u8 = 0x9;
    if config.get(STATUS)? & STATUS_CAP_LIST == 0 {
        return Some(false);
    }
    let mut at = usize::from(config.get(CAPABILITY_LIST)? & !3);
    // So many fit.
    for _ in 0..48 {
        if at == 0 {
            return Some(false);
        }
        if *config.get(at)? == CAP_ID_EXP {
            let kind = config.get(at + 2)? >> 4;
            // One that is part of the root complex has none.
            return Some(kind != EXP_TYPE_RC_END);
        }
        at = usize::from(config.get(at + 1)? & !3);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(read: &Read) -> Vec<Verdict> {
        judged(read).iter().map(|tip| tip.verdict).collect()
    }

    #[test]
    fn on_an_on_board_i219_with_everything_as_usual_most_is_void() {
        use Verdict::{Applies, Unknown, Void};
        let mut read = Read {
            family: Some("pch_cnp"),
            eee: Some(Eee::Inactive),
            rings: Some((256, 256)),
            tso: Some(true),
            pcie_link: Some(false),
        };
        assert_eq!(
            verdicts(&read),
            [Applies, Void, Void, Void, Void, Void, Unknown]
        );
        let reasons: String = judged(&read)
            .iter()
            .map(|tip| tip.reason.as_str())
            .collect();
        assert!(reasons.contains("inactive") && reasons.contains("no PCIe link"));
        read.eee = Some(Eee::Active);
        read.rings = Some((512, 256));
        read.pcie_link = Some(true);
        let all = verdicts(&read);
        assert_eq!(all[..4], [Applies, Applies, Applies, Applies]);
        assert!(judged(&read)[3].reason.contains("512"));
    }

    #[test]
    fn what_the_driver_does_by_itself_is_void() {
        let spt = Read {
            family: Some("pch_spt"),
            tso: Some(false),
            ..Read::default()
        };
        assert_eq!(verdicts(&spt)[0], Verdict::Void);
        assert!(judged(&spt)[0].reason.contains("6.3"));
        let old = Read {
            tso: Some(true),
            ..spt
        };
        assert_eq!(verdicts(&old)[0], Verdict::Applies);
        let card = Read {
            family: Some("82574"),
            pcie_link: Some(true),
            eee: Some(Eee::Absent),
            ..Read::default()
        };
        let all = verdicts(&card);
        assert_eq!(
            (all[1], all[2], all[4]),
            (Verdict::Void, Verdict::Void, Verdict::Void)
        );
    }

    #[test]
    fn what_was_not_read_is_not_known() {
        assert!(
            verdicts(&Read::default())
                .iter()
                .all(|v| *v == Verdict::Unknown)
        );
    }

    #[test]
    fn the_configuration_space_tells_whether_there_is_a_link() {
        let mut config = vec![0; 256];
        assert_eq!(has_pcie_link(&config), Some(false));
        config[0x06] = 0x10;
        config[0x34] = 0xc8;
        // Power management, then MSI, then nothing: an on-board NIC.
        (config[0xc8], config[0xc9]) = (0x01, 0xd0);
        (config[0xd0], config[0xd1]) = (0x05, 0x00);
        assert_eq!(has_pcie_link(&config), Some(false));
        assert_eq!(has_pcie_link(&config[..64]), None);
        // A card: express endpoint.
        config[0xd1] = 0xe0;
        config[0xe0] = 0x10;
        assert_eq!(has_pcie_link(&config), Some(true));
        config[0xe2] = 0x92;
        assert_eq!(has_pcie_link(&config), Some(false));
        // A list that bites its tail.
        (config[0xe0], config[0xe1]) = (0x05, 0xc8);
        assert_eq!(has_pcie_link(&config), None);
    }
}
