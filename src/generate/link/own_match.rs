//! The [Match] section of a generated file, by what it knows its NICs again.

use super::takeover::Lines;
use crate::generate::Refusal;
use crate::generate::machine::Present;
use crate::generate::request::{By, Request};
use crate::nic::PciId;
use crate::rules::Match;

/// The [Match] of each file that it takes, and what tells its name apart.
pub fn own_match(request: &Request<'_>) -> Result<Vec<(String, Lines)>, Refusal> {
    match (request.rule, request.subjects()) {
        (Some(rule), _) => rule_matches(request, &rule.matches),
        (None, [present, ..]) => Ok(vec![(String::new(), nic_match(request, present)?)]),
        (None, []) => Ok(Vec::new()),
    }
}

fn nic_match(request: &Request<'_>, present: &Present) -> Result<Lines, Refusal> {
    let nic = &present.nic;
    let line = |key: &str, value: &String| vec![(key.to_owned(), value.clone())];
    match (request.by, &nic.mac, &nic.path) {
        (By::Mac, Some(mac), _) if present.permanent_mac => Ok(line("PermanentMACAddress", mac)),
        (_, _, Some(path)) => Ok(line("Path", path)),
        _ => Refusal::new(format!(
            "{} has neither an address of its own nor a path by which a .link file could know it again",
            nic.identity()
        )),
    }
}

/// [Match] for all NICs of a rule: more than one where the rule names PCI IDs, as Property= can't say "or".
fn rule_matches(request: &Request<'_>, rule: &Match) -> Result<Vec<(String, Lines)>, Refusal> {
    if !rule.interface.is_empty() {
        return Refusal::new(
            "the rule goes by interface name, which a .link file can't: names are given only by it; name the NIC itself",
        );
    }
    if rule.pci.iter().any(|pci| pci.subsystem.is_some()) {
        return Refusal::new(
            "the rule goes by PCI subsystem, which udev has no property for: the file would be for other boards too; name the NIC itself",
        );
    }
    if let Some(glob) = rule.path.iter().find(|path| path.contains(['{', '!'])) {
        return Refusal::new(format!(
            "the rule's path '{glob}' is no pattern that systemd understands; name the NIC itself"
        ));
    }
    let mut base = Lines::new();
    let lists = [
        ("Driver", &rule.driver),
        ("PermanentMACAddress", &rule.mac),
        ("Path", &rule.path),
    ];
    for (key, values) in lists {
        if !values.is_empty() {
            base.push((key.to_owned(), values.join(" ")));
        }
    }
    if rule.pci.is_empty() {
        return Ok(vec![(String::new(), base)]);
    }
    let here = |pci: &&PciId| {
        request.nics.is_empty()
            || request
                .nics
                .iter()
                .any(|p| p.nic.pci.is_some_and(|found| pci.covers(&found)))
    };
    let one = |pci: &PciId| {
        let mut lines = base.clone();
        lines.push((
            "Property".into(),
            format!(
                "ID_VENDOR_ID=0x{:04x} ID_MODEL_ID=0x{:04x}",
                pci.vendor, pci.device
            ),
        ));
        (format!("-{:04x}-{:04x}", pci.vendor, pci.device), lines)
    };
    Ok(rule.pci.iter().filter(here).map(one).collect())
}
