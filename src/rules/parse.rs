//! From the text of a rule file to rules, or to everything that is wrong with it.
//!
//! The tree that the `toml` crate gives keeps the place of every key and value, so one pass
//! finds all mistakes of a file, each with its place and what to write instead. A file with
//! an error yields no rule at all.

mod kinds;
mod trial;
mod values;

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::diagnostic::{Diagnostic, first};
use super::{Drift, Exhausted, Match, Rule, Stall, Wanted};
use crate::features::Key;
use crate::nic::parse_mac;
use crate::settings::Family;
use kinds::{elements, glob, non_empty};

const RULE_KEYS: [&str; 16] = [
    "name",
    "description",
    "evidence",
    "match",
    "offload",
    "eee",
    "pause",
    "ring",
    "coalesce",
    "private-flags",
    "wol",
    "drift",
    "recover",
    "trial",
    "exhausted",
    "stall",
];
const DRIFT: [(&str, Drift); 2] = [("restore", Drift::Restore), ("report", Drift::Report)];
const DRIFT_HELP: &str =
    "write \"restore\" to undo what somebody else changes, \"report\" to log it only";
const EXHAUSTED: [(&str, Exhausted); 3] = [
    ("nothing", Exhausted::Nothing),
    ("link-down", Exhausted::LinkDown),
    ("reboot", Exhausted::Reboot),
];
const EXHAUSTED_HELP: &str =
    "write \"link-down\" for a port of a bond, \"reboot\" for a machine with no other way in";
const STALL: [(&str, Stall); 2] = [("nothing", Stall::Nothing), ("report", Stall::Report)];
const STALL_HELP: &str = "write \"report\" to have it logged and told to the hooks";
const MATCH_KEYS: [&str; 5] = ["driver", "pci", "interface", "mac", "path"];

/// The rules of a file with this text; if anything is an error, no rules and the first errors.
pub fn parse(text: &str) -> Result<Vec<Rule>, Vec<Diagnostic>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut parser = Parser::default();
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        parser.errors.push(not_toml(text, span, error.message()));
    }
    // A tree with holes in it would only give errors that follow from the first.
    let rules = if errors.is_empty() {
        parser.document(document.get_ref())
    } else {
        Vec::new()
    };
    if parser.errors.is_empty() {
        Ok(rules)
    } else {
        Err(first(parser.errors))
    }
}

type Entry<'t, 'i> = (&'t Spanned<DeString<'i>>, &'t Spanned<DeValue<'i>>);

/// A table's entries in the order in which they are written.
fn in_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<Entry<'t, 'i>> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

#[derive(Default)]
struct Parser {
    errors: Vec<Diagnostic>,
}

impl Parser {
    fn error(&mut self, span: Range<usize>, message: String, help: impl Into<String>) {
        self.errors
            .push(Diagnostic::error(span, message).help(help));
    }

    fn document(&mut self, document: &DeTable<'_>) -> Vec<Rule> {
        let mut rules = Vec::new();
        for (key, value) in in_order(document) {
            if key.get_ref() != "rule" {
                self.unknown_key(key, "a rule file", &["rule"]);
                continue;
            }
            let tables = value.get_ref().as_array();
            for rule in tables.into_iter().flat_map(|array| array.iter()) {
                match rule.get_ref().as_table() {
                    Some(table) => rules.extend(self.rule(table, rule.span())),
                    None => self.wrong_type(rule, "rule", "a table", "start it with [[rule]]"),
                }
            }
            if tables.is_none() {
                self.wrong_type(
                    value,
                    "rule",
                    "a list of tables",
                    "write [[rule]], with two brackets",
                );
            }
        }
        rules
    }

