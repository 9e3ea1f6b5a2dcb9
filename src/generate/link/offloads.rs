//! The offloads of a generated file, as far as the systemd that reads it has keys for them.

use super::keys;
use super::takeover::Lines;
use crate::features::Key;
use crate::generate::machine::knows;
use crate::generate::request::Request;
use crate::generate::{Refusal, Remark, Topic, cannot_set, listed};

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

/// The offloads as lines of [Link].
pub fn offloads(request: &Request<'_>, reader: KeyReader) -> Result<(Lines, Vec<Remark>), Refusal> {
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
    if lines.is_empty() {
        return Refusal::new(format!(
            "this systemd has no key for any of {}; use another format or the udev helper",
            request.settings.for_people()
        ));
    }
    Ok((lines, remarks))
}
