//! netplan's YAML. netplan turns it into a `.link` file in /run when the machine boots.
//!
//! That file matches at boot only if the definition matches by address: without `match:`
//! netplan matches the final name, which the NIC does not have yet when udev looks. And where
//! another file has the same definition without `match:`, netplan keeps its name as a second
//! condition; `name: "*"` takes that back.
//!
//! It only ever adds to a definition that is there: one of its own would be a configuration
//! without addresses.

use super::link::ini::Ini;
use super::marker::Marker;
use super::request::Request;
use super::{Format, Generated, Refusal, Topic, word_lines};
use crate::generate::machine::{Machine, Present};

/// netplan's keys, and the kernel's features that they come to.
const KEYS: [(&str, &str); 7] = [
    ("receive-checksum-offload", "rx-checksum"),
    ("transmit-checksum-offload", "tx-checksum-*"),
    ("tcp-segmentation-offload", "tx-tcp-segmentation"),
    ("tcp6-segmentation-offload", "tx-tcp6-segmentation"),
    ("generic-segmentation-offload", "tx-generic-segmentation"),
    ("generic-receive-offload", "rx-gro"),
    ("large-receive-offload", "rx-lro"),
];

pub const FORMAT: Format = Format {
    name: "netplan",
    about: "YAML for netplan, which makes a .link file of it at boot",
    dir: Some("/etc/netplan"),
    // netplan complains about files that others than root can read.
    mode: 0o600,
    generate,
    sets: |_| false,
};

fn generate(request: &Request<'_>) -> Result<Vec<Generated>, Refusal> {
    let (keys, cannot) = word_lines(request, &KEYS)?;
    let nics = request.named_nics()?;
    nics.iter()
        .map(|present| {
            let mut file = one(request, present, &keys)?;
            file.remarks.extend(cannot.clone());
            Ok(file)
        })
        .collect()
}

fn one(
    request: &Request<'_>,
    present: &Present,
    keys: &[(&str, bool)],
) -> Result<Generated, Refusal> {
    let name = &present.nic.name;
    let Some(mac) = present.nic.mac.as_ref().filter(|_| present.permanent_mac) else {
        return Refusal::new(format!(
            "netplan must know {name} by an address of its own, and none is known (--as takes mac=…)"
        ));
    };
    let Some(id) = definition(request.machine, present) else {
        return Refusal::new(format!(
            "netplan has no definition for {name} alone, by the files that 'netplan generate' writes to /run, and a new one would leave {name} without addresses after a reboot; use 'unhang generate link {name}'"
        ));
    };
    let mut text = format!(
        "{}\nnetwork:\n  version: 2\n  ethernets:\n    {id}:\n      match:\n        macaddress: \"{mac}\"\n        name: \"*\"\n      set-name: {name}\n",
        request.heading()
    );
    for (key, on) in keys {
        text += &format!("      {key}: {on}\n");
    }
    let remarks = vec![
        Topic::Activate.remark(
            "'netplan generate', then reboot; 'netplan apply' does not always run .link files again",
        ),
        Topic::Cannot.remark(format!(
            "leave the rest as it is: netplan's .link file names {name} and keeps no alternative names, and switches wake-on-LAN off unless the definition has 'wakeonlan: true'; 'unhang generate link {name}' changes nothing else"
        )),
    ];
    Ok(Generated::new(
        format!("90-unhang-{name}.yaml"),
        text,
        remarks,
    ))
}

/// Where netplan's backends find what it writes for each definition, and how these files are called.
const WRITTEN: [(&str, &str, &str); 2] = [
    ("/run/systemd/network", "10-netplan-", ".network"),
    (
        "/run/NetworkManager/system-connections",
        "netplan-",
        ".nmconnection",
    ),
];

/// Where netplan reads its YAML.
const CONFIGURED: [&str; 3] = ["/lib/netplan", "/etc/netplan", "/run/netplan"];

/// netplan's definition that is for this NIC and no other, in a file that is not unhang's.
fn definition(machine: &Machine, present: &Present) -> Option<String> {
    let configured: Vec<String> = CONFIGURED
        .iter()
        .flat_map(|dir| machine.files(dir))
        .filter_map(|path| machine.text(&path))
        .filter(|text| Marker::find(text).is_none())
        .collect();
    let written = WRITTEN.iter().flat_map(|(dir, prefix, suffix)| {
        let ids = machine.files(dir).into_iter().filter_map(move |path| {
            let name = path.file_name()?.to_str()?;
            let id = name.strip_prefix(prefix)?.strip_suffix(suffix)?.to_owned();
            Some((path, id))
        });
        ids.collect::<Vec<_>>()
    });
    let mut ids = written.filter_map(|(path, id)| {
        let (ini, _) = Ini::parse(&machine.text(&path)?);
        is_for_this_only(&ini, present).then_some(id)
    });
    ids.find(|id| configured.iter().any(|text| defines(text, id)))
}

/// Whether a file of systemd-networkd's or `NetworkManager`'s is for this NIC, by its name or its
/// address, and for no other.
fn is_for_this_only(ini: &Ini, present: &Present) -> bool {
    let nic = &present.nic;
    let mut named = false;
    for section in ["Match", "match", "connection", "ethernet"] {
        for entry in ini.entries(section) {
            let value = entry.value.as_str();
            let fits = match (section, entry.key.as_str()) {
                (_, "Name" | "interface-name") if section != "match" => value == nic.name,
                (_, "MACAddress" | "PermanentMACAddress" | "mac-address") => {
                    let mac = nic.mac.as_deref();
                    mac.is_some_and(|mac| value.eq_ignore_ascii_case(mac))
                }
                ("connection" | "ethernet", _) | (_, "Type" | "Kind") => continue,
                _ => false,
            };
            if !fits {
                return false;
            }
            named = true;
        }
    }
    named
}

/// Whether a text of netplan's has this key: YAML, in blocks or braces.
fn defines(yaml: &str, id: &str) -> bool {
    yaml.lines().any(|line| {
        let line = line.split('#').next().unwrap_or_default();
        // What stands after the last colon is a value.
        let mut keys = line.split(':').rev().skip(1).map(|part| {
            let key = part.trim_end().rsplit(['{', ',', ' ']).next();
            key.unwrap_or_default().trim_matches(['"', '\''])
        });
        keys.any(|key| key == id)
    })
}

#[cfg(test)]
mod tests {
    use super::defines;

    #[test]
    fn keys_are_told_from_values_and_comments() {
        let yaml = "ethernets: {'a1': {dhcp4: true}, b2: {}}\n  \"c 3\" :\n  d4:\n# e5:\n  x: f6\n";
        let found = ["a1", "b2", "d4", "e5", "f6", "a", "dhcp4: true"].map(|id| defines(yaml, id));
        assert_eq!(found, [true, true, true, false, false, false, false]);
    }
}
