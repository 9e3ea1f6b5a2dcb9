//! Whose lines a log has: machine IDs where the journal tells them, else host names.

use std::collections::BTreeMap;

/// More than these need not be told apart to see that they are several.
const MAX: usize = 16;

/// The machines by what tells them apart, with their names.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    names: BTreeMap<String, String>,
    /// The name on the last line, as it stands there.
    last: Vec<u8>,
}

impl Hosts {
    /// A line of the machine that is called `name`, with its ID if it is known.
    pub(super) fn note(&mut self, name: &[u8], id: Option<&str>) {
        if id.is_none() && name == self.last {
            return;
        }
        name.clone_into(&mut self.last);
        let name = String::from_utf8_lossy(&name[..name.len().min(255)]);
        // Some programs write the domain, too; an address has none.
        let address = name.parse::<std::net::IpAddr>().is_ok();
        let short = name.split('.').next().filter(|_| !address);
        let short = short.unwrap_or(&name).to_ascii_lowercase();
        // As the machine is called before it knows its name.
        if id.is_none() && matches!(short.as_str(), "" | "localhost" | "(none)") {
            return;
        }
        let key = id.unwrap_or(&short);
        if !self.names.contains_key(key) && self.names.len() < MAX {
            self.names.insert(key.to_owned(), short);
        }
    }

    /// Are the lines those of the machine with this name and ID? `None`: they do not tell.
    pub fn are_of(&self, name: &str, machine_id: Option<&str>) -> Option<bool> {
        let mut own = Hosts::default();
        own.note(name.as_bytes(), None);
        let same =
            |(id, name): (&String, &String)| machine_id == Some(id) || own.names.contains_key(name);
        (!self.names.is_empty()).then(|| self.names.iter().all(same))
    }

    pub fn extend(&mut self, other: Hosts) {
        self.names.extend(other.names);
    }

    /// What the machines are called, in order: their names, or their IDs if these are alike.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.names.values().map(String::as_str).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return self.names.keys().map(String::as_str).collect();
        }
        names
    }
}
