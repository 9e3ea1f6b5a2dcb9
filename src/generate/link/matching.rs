//! Whether a `.link` file matches a NIC, as udev would find when the NIC appears.
//!
//! What can't be known from outside (a condition such as `Host=`, the name that the kernel
//! will give) is an answer of its own: nothing is decided by guessing.

use super::ini::{Ini, words};
use crate::generate::machine::Present;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matches {
    Yes,
    /// It is not: this assignment does not hold.
    No(String),
    /// That hangs on this assignment.
    Unknown(String),
}

/// Keys of [Match] that ask something of the machine and not of the NIC.
pub const CONDITIONS: [&str; 9] = [
    "Host",
    "Virtualization",
    "KernelCommandLine",
    "KernelVersion",
    "Version",
    "Credential",
    "Architecture",
    "Firmware",
    "MachineTag",
];

pub fn matches(ini: &Ini, present: &Present) -> Matches {
    let mut unknown = None;
    let mut keys: Vec<&str> = Vec::new();
    for entry in ini.entries("Match") {
        if !keys.contains(&entry.key.as_str()) {
            keys.push(&entry.key);
        }
    }
    for key in keys {
        let values = ini.list("Match", key);
        if values.is_empty() {
            continue;
        }
        let written = format!("{key}={}", values.join(" "));
        match holds(key, &patterns(&values), present) {
            Some(true) => {}
            Some(false) => return Matches::No(written),
            None => unknown = unknown.or(Some(written)),
        }
    }
    unknown.map_or(Matches::Yes, Matches::Unknown)
}

/// One word of a list, and whether the list was inverted with `!`.
struct Pattern {
    inverted: bool,
    text: String,
}

fn patterns(values: &[&str]) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for value in values {
        let plain = value.strip_prefix('!');
        let inverted = plain.is_some();
        let all = words(plain.unwrap_or(value)).into_iter();
        patterns.extend(all.map(|text| Pattern { inverted, text }));
    }
    patterns
}

fn holds(key: &str, patterns: &[Pattern], present: &Present) -> Option<bool> {
    let nic = &present.nic;
    // What is not known of a NIC that udev has not seen may be anything.
    let known = |value: Option<&str>| match value {
        Some(value) => Some(any(patterns, Some(value))),
        None if present.properties.contains_key("ID_NET_DRIVER") => Some(any(patterns, None)),
        None => None,
    };
    match key {
        "Driver" => known(nic.driver.as_deref()),
        "Path" => known(nic.path.as_deref()).or_else(|| elsewhere(patterns, present)),
        "MACAddress" => nic.mac.as_deref().map(|mac| same_mac(patterns, mac)),
        "PermanentMACAddress" => {
            let mac = nic.mac.as_deref().filter(|_| present.permanent_mac);
            mac.map(|mac| same_mac(patterns, mac))
        }
        "Type" => Some(any(patterns, Some("ether"))),
        "Kind" => Some(any(patterns, None)),
        "OriginalName" => original_name(patterns),
        "Property" => property(patterns, present),
        _ => None,
    }
}

/// Without a word that is not inverted, none of the inverted ones may fit.
fn any(patterns: &[Pattern], value: Option<&str>) -> bool {
    let fits = |p: &&Pattern| value.is_some_and(|value| glob(&p.text, value));
    let (inverted, plain): (Vec<_>, Vec<_>) = patterns.iter().partition(|p| p.inverted);
    !inverted.iter().any(fits) && (plain.is_empty() || plain.iter().any(fits))
}

/// Of a PCI NIC that is not there no path is known, but that it is not on USB.
fn elsewhere(patterns: &[Pattern], present: &Present) -> Option<bool> {
    let on_pci = present.nic.pci.is_some() || present.nic.driver.as_deref() == Some("e1000e");
    let usb = |pattern: &Pattern| !pattern.inverted && pattern.text.contains("-usb-");
    (on_pci && patterns.iter().all(usb)).then_some(false)
}

fn same_mac(patterns: &[Pattern], mac: &str) -> bool {
    let bare = |text: &str| text.to_ascii_lowercase().replace([':', '-', '.'], "");
    patterns.iter().any(|p| bare(&p.text) == bare(mac))
}

