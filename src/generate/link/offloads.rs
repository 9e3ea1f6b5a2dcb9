//! The offloads and other settings of a generated file, as far as the systemd that reads it has
//! keys for them.

use super::keys::{self, EEE};
use super::takeover::Lines;
use crate::features::Key;
use crate::generate::machine::knows;
use crate::generate::request::Request;
use crate::generate::{Refusal, Remark, Topic, cannot_set, listed};
use crate::settings::{Family, Name, Value};

#[derive(Debug, Clone, Copy)]
pub enum KeyReader {
    /// systemd of this version, if it is known.
    Systemd(Option<u32>),
    /// NixOS, which checks them when it builds the system.
    NixOs,
}

/// The systemd whose offload keys NixOS knows, as of 25.05.
const KEYS_OF_NIXOS: u32 = 247;

impl KeyReader {
    fn knows(self, since: u32) -> bool {
        match self {
            KeyReader::Systemd(version) => knows(version, since),
            KeyReader::NixOs => since <= KEYS_OF_NIXOS,
        }
    }

    /// Why it does not know a key.
    fn limit(self) -> String {
        match self {
            KeyReader::Systemd(Some(version)) => format!("here is {version}"),
            KeyReader::Systemd(None) => "the version here is not known, --systemd says it".into(),
            KeyReader::NixOs => "NixOS refuses them".into(),
        }
    }
}

/// A boolean as systemd writes it.
pub fn yes_no(on: bool) -> &'static str {
    if on { "yes" } else { "no" }
}

/// What is set, as lines of [Link] and of [`EnergyEfficientEthernet`].
pub struct Set {
    pub link: Lines,
    pub eee: Lines,
}

/// The offloads and settings as lines.
pub fn offloads(request: &Request<'_>, reader: KeyReader) -> Result<(Set, Vec<Remark>), Refusal> {
    let mut lines = Lines::new();
    let mut said: Vec<&str> = Vec::new();
    let mut too_new = Vec::new();
    let mut features_too_new = Vec::new();
    for key in keys::of_features() {
        let feature = Key::new(key.feature);
        let Some(on) = request.settings.whole(&feature) else {
            continue;
        };
        let covered = request.settings.features().map(|(name, _)| name);
        let covered = covered.filter(|name| feature.covers(name));
        if reader.knows(key.since) {
            said.extend(covered);
            lines.push((key.name.to_owned(), yes_no(on).to_owned()));
        } else {
            features_too_new.extend(covered);
            too_new.push(format!("{}= (systemd {})", key.name, key.since));
        }
    }
    let mut remarks = Vec::new();
    if !too_new.is_empty() {
        remarks.push(Topic::Cannot.remark(format!(
            "set {}: {}{}",
            listed(&too_new),
            reader.limit(),
            request.harmless(&features_too_new)
        )));
        said.extend(features_too_new);
    }
    let names = request.settings.features().map(|(name, _)| name);
    let unsaid: Vec<&str> = names.filter(|name| !said.contains(name)).collect();
    remarks.extend(cannot_set(request, &unsaid, "no systemd has a key"));
    let mut eee = Lines::new();
    if let KeyReader::Systemd(_) = reader {
        remarks.extend(values(request, reader, &mut lines, &mut eee));
    }
    if lines.is_empty() && eee.is_empty() {
        return Refusal::new(format!(
            "this systemd has no key for any of {}; use another format or the udev helper",
            request.settings.for_people()
        ));
    }
    Ok((Set { link: lines, eee }, remarks))
}

/// Whether any systemd has a key for the setting.
pub fn has_key(name: &Name) -> bool {
    match name.family {
        Family::Wol => wake_on_lan(&name.key).is_some(),
        _ => keys::of_setting(name).is_some(),
    }
}

/// Adds the settings beside the offloads.
fn values(
    request: &Request<'_>,
    reader: KeyReader,
    link: &mut Lines,
    eee: &mut Lines,
) -> Vec<Remark> {
    let mut too_new = Vec::new();
    let mut refused = Vec::new();
    let mut remarks = Vec::new();
    for (name, value) in &request.settings.values {
        let Some(key) = keys::of_setting(name) else {
            continue;
        };
        let value = match value {
            Value::Number(0) if name.family == Family::Ring || name.key == "sample-interval" => {
                refused.push(name.to_string());
                continue;
            }
            Value::Switch(on) => yes_no(*on).to_owned(),
            Value::Number(number) if name.key == "sample-interval" => format!("{number}s"),
            Value::Number(number) if key.name.ends_with("Sec") => format!("{number}us"),
            Value::Number(number) => number.to_string(),
        };
        if !reader.knows(key.since) {
            let section = if key.section == EEE {
                "[EnergyEfficientEthernet] "
            } else {
                ""
            };
            too_new.push(format!("{section}{}= (systemd {})", key.name, key.since));
        } else if key.section == EEE {
            eee.push((key.name.to_owned(), value));
        } else {
            link.push((key.name.to_owned(), value));
        }
    }
    let wol = request.settings.values.iter();
    let wol = wol.filter(|(name, _)| name.family == Family::Wol);
    let modes = wol.filter_map(|(name, value)| Some((wake_on_lan(&name.key)?, *value)));
    let modes: Vec<(&str, Value)> = modes.collect();
    if !modes.is_empty() {
        let on = modes
            .iter()
            .filter(|(_, value)| *value == Value::Switch(true));
        let modes: Vec<&str> = on.map(|(mode, _)| *mode).collect();
        let modes = if modes.is_empty() { vec!["off"] } else { modes };
        link.push(("WakeOnLan".to_owned(), modes.join(" ")));
        let text = "WakeOnLan= sets all modes: those that the rule does not name go off";
        remarks.push(Topic::Note.remark(text));
    }
    for (names, why) in [
        (too_new, reader.limit()),
        (refused, "systemd takes no 0 there".to_owned()),
    ] {
        if !names.is_empty() {
            let text = format!("set {}: {why}", listed(&names));
            remarks.push(Topic::Cannot.remark(text));
        }
    }
    remarks
}

/// systemd's words for ethtool's.
fn wake_on_lan(mode: &str) -> Option<&str> {
    match mode {
        "ucast" => Some("unicast"),
        "mcast" => Some("multicast"),
        "bcast" => Some("broadcast"),
        "magicsecureon" => Some("secureon"),
        "filter" => None,
        same => Some(same),
    }
}
