//! netplan's YAML. netplan turns it into a `.link` file in /run when the machine boots.
//!
//! That file matches at boot only if the definition matches by address: without `match:`
//! netplan matches the final name, which the NIC does not have yet when udev looks. And where
//! another file has the same definition without `match:`, netplan keeps its name as a second
//! condition; `name: "*"` takes that back.

use super::request::Request;
use super::{Format, Generated, Refusal, Topic, word_lines};
use crate::generate::machine::{Machine, Present};

/// netplan.
pub struct Netplan;

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

impl Format for Netplan {
    fn name(&self) -> &'static str {
        "netplan"
    }

    fn about(&self) -> &'static str {
        "YAML for netplan, which makes a .link file of it at boot"
    }

    fn dir(&self) -> Option<&'static str> {
        Some("/etc/netplan")
    }

    /// netplan complains about files that others than root can read.
    fn mode(&self) -> u32 {
        0o600
    }

    fn generate(&self, request: &Request<'_>) -> Result<Vec<Generated>, Refusal> {
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
    let known = definition(request.machine, present);
    let id = known.as_deref().unwrap_or(name);
    let mut text = format!(
        "# Rule {}: {}.\nnetwork:\n  version: 2\n  ethernets:\n    {id}:\n      match:\n        macaddress: \"{mac}\"\n        name: \"*\"\n      set-name: {name}\n",
        request.rules.join(", "),
        request.settings.for_people()
    );
    for (key, on) in keys {
        text += &format!("      {key}: {on}\n");
    }
    let mut remarks = vec![Topic::Activate.remark(
        "'netplan generate', then reboot; 'netplan apply' does not always run .link files again",
    )];
    if known.is_none() {
        remarks.push(Topic::Note.remark(format!(
            "if netplan has {name} under another word than '{id}', write that word instead: two definitions for one NIC are an error"
        )));
    }
    remarks.push(Topic::Cannot.remark(format!(
        "leave the rest as it is: netplan's .link file names {name} and keeps no alternative names, and switches wake-on-LAN off unless the definition has 'wakeonlan: true'; 'unhang generate link {name}' changes nothing else"
    )));
    Ok(Generated {
        file_name: format!("90-unhang-{name}.yaml"),
        text,
        displaced: None,
        remarks,
    })
}

/// The word under which netplan has this NIC, as the files show that it made last.
fn definition(machine: &Machine, present: &Present) -> Option<String> {
    let id = |file: &str, extension: &str| {
        let name = file.rsplit('/').next()?;
        let id = name.strip_prefix("10-netplan-")?.strip_suffix(extension)?;
        Some(id.to_owned())
    };
    let in_force = present.property("ID_NET_LINK_FILE");
    if let Some(id) = in_force.and_then(|file| id(file, ".link")) {
        return Some(id);
    }
    let dir = std::fs::read_dir(machine.root.join("run/systemd/network"));
    let mut files = dir.ok()?.flatten().map(|entry| entry.path());
    files.find_map(|path| {
        let id = id(path.to_str()?, ".network")?;
        let text = std::fs::read_to_string(&path).ok()?;
        let by_name = format!("Name={}", present.nic.name);
        let by_mac = format!("PermanentMACAddress={}", present.nic.mac.as_deref()?);
        let mut lines = text.lines().map(str::trim);
        lines
            .any(|line| line == by_name || line.eq_ignore_ascii_case(&by_mac))
            .then_some(id)
    })
}
