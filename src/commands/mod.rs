//! The commands, one file each. A command gives its whole output and an exit status;
//! writing it is `main`'s.

pub mod apply;
mod brief;
pub mod check;
pub mod explain;
pub mod generate;
pub mod metrics;
mod nic_history;
pub mod overview;
pub mod report;
pub mod revert;
pub mod status;
mod view;
pub mod watch;

use std::borrow::Cow;
use std::path::Path;

use anyhow::Context;

use crate::cli::Common;
use crate::discover::{self, Found};
use crate::report::sources::Error;
use crate::rules::{self, RuleSet};
use crate::style;

/// What a command says.
#[derive(Debug, Default)]
pub struct Output {
    /// The result.
    pub stdout: String,
    /// Talk about it.
    pub stderr: String,
    /// The exit status.
    pub status: Status,
}

/// Exit statuses, the ones that matter more after the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Status {
    /// Done, or nothing to do.
    #[default]
    Done = 0,
    /// It failed, or a check found something.
    Failed = 1,
    /// Wrong usage.
    Usage = 2,
    /// Something is not as wanted.
    Partly = 3,
    /// No such NIC, or it has gone.
    NoSuchNic = 4,
}

impl Status {
    /// That of a reading with these errors.
    fn of(errors: &[Error]) -> Status {
        if errors.is_empty() {
            Status::Done
        } else {
            Status::Failed
        }
    }

    /// The one of the two that matters more.
    #[must_use]
    pub fn worst(self, other: Status) -> Status {
        let order = [
            Status::Done,
            Status::NoSuchNic,
            Status::Partly,
            Status::Failed,
            Status::Usage,
        ];
        let rank = |status| order.iter().position(|one| *one == status);
        if rank(other) > rank(self) {
            other
        } else {
            self
        }
    }
}

/// The schema version of all JSON output. Keys are added, never changed.
const SCHEMA: u32 = 1;

/// The rules of the system below `root`. A directory that was asked for by name has to be there.
fn read_rules(common: &Common, root: &Path) -> RuleSet {
    let mut rules = rules::load_inside(root, &common.rule_dirs_below(root));
    for dir in common.rules.iter().filter(|dir| !dir.exists()) {
        rules
            .unreadable_dirs
            .push((dir.clone(), "it is not there".into()));
    }
    rules
}

/// The rules, and what is to be said about files that are skipped.
fn load_rules(common: &Common, root: &Path) -> (RuleSet, String) {
    let rules = read_rules(common, root);
    let mut talk = String::new();
    for complaint in rules.complaints() {
        talk += &format!("unhang: {}\n", printable(&complaint));
    }
    (rules, talk)
}

fn all_nics() -> anyhow::Result<Vec<Found>> {
    discover::all().context("the network devices can't be listed (is /sys mounted?)")
}

/// Says what could not be read; `--quiet` leaves errors.
fn complain(errors: &[Error]) {
    for error in errors {
        anstream::eprintln!("unhang: {error}");
    }
}

/// What to say when there is no such interface.
fn no_such_nic(name: &str, nics: &[Found]) -> String {
    let names: Vec<&str> = nics
        .iter()
        .filter(|found| found.physical)
        .map(|found| found.nic.name.as_str())
        .collect();
    let there = if names.is_empty() {
        "this machine has no NIC".to_owned()
    } else {
        format!("there are {}", names.join(", "))
    };
    format!(
        "unhang: there is no interface '{}'; {there}\n",
        printable(name)
    )
}

/// A text from outside without what could steer a terminal.
fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        let escape = |c: char| {
            if c.is_control() {
                c.escape_default().to_string()
            } else {
                c.to_string()
            }
        };
        Cow::Owned(text.chars().map(escape).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// A document as JSON, with a line's end.
fn to_json(document: &impl serde::Serialize) -> String {
    let json = serde_json::to_string_pretty(document).expect("documents have text keys only");
    json + "\n"
}
