//! How a `.link` file names a NIC that appears anew.

use super::ini::{Ini, words};
use crate::generate::machine::{Machine, Present};

/// What a NIC will be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    Known(String),
    /// As the kernel calls it: eth0, eth1, … in the order of their appearance.
    Kernels,
    /// Nobody told: udev has not seen the NIC.
    Unknown,
}

/// The name that a file with this content gives to the NIC when it appears anew, as at boot.
pub fn name(ini: &Ini, machine: &Machine, present: &Present) -> Name {
    let policies = ini.last("Link", "NamePolicy").map(words);
    let policies = policies.filter(|_| !policies_are_off(machine));
    for policy in policies.unwrap_or_default() {
        // keep and kernel don't hold for a PCI NIC that the kernel has just called ethN.
        let property = match policy.as_str() {
            "database" => "ID_NET_NAME_FROM_DATABASE",
            "onboard" => "ID_NET_NAME_ONBOARD",
            "slot" => "ID_NET_NAME_SLOT",
            "path" => "ID_NET_NAME_PATH",
            "mac" => "ID_NET_NAME_MAC",
            _ => continue,
        };
        if present.property("ID_NET_DRIVER").is_none() {
            return Name::Unknown;
        }
        if let Some(name) = present.property(property) {
            return Name::Known(name.to_owned());
        }
    }
    match ini.last("Link", "Name") {
        Some(name) => Name::Known(name.to_owned()),
        None => Name::Kernels,
    }
}

/// Whether a name is one that the kernel gives.
pub fn is_kernels(name: &str) -> bool {
    let number = name.strip_prefix("eth");
    number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// `net.ifnames=0` on the kernel's command line switches `NamePolicy=` off.
fn policies_are_off(machine: &Machine) -> bool {
    let line = machine.text("/proc/cmdline").unwrap_or_default();
    let last = line
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("net.ifnames="))
        .next_back();
    last.is_some_and(|value| ["0", "no", "false", "off"].contains(&value))
}
