//! What the rules say about one NIC.

use std::collections::HashSet;

use super::{Exhausted, Match, Rule, Stall};
use crate::features::{Key, on_off};
use crate::nic::Nic;
use crate::settings::{Family, Name, Value};

/// What the rules say about one NIC. Later settings win, feature by feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<'r> {
    /// Every rule, in the order in which they were looked at.
    pub looked: Vec<Looked<'r>>,
    /// The offloads that the matching rules want, in order.
    pub settings: Vec<Setting<'r>>,
    /// What they want beside offloads, in the order in which it is set; each name once.
    pub values: Vec<ValueSetting<'r>>,
}

/// One rule that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked<'r> {
    /// The rule.
    pub rule: &'r Rule,
    /// The keys of its match that do not hold.
    pub mismatches: Vec<Mismatch>,
}

impl Looked<'_> {
    /// Whether the rule matches the NIC.
    pub fn matched(&self) -> bool {
        self.mismatches.is_empty()
    }
}

/// A key of `[rule.match]` that does not hold. What it asks for is in the rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The key, e.g. `driver`.
    pub key: &'static str,
    /// What the NIC has; `None` if it has nothing of that kind.
    pub found: Option<String>,
}

/// One key that a matching rule sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting<'r> {
    /// The rule.
    pub rule: &'r Rule,
    /// The offload key.
    pub key: &'r Key,
    /// `true` is on.
    pub on: bool,
}

/// One setting beside the offloads, by the last rule that sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueSetting<'r> {
    pub rule: &'r Rule,
    pub name: &'r Name,
    pub value: Value,
}

impl std::fmt::Display for ValueSetting<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.value)
    }
}

impl std::fmt::Display for Setting<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.key, on_off(self.on))
    }
}

impl<'r> Decision<'r> {
    /// Whether any rule wants anything of this NIC.
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty() && self.values.is_empty()
    }

    /// Whether the NIC is to be brought back when it is wedged: as the last matching rule says
    /// that says anything, and else yes. Not without a rule that wants something of it.
    pub fn recover(&self) -> bool {
        let matching = self.looked.iter().filter(|looked| looked.matched());
        let said = matching
            .filter_map(|looked| looked.rule.recover)
            .next_back();
        !self.is_empty() && said.unwrap_or(true)
    }

    /// What becomes of it if that does not help, as the last matching rule says that says anything.
    pub fn exhausted(&self) -> Exhausted {
        let matching = self.looked.iter().filter(|looked| looked.matched());
        let mut said = matching.filter_map(|looked| looked.rule.exhausted);
        said.next_back().unwrap_or_default()
    }

    /// Whether it is to be looked whether it stalls, as the last matching rule says that says anything.
    pub fn stall(&self) -> Stall {
        let matching = self.looked.iter().filter(|looked| looked.matched());
        let mut said = matching.filter_map(|looked| looked.rule.stall);
        said.next_back().unwrap_or_default()
    }

    /// The same without the settings that `leave` names.
    #[must_use]
    pub fn without(mut self, leave: impl Fn(&Setting<'r>) -> bool) -> Decision<'r> {
        self.settings.retain(|setting| !leave(setting));
        self
    }

    /// The same without the values that `leave` names.
    #[must_use]
    pub fn without_values(mut self, leave: impl Fn(&Name) -> bool) -> Decision<'r> {
        self.values.retain(|value| !leave(value.name));
        self
    }

    /// The families that anything is wanted of, in the order in which they are set.
    pub fn families(&self) -> impl Iterator<Item = Family> {
        let wants = |family: &Family| self.values.iter().any(|v| v.name.family == *family);
        Family::ALL.into_iter().filter(wants)
    }

    /// The settings that count: those of which a later one does not set everything anew.
    pub fn effective(&self) -> impl Iterator<Item = &Setting<'_>> {
        let overridden = |index: usize, setting: &Setting<'_>| {
            let mut later = self.settings[index + 1..].iter();
            later.any(|later| later.key.includes(setting.key))
        };
        let settings = self.settings.iter().enumerate();
        settings
            .filter(move |(index, setting)| !overridden(*index, setting))
            .map(|(_, setting)| setting)
    }

    /// The rules that want something, in order, each once.
    pub fn rules(&self) -> Vec<String> {
        let offloads = self.settings.iter().map(|s| std::ptr::from_ref(s.rule));
        let values = self.values.iter().map(|v| std::ptr::from_ref(v.rule));
        let wanting: HashSet<*const Rule> = offloads.chain(values).collect();
        let rules = self.looked.iter().map(|looked| looked.rule);
        let rules = rules.filter(|rule| wanting.contains(&std::ptr::from_ref(*rule)));
        let mut names: Vec<String> = rules.map(|rule| rule.name.clone()).collect();
        // Two rules of one name are one to whoever reads it.
        names.dedup();
        names
    }
}