/// When a PCI NIC appears the kernel calls it ethN; which N is not foreseeable.
fn original_name(patterns: &[Pattern]) -> Option<bool> {
    let all: Vec<bool> = (0..100)
        .map(|number| any(patterns, Some(&format!("eth{number}"))))
        .collect();
    match (all.contains(&true), all.contains(&false)) {
        (true, true) => None,
        (held, _) => Some(held),
    }
}

fn property(patterns: &[Pattern], present: &Present) -> Option<bool> {
    let mut result = Some(true);
    for Pattern { inverted, text } in patterns {
        let (key, wanted) = text.split_once('=')?;
        let fits = match present.property(key) {
            Some(value) => glob(wanted, value),
            None if present.properties.contains_key("ID_NET_DRIVER") => false,
            None => {
                result = None;
                continue;
            }
        };
        if fits == *inverted {
            return Some(false);
        }
    }
    result
}

/// A shell pattern, as fnmatch(3) without flags takes it: other than in `fast_glob` there are no
/// braces and no negation, and `/` is a character like others.
fn glob(pattern: &str, text: &str) -> bool {
    let negation = if pattern.starts_with('!') { "\\" } else { "" };
    let pattern = pattern.replace('{', "\\{").replace('/', "\0");
    fast_glob::glob_match(negation.to_owned() + &pattern, text.replace('/', "\0"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nic::Nic;

    fn nic() -> Present {
        let mut present = Present::imagined(Nic {
            driver: Some("e1000e".into()),
            pci: "8086:15bb".parse().ok(),
            mac: Some("52:54:00:aa:00:01".into()),
            path: Some("pci-0000:00:1f.6".into()),
            ..Nic::default()
        });
        let driver = ("ID_NET_DRIVER".to_owned(), "e1000e".to_owned());
        present.properties.extend([driver]);
        present
    }

    fn tried(text: &str) -> Matches {
        let (ini, _) = Ini::parse(&format!("[Match]\n{text}\n"));
        matches(&ini, &nic())
    }

    #[test]
    fn every_key_must_hold_and_any_of_its_words() {
        for yes in [
            "",
            "OriginalName=*",
            "OriginalName=e*",
            "Driver=igb e1000*",
            "Driver=!igb",
            "MACAddress=52-54-00-AA-00-01",
            "PermanentMACAddress=5254.00aa.0001",
            "Path=pci-0000:00:1f.[0-7]",
            "Property=ID_VENDOR_ID=0x8086 ID_MODEL_ID=0x15b[!c]",
            "Property=!ID_MODEL_ID=0x15bc",
            "Type=ether\nKind=!bridge",
            "Driver=igb\nDriver=\nDriver=e1000e",
        ] {
            assert_eq!(tried(yes), Matches::Yes, "{yes}");
        }
        for no in [
            "Driver=igb",
            "Driver=e1000e\nPath=*-usb-*",
            "Driver=!e1000e",
            "OriginalName=eno1",
            "OriginalName=wl*",
            "Kind=bridge",
            "Property=ID_MODEL_ID=0x15bc",
            "Property=NO_SUCH=1",
        ] {
            assert!(matches!(tried(no), Matches::No(_)), "{no}");
        }
    }

    #[test]
    fn what_cannot_be_known_is_said() {
        for unknown in ["Host=web1", "OriginalName=eth0", "KernelVersion=>6"] {
            assert_eq!(tried(unknown), Matches::Unknown(unknown.into()));
        }
        assert_eq!(
            tried("Host=web1\nDriver=igb"),
            Matches::No("Driver=igb".into())
        );
    }

    #[test]
    fn globs_are_those_of_the_shell() {
        assert!(glob("*", "") && glob("a*c", "abbc") && glob("a?c", "abc") && glob("\\*", "*"));
        assert!(!glob("a?c", "ac") && !glob("[!a]", "a") && glob("[]x]", "]"));
        assert!(
            glob("[!]]", "x") && !glob("[!]]", "]") && glob("*[0-9]*", "eth0") && !glob("*a", "ab")
        );
        assert!(!glob(&"*a".repeat(500), &"a".repeat(400)));
    }
}
