//! The same decision as `apply`'s, as configuration files for other programs.
//!
//! A [`Request`] is what is wanted for which NICs of which [`machine`]; a [`Format`] gives
//! [`Generated`] files for it, each with what is to be said about it: how it becomes active,
//! what it displaces, what it cannot do. It refuses what would do harm. [`write`] puts the
//! files into place, with a [`marker`] by which they are known again.

mod ifupdown;
pub mod link;
pub mod machine;
pub mod marker;
mod netplan;
mod networkmanager;
mod nixos;
pub mod request;
pub mod settings;
pub mod stale;
mod systemd_unit;
mod talos;
mod udev;
pub mod write;

use crate::features::Key;
use crate::settings::{Family, Name};
use machine::{Machine, Present};
use request::Request;

pub struct Format {
    /// What the command line calls it.
    pub name: &'static str,
    /// Whose configuration it is, in one line.
    pub about: &'static str,
    /// Where its files belong; `None` if they are part of something that only a person can put together.
    pub dir: Option<&'static str>,
    pub mode: u32,
    pub generate: fn(&Request<'_>) -> Result<Vec<Generated>, Refusal>,
    /// Whether it can set this setting beside the offloads.
    pub sets: fn(&Name) -> bool,
}

impl Format {
    /// The files for a request, with what they do not set.
    pub fn files(&self, request: &Request<'_>) -> Result<Vec<Generated>, Refusal> {
        let mut files = (self.generate)(request)?;
        let names = request.settings.values.iter().map(|(name, _)| name);
        let unsaid = names.filter(|name| !(self.sets)(name));
        let unsaid: Vec<String> = unsaid.map(ToString::to_string).collect();
        if !unsaid.is_empty() {
            let text = format!("set {}: unhang knows no key for that", listed(&unsaid));
            for file in &mut files {
                file.remarks.push(Topic::Cannot.remark(text.clone()));
            }
        }
        Ok(files)
    }
}

/// What [`settings::Settings::ethtool`] has.
fn by_ethtool(name: &Name) -> bool {
    name.family != Family::Wol && !name.key.contains(' ')
}

pub const FORMATS: [Format; 9] = [
    link::FORMAT,
    networkmanager::FORMAT,
    netplan::FORMAT,
    ifupdown::IFUPDOWN2,
    ifupdown::IFUPDOWN,
    systemd_unit::FORMAT,
    nixos::FORMAT,
    talos::FORMAT,
    udev::FORMAT,
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// Without a directory.
    pub file_name: String,
    /// Without the marker.
    pub text: String,
    /// The file that it displaces and that one's fingerprint.
    pub displaced: Option<(String, String)>,
    pub remarks: Vec<Remark>,
}

impl Generated {
    /// A file that displaces no other.
    fn new(file_name: String, text: String, remarks: Vec<Remark>) -> Generated {
        Generated {
            file_name,
            text,
            displaced: None,
            remarks,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    pub topic: Topic,
    /// A sentence without a full stop.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// What no longer counts once the file is there.
    Displaces,
    /// How it becomes active.
    Activate,
    /// What this path cannot do, or this file does not say.
    Cannot,
    Note,
}

impl Topic {
    pub fn word(self) -> &'static str {
        match self {
            Topic::Displaces => "displaces",
            Topic::Activate => "to make it active",
            Topic::Cannot => "cannot",
            Topic::Note => "note",
        }
    }

    pub fn remark(self, text: impl Into<String>) -> Remark {
        Remark {
            topic: self,
            text: text.into(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

impl Refusal {
    fn new<T>(text: impl Into<String>) -> Result<T, Refusal> {
        Err(Refusal(text.into()))
    }
}

/// Keys of a program with what they shall be, and what is to be said about them.
type Keys<'t> = (Vec<(&'t str, bool)>, Vec<Remark>);

/// The keys of a program for what is wanted, from a table of its keys and the features that
/// each stands for, and what it has no key for.
fn word_lines<'t>(request: &Request<'_>, table: &[(&'t str, &str)]) -> Result<Keys<'t>, Refusal> {
    let settings = &request.settings;
    let mut lines = Vec::new();
    let mut said: Vec<&str> = Vec::new();
    for (word, features) in table {
        let key = Key::new(*features);
        if let Some(on) = settings.whole(&key) {
            lines.push((*word, on));
            let names = settings.features().map(|(name, _)| name);
            said.extend(names.filter(|name| key.covers(name)));
        }
    }
    if lines.is_empty() {
        return Refusal::new(format!("it has no key for {}", settings.for_people()));
    }
    let names = settings.features().map(|(name, _)| name);
    let unsaid: Vec<&str> = names.filter(|name| !said.contains(name)).collect();
    let remark = cannot_set(request, &unsaid, "it has no key");
    Ok((lines, remark.into_iter().collect()))
}

/// The remark that some features can't be set, if there are any.
fn cannot_set(request: &Request<'_>, features: &[&str], why: &str) -> Option<Remark> {
    let harmless = request.harmless(features);
    let text = format!("set {}: {why} for that{harmless}", listed(features));
    (!features.is_empty()).then(|| Topic::Cannot.remark(text))
}

/// Where ethtool is, and a remark if it is not.
fn ethtool(machine: &Machine) -> (String, Option<Remark>) {
    match machine.program("ethtool") {
        Some(path) => (path, None),
        None => (
            "/usr/sbin/ethtool".into(),
            Some(Topic::Note.remark("ethtool is not installed: it is in the package ethtool")),
        ),
    }
}

/// `a`, `a and b`, `a, b and c`.
fn listed<T: AsRef<str>>(words: &[T]) -> String {
    match words {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

fn names(nics: &[Present]) -> Vec<&str> {
    nics.iter()
        .map(|present| present.nic.name.as_str())
        .collect()
}