/// Looks at every rule, in order.
pub fn decide<'r>(rules: impl IntoIterator<Item = &'r Rule>, nic: &Nic) -> Decision<'r> {
    let mut decision = Decision {
        looked: Vec::new(),
        settings: Vec::new(),
        values: Vec::new(),
    };
    for rule in rules {
        let mismatches = rule.matches.mismatches(nic);
        if mismatches.is_empty() {
            let settings = rule.offload.iter();
            decision.settings.extend(settings.map(|w| Setting {
                rule,
                key: &w.key,
                on: w.on,
            }));
            for wanted in &rule.values {
                decision.values.retain(|value| *value.name != wanted.name);
                decision.values.push(ValueSetting {
                    rule,
                    name: &wanted.name,
                    value: wanted.value,
                });
            }
        }
        decision.looked.push(Looked { rule, mismatches });
    }
    decision.values.sort_by_key(|value| value.name);
    decision
}

impl Match {
    /// What a key asks for; with more than one value, any of them would do.
    pub fn asked(&self, key: &str) -> Vec<String> {
        match key {
            "driver" => self.driver.clone(),
            "interface" => self.interface.clone(),
            "mac" => self.mac.clone(),
            "path" => self.path.clone(),
            "pci" => self.pci.iter().map(|pci| format!("{pci:#}")).collect(),
            _ => Vec::new(),
        }
    }

    /// The keys that do not hold for `nic`.
    fn mismatches(&self, nic: &Nic) -> Vec<Mismatch> {
        let glob = |pattern: &String, text: &str| fast_glob::glob_match(pattern, text);
        let equal = |wanted: &String, text: &str| wanted == text;
        let name = Some(nic.name.as_str()).filter(|name| !name.is_empty());
        let mut mismatches: Vec<Mismatch> = [
            mismatch("driver", &self.driver, nic.driver.as_deref(), equal),
            mismatch("interface", &self.interface, name, glob),
            mismatch("mac", &self.mac, nic.mac.as_deref(), equal),
            mismatch("path", &self.path, nic.path.as_deref(), glob),
        ]
        .into_iter()
        .flatten()
        .collect();
        let pci_held = nic
            .pci
            .is_some_and(|found| self.pci.iter().any(|asked| asked.covers(&found)));
        if !self.pci.is_empty() && !pci_held {
            mismatches.push(Mismatch {
                key: "pci",
                found: nic.pci.map(|pci| format!("{pci:#}")),
            });
        }
        mismatches
    }
}

/// The mismatch of a key with texts, if it is one: without any value the key asks for nothing.
fn mismatch(
    key: &'static str,
    asked: &[String],
    found: Option<&str>,
    holds: impl Fn(&String, &str) -> bool,
) -> Option<Mismatch> {
    let held = found.is_some_and(|found| asked.iter().any(|one| holds(one, found)));
    (!asked.is_empty() && !held).then(|| Mismatch {
        key,
        found: found.map(str::to_owned),
    })
}
