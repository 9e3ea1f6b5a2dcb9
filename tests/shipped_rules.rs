//! The rules that are shipped, looked at chip by chip.

use std::fs;
use std::path::Path;

use unhang::chip;
use unhang::nic::{Nic, PciId};
use unhang::rules::{Rule, decide, parse};

fn rules() -> Vec<Rule> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/10-e1000e.toml");
    parse(&fs::read_to_string(file).unwrap()).unwrap()
}

fn nic(driver: &str, vendor: u16, device: u16) -> Nic {
    Nic {
        driver: Some(driver.into()),
        pci: Some(PciId {
            vendor,
            device,
            subsystem: Some((0x1028, 0x0869)),
        }),
        ..Nic::default()
    }
}

#[test]
fn every_chip_gets_the_remedy() {
    let rules = rules();
    for chip in chip::all() {
        let nic = nic("e1000e", chip.vendor, chip.device);
        let decision = decide(&rules, &nic);
        let settings: Vec<String> = decision.settings.iter().map(ToString::to_string).collect();
        assert_eq!(settings, ["tso off", "gso off", "gro off"], "{chip:?}");
        assert_eq!(decision.rules(), ["e1000e-tx-hang"], "{chip:?}");
    }
}

#[test]
fn a_chip_that_the_driver_gets_tomorrow_has_the_remedy_too() {
    assert!(!decide(&rules(), &nic("e1000e", 0x8086, 0xffff)).is_empty());
}

#[test]
fn the_chip_alone_is_not_enough() {
    for driver in ["igb", "igc", "e1000", "vfio-pci", "r8169"] {
        assert!(decide(&rules(), &nic(driver, 0x8086, 0x15bb)).is_empty());
    }
}

#[test]
fn nothing_in_them_drops_the_link() {
    let rules = rules();
    let keys = rules
        .iter()
        .flat_map(|rule| &rule.offload)
        .map(|wanted| &wanted.key);
    assert_eq!(keys.filter(|key| key.resets_e1000e()).count(), 0);
}

#[test]
fn every_rule_says_where_it_is_known_from() {
    for rule in rules() {
        assert!(
            rule.evidence.is_some() && rule.description.is_some(),
            "{}",
            rule.name
        );
    }
}
