//! The grammar of a log line.
//!
//! ```text
//! eno1: tso gso gro off (were on); rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event add
//! NAME: PART[, PART…]; rule RULE[, RULE…]; DRIVER PCI CHIP; event EVENT
//! ```

use std::fmt;

use super::trial::TrialPart;
use super::value::ValuePart;
use super::{Event, Level, Part};
use crate::apply::{Outcome, Summary};

/// In place of the rules: what was applied by a rule that there is no more is reverted.
const NO_RULE: &str = "no rule";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The NIC's name when it was written.
    pub interface: String,
    pub parts: Vec<Part>,
    pub rules: Vec<String>,
    pub identity: String,
    pub event: String,
}

impl Line {
    /// The line for an outcome and how much it matters; `None` if no rule matches the NIC.
    pub fn new(outcome: &Outcome, event: &Event) -> Option<(Level, Line)> {
        let level = match outcome.summary() {
            Summary::NoRule => return None,
            Summary::AlreadyRight | Summary::Gone => Level::Debug,
            Summary::Applied if outcome.unsaved.is_none() => Level::Info,
            Summary::Applied | Summary::Partly => Level::Warning,
            Summary::Failed => Level::Error,
        };
        let parts = match &outcome.error {
            Some(error) => vec![Part::Failed(error.to_string())],
            None => parts(outcome),
        };
        let line = Line {
            interface: outcome.nic.name.clone(),
            parts,
            rules: outcome.rules.clone(),
            identity: outcome.nic.identity(),
            event: event.to_string(),
        };
        Some((level, line))
    }

    /// The line for a trial of `rule`, with what was restored at its end.
    pub fn of_trial(trial: TrialPart, rule: Option<&str>, restored: &Outcome) -> Line {
        let mut all = vec![Part::Trial(trial)];
        if restored.error.is_none() {
            all.extend(parts(restored));
        }
        Line {
            interface: restored.nic.name.clone(),
            parts: all,
            rules: rule.map(str::to_owned).into_iter().collect(),
            identity: restored.nic.identity(),
            event: Event::trial().to_string(),
        }
    }

    /// Reads a line back; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Line> {
        let (interface, rest) = text.split_once(": ")?;
        let mut clauses: Vec<&str> = rest.split("; ").collect();
        let event = clauses.pop()?.strip_prefix("event ")?;
        let identity = clauses.pop()?;
        let rules = match clauses.pop()? {
            NO_RULE => "",
            rules => rules.strip_prefix("rule ")?,
        };
        let [parts] = clauses[..] else { return None };
        let parts = match parts.strip_prefix("not changed: ") {
            Some(reason) => vec![Part::Failed(reason.to_owned())],
            None => parts.split(", ").map(Part::parse).collect::<Option<_>>()?,
        };
        Some(Line {
            interface: interface.to_owned(),
            parts,
            rules: rules
                .split(", ")
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
            identity: identity.to_owned(),
            event: event.to_owned(),
        })
    }

    /// What is said of the NIC, without the rules and the rest.
    pub fn said(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(Part::to_string).collect();
        parts.join(", ")
    }
}

/// The outcome's keys, those together of which the same is to be said.
fn parts(outcome: &Outcome) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for key in &outcome.keys {
        let part = Part::of(key);
        match parts
            .iter_mut()
            .find_map(|other| other.keys_if_alike(&part))
        {
            Some(keys) => keys.push(key.key.to_string()),
            None => parts.push(part),
        }
    }
    for value in &outcome.values {
        let part = Part::Value(ValuePart::of(value));
        // Of a family that the NIC lacks, there is one thing to be said.
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    let also = outcome
        .side_effects
        .iter()
        .map(|(feature, on)| Part::Also(feature.clone(), *on));
    parts.extend(also);
    parts.extend(outcome.unsaved.clone().map(Part::Unsaved));
    parts
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.interface, self.said())?;
        if self.rules.is_empty() {
            write!(f, "; {NO_RULE}")?;
        } else {
            write!(f, "; rule {}", self.rules.join(", "))?;
        }
        write!(f, "; {}; event {}", self.identity, self.event)
    }
}