    fn rule(&mut self, table: &DeTable<'_>, span: Range<usize>) -> Option<Rule> {
        let errors_before = self.errors.len();
        let mut name = None;
        let mut description = None;
        let mut evidence = None;
        let mut matches = None;
        let mut offload = None;
        let mut values = Vec::new();
        let mut drift = Drift::default();
        let mut recover = None;
        let mut trial = None;
        let mut exhausted = None;
        let mut stall = None;
        for (key, value) in in_order(table) {
            match key.get_ref().as_ref() {
                "name" => name = self.name(value),
                "description" => description = self.text(value, "description"),
                "evidence" => evidence = self.text(value, "evidence"),
                "match" => matches = Some(self.matches(value, &key.span())),
                "offload" => offload = Some(self.offload(value)),
                "drift" => {
                    drift = self
                        .word(value, "drift", &DRIFT, DRIFT_HELP)
                        .unwrap_or_default();
                }
                "recover" => recover = self.boolean(value, "recover"),
                "trial" => trial = self.trial(value, &key.span()),
                "exhausted" => {
                    exhausted = self.word(value, "exhausted", &EXHAUSTED, EXHAUSTED_HELP);
                }
                "stall" => stall = self.word(value, "stall", &STALL, STALL_HELP),
                word => match Family::of_table(word) {
                    Some(family) => values.extend(self.values(family, value)),
                    None => self.unknown_key(key, "a rule", &RULE_KEYS),
                },
            }
        }
        if self.errors.len() > errors_before {
            return None;
        }
        if name.is_none() {
            self.error(
                span.clone(),
                "this rule has no name".into(),
                "add a line such as name = \"my-nic\"",
            );
        }
        if matches.is_none() {
            self.error(
                span.clone(),
                "this rule has no match: it would change every NIC".into(),
                "add [rule.match] with at least one of driver, pci, interface, mac, path",
            );
        }
        if offload.is_none() && values.is_empty() && evidence.is_none() {
            self.error(
                span.clone(),
                "this rule wants nothing".into(),
                "add [rule.offload] with a line such as tso = false",
            );
        }
        let offload = offload.unwrap_or_default();
        if trial.is_some() && offload.len() + values.len() != 1 {
            self.error(
                span.clone(),
                "a rule on trial sets one thing, or nobody knows which one it was".into(),
                "leave one setting in it, or drop [rule.trial]",
            );
        }
        Some(Rule {
            name: name?,
            description,
            evidence,
            matches: matches?,
            offload,
            values,
            drift,
            recover,
            trial,
            exhausted,
            stall,
            span,
        })
    }

    fn matches(&mut self, value: &Spanned<DeValue<'_>>, heading: &Range<usize>) -> Match {
        let mut matches = Match::default();
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(
                value,
                "match",
                "a table",
                "write [rule.match] and its keys below it",
            );
            return matches;
        };
        for (key, value) in in_order(table) {
            match key.get_ref().as_ref() {
                "driver" => matches.driver = self.list(value, "driver", non_empty),
                "pci" => {
                    matches.pci_spans = elements(value).iter().map(|id| id.span()).collect();
                    matches.pci = self.list(value, "pci", |text| {
                        text.parse()
                            .map_err(|error| format!("'{text}' is no PCI ID: {error}"))
                    });
                }
                "interface" => matches.interface = self.list(value, "interface", glob),
                "mac" => matches.mac = self.list(value, "mac", parse_mac),
                "path" => matches.path = self.list(value, "path", glob),
                _ => self.unknown_key(key, "[rule.match]", &MATCH_KEYS),
            }
        }
        if table.is_empty() {
            self.error(
                heading.clone(),
                "[rule.match] is empty: it would match every NIC".into(),
                "name at least one of driver, pci, interface, mac, path",
            );
        }
        matches
    }

    fn offload(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<Wanted> {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(
                value,
                "offload",
                "a table",
                "write [rule.offload] and its keys below it",
            );
            return Vec::new();
        };
        if table.is_empty() {
            self.error(
                value.span(),
                "[rule.offload] is empty".into(),
                "add a line such as tso = false",
            );
        }
        let mut wanted = Vec::new();
        for (key, value) in in_order(table) {
            // Log lines name keys between blanks and commas, so a key has none.
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-_*?[]!".contains(c);
            let negated = key.get_ref().starts_with('!');
            if negated || glob(key.get_ref()).is_err() || !key.get_ref().chars().all(allowed) {
                self.error(
                    key.span(),
                    format!("'{}' is no name or pattern of offloads", key.get_ref()),
                    "write one such as tso, tx-tcp6-segmentation or \"tx-tcp*-segmentation\" a line",
                );
                continue;
            }
            if let Some(on) = self.boolean(value, key.get_ref()) {
                wanted.push(Wanted {
                    key: Key::new(key.get_ref().as_ref()),
                    on,
                    span: key.span(),
                });
            }
        }
        wanted
    }
}

/// What the TOML parser found, with what to write instead where that can be told.
fn not_toml(text: &str, span: Range<usize>, message: &str) -> Diagnostic {
    let message = message
        .lines()
        .collect::<Vec<_>>()
        .join(", ")
        .replace(", expected literal string", "");
    let word = text.get(span.clone()).unwrap_or_default();
    let help = match word.to_ascii_lowercase().as_str() {
        "off" | "no" | "false" => Some("write false".to_owned()),
        "on" | "yes" | "true" => Some("write true".to_owned()),
        _ if !message.contains("must be quoted") => None,
        "" => Some("write a value after the '='".to_owned()),
        _ if word.chars().all(char::is_alphanumeric) => Some(format!("write \"{word}\"")),
        _ => None,
    };
    let diagnostic = Diagnostic::error(span, format!("this is not TOML: {message}"));
    match help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}
