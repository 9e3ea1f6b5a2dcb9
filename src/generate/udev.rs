//! A udev rule that runs ethtool: for machines that have ethtool and not this package.

use super::request::Request;
use super::{Format, Generated, Refusal, Topic, by_ethtool, ethtool};
use crate::nic::{Nic, PciId};
use crate::rules::Match;

pub const FORMAT: Format = Format {
    name: "udev",
    about: "a udev rule that runs ethtool, for machines without this package",
    dir: Some("/etc/udev/rules.d"),
    mode: 0o644,
    generate,
    sets: by_ethtool,
};

fn generate(request: &Request<'_>) -> Result<Vec<Generated>, Refusal> {
    let (program, missing) = ethtool(request.machine);
    let mut text = format!(
        "{}\n# After 80-net-setup-link.rules, which sets ID_NET_DRIVER and the name; $name is the final one.\n",
        request.heading()
    );
    let label = "unhang_ethtool_end";
    text +=
        &format!("ACTION!=\"add|move\", GOTO=\"{label}\"\nSUBSYSTEM!=\"net\", GOTO=\"{label}\"\n");
    let others = match (request.rule, request.subjects()) {
        (Some(rule), _) => rule_others(&rule.matches)?,
        (None, [present, ..]) => nic_others(&present.nic)?,
        (None, []) => Vec::new(),
    };
    for test in others {
        text += &format!("{test}, GOTO=\"{label}\"\n");
    }
    for (option, words) in request.settings.ethtool() {
        text += &format!("RUN+=\"{program} {option} $name {words}\"\n");
    }
    text += &format!("LABEL=\"{label}\"\n");
    let mut remarks = vec![
        Topic::Activate.remark("'udevadm control --reload', then 'udevadm trigger --action=add --subsystem-match=net', or reboot"),
        Topic::Cannot.remark("say whether the offloads really are off: ethtool's messages go to udevd's debug log"),
    ];
    remarks.extend(missing);
    Ok(vec![Generated::new(
        format!("85-unhang-ethtool-{}.rules", request.title()),
        text,
        remarks,
    )])
}

/// Tests that hold for what is not this NIC.
fn nic_others(nic: &Nic) -> Result<Vec<String>, Refusal> {
    let test = match (&nic.mac, &nic.path) {
        (Some(mac), _) => format!("ATTR{{address}}!=\"{mac}\""),
        (None, Some(path)) => format!("ENV{{ID_PATH}}!=\"{path}\""),
        (None, None) => {
            return Refusal::new(
                "neither an address nor a path of the NIC is known (--as takes mac=… and path=…)",
            );
        }
    };
    // A bridge, bond or VLAN on top has the same address, but is on no bus.
    Ok(vec![test, "ENV{ID_BUS}!=\"?*\"".into()])
}

/// Tests that hold for what the rule is not for.
fn rule_others(rule: &Match) -> Result<Vec<String>, Refusal> {
    if !rule.interface.is_empty() || rule.pci.iter().any(|pci| pci.subsystem.is_some()) {
        return Refusal::new(
            "the rule goes by interface name or PCI subsystem, which a udev rule can't; name the NIC itself",
        );
    }
    let mut tests = Vec::new();
    let lists = [
        ("ENV{ID_NET_DRIVER}", &rule.driver),
        ("ATTR{address}", &rule.mac),
        ("ENV{ID_PATH}", &rule.path),
    ];
    for (key, values) in lists {
        if let Some(bad) = values.iter().find(|value| value.contains(['"', '{', '!'])) {
            return Refusal::new(format!(
                "'{bad}' is no pattern that udev understands; name the NIC itself"
            ));
        }
        if !values.is_empty() {
            tests.push(format!("{key}!=\"{}\"", values.join("|")));
        }
    }
    if !rule.pci.is_empty() {
        // Vendor and device in one text, so that a list of pairs is a list of alternatives.
        let pair = |pci: &PciId| format!("0x{:04x}:0x{:04x}", pci.vendor, pci.device);
        let pairs: Vec<String> = rule.pci.iter().map(pair).collect();
        tests.push(format!(
            "ENV{{UNHANG_PCI}}=\"$env{{ID_VENDOR_ID}}:$env{{ID_MODEL_ID}}\"\nENV{{UNHANG_PCI}}!=\"{}\"",
            pairs.join("|")
        ));
    }
    Ok(tests)
}
