//! Whose lines a log has: machine IDs where the journal tells them, else host names.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The lines of further machines are nobody's.
const MAX: usize = 4096;

/// The machines by what tells them apart, with their names.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    names: BTreeMap<Arc<str>, String>,
    /// The name on the last line, as it stands there, and whose it is.
    last: (Vec<u8>, Option<Arc<str>>),
    left_out: bool,
}

impl Hosts {
    /// The machine of this name and ID.
    pub fn of(name: &str, id: Option<&str>) -> Hosts {
        let mut hosts = Hosts::default();
        hosts.note(name.as_bytes(), id);
        hosts
    }

    /// A line of the machine that is called `name`, with its ID if it is known. Which machine
    /// that is; `None` if the name says nothing.
    pub(super) fn note(&mut self, name: &[u8], id: Option<&str>) -> Option<Arc<str>> {
        if id.is_none() && name == self.last.0 {
            return self.last.1.clone();
        }
        let short = short(name);
        let key = self.key(&short, id);
        if let Some(key) = key.as_ref().filter(|key| !self.names.contains_key(*key)) {
            self.names.insert(Arc::clone(key), short);
        }
        if id.is_none() {
            self.last = (name.to_owned(), key.clone());
        }
        key
    }

    fn key(&mut self, short: &str, id: Option<&str>) -> Option<Arc<str>> {
        // As the machine is called before it knows its name.
        if id.is_none() && matches!(short, "" | "localhost" | "(none)") {
            return None;
        }
        let key = id.unwrap_or(short);
        if let Some((known, _)) = self.names.get_key_value(key) {
            return Some(Arc::clone(known));
        }
        self.left_out |= self.names.len() >= MAX;
        Some(if self.left_out { "" } else { key }.into())
    }

    /// The machine of this name or ID, if it is known.
    pub(super) fn known(&self, name: &[u8], id: Option<&str>) -> Option<Arc<str>> {
        let short = short(name);
        let known = self.names.get_key_value(id.unwrap_or(&short))?;
        Some(Arc::clone(known.0))
    }

    /// Are the lines those of the machine with this name and ID? `None`: they do not tell.
    pub fn are_of(&self, name: &str, machine_id: Option<&str>) -> Option<bool> {
        let own = short(name.as_bytes());
        let same = |(id, name): (&Arc<str>, &String)| machine_id == Some(id) || *name == own;
        (!self.names.is_empty()).then(|| self.names.iter().all(same))
    }

    pub fn extend(&mut self, other: Hosts) {
        self.names.extend(other.names);
        self.left_out |= other.left_out;
    }

    /// What each machine is known by.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names.keys()
    }

    /// What the machine with this key calls itself.
    pub fn name_of(&self, key: &str) -> Option<&str> {
        self.names.get(key).map(String::as_str)
    }

    /// That one only.
    #[must_use]
    pub fn just(&self, key: &str) -> Hosts {
        let of = self.names.get_key_value(key).into_iter();
        Hosts {
            names: of
                .map(|(key, name)| (Arc::clone(key), name.clone()))
                .collect(),
            ..Hosts::default()
        }
    }

    /// The only one, if there is one.
    pub fn only(&self) -> Option<&Arc<str>> {
        self.names.keys().next().filter(|_| self.names.len() == 1)
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Were there more machines than can be told apart?
    pub fn left_out(&self) -> bool {
        self.left_out
    }

    /// What the machines are called, in order: their names, or their IDs if these are alike.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.names.values().map(String::as_str).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return self.names.keys().map(AsRef::as_ref).collect();
        }
        names
    }
}

/// Some programs write the domain, too; an address has none.
fn short(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(&name[..name.len().min(255)]);
    let address = name.parse::<std::net::IpAddr>().is_ok();
    let short = name.split('.').next().filter(|_| !address);
    short.unwrap_or(&name).to_ascii_lowercase()
}
