//! The commands, one file each. A command returns what is to be said and an exit status; only
//! `main` writes.

pub mod apply;
pub mod check;
pub mod explain;
pub mod generate;
pub mod metrics;
pub mod notify;
pub mod overview;
mod plan_view;
pub mod report;
pub mod revert;
pub mod status;
pub mod trial;
pub mod watch;

use std::path::Path;
use std::process::Command;

use anyhow::Context;
use terminal_size::terminal_size_of;

use crate::cli::Common;
use crate::discover::{self, Found};
use crate::nic::Nic;
use crate::report::clean;
use crate::report::sources::Error;
use crate::rules::{self, RuleSet};
use crate::running_kernel::ifindex_of_altname;
use crate::style;
use crate::text::{is_unprintable, printable};

/// `COLUMNS`, else the width of the terminal that standard output is.
fn width() -> Option<usize> {
    let columns = std::env::var("COLUMNS").ok();
    let columns = columns.and_then(|columns| columns.parse().ok());
    let terminal = || terminal_size_of(std::io::stdout()).map(|(width, _)| width.0.into());
    columns.or_else(terminal)
}

#[derive(Debug, Default)]
pub struct Output {
    /// What was asked for; goes to stdout.
    pub result: String,
    /// What else to know; '--quiet' leaves it out.
    pub notices: String,
    pub errors: String,
    pub status: Status,
}

impl Output {
    /// Says what could not be read.
    fn of(errors: &[Error]) -> Output {
        let mut output = Output::default();
        for error in errors {
            output.error(&error.to_string());
            output.status = Status::Failed;
        }
        output
    }

    fn error(&mut self, problem: &str) {
        self.errors += &format!("unhang: {}\n", printable(problem));
    }

    fn notice(&mut self, notice: &str) {
        self.notices += &format!("unhang: {}\n", printable(notice));
    }

    /// The NICs of these names or alternative names; says which there are not.
    fn named(&mut self, names: &[String], found: &[Found]) -> Vec<Nic> {
        let mut nics = Vec::new();
        for name in names {
            let by_name = found.iter().find(|found| found.nic.name == *name);
            let nic = by_name.or_else(|| {
                let ifindex = ifindex_of_altname(name)?;
                found.iter().find(|found| found.nic.ifindex == ifindex)
            });
            match nic {
                Some(found) => nics.push(found.nic.clone()),
                None => self.no_such_nic(name, found),
            }
        }
        nics
    }

    fn no_such_nic(&mut self, name: &str, found: &[Found]) {
        let physical = found.iter().filter(|found| found.physical);
        let names: Vec<&str> = physical.map(|found| found.nic.name.as_str()).collect();
        let there = if names.is_empty() {
            "this machine has no NIC".to_owned()
        } else {
            format!("there are {}", names.join(", "))
        };
        self.error(&format!("there is no interface '{name}'; {there}"));
        self.status = self.status.worst(Status::NoSuchNic);
    }
}

/// Exit statuses, the ones that matter more after the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Status {
    /// Done, or nothing to do.
    #[default]
    Done = 0,
    /// It failed, or a check found something.
    Failed = 1,
    Usage = 2,
    /// Something is not as wanted.
    Partly = 3,
    /// No such NIC, or it has gone.
    NoSuchNic = 4,
}

impl Status {
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

/// The rules, and an output that says which files are skipped.
fn load_rules(common: &Common, root: &Path) -> (RuleSet, Output) {
    let rules = read_rules(common, root);
    let mut output = Output::default();
    for complaint in rules.complaints() {
        output.error(&complaint);
    }
    (rules, output)
}

fn all_nics(common: &Common) -> anyhow::Result<Vec<Found>> {
    discover::all(&common.root).context("the network devices can't be listed (is /sys mounted?)")
}

/// A document as JSON, with a line's end. What steers a terminal is escaped.
fn to_json(document: &impl serde::Serialize) -> String {
    let json = serde_json::to_string_pretty(document).expect("documents have text keys only");
    let mut text = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        if c != '\n' && is_unprintable(c) {
            text += &format!("\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    text + "\n"
}

/// As `ethtool -i` tells it, if it is there: netlink has no message for it.
fn firmware(interface: &str) -> Option<String> {
    // No option of ethtool's.
    let name = Some(interface).filter(|name| !name.starts_with('-'))?;
    let output = Command::new("ethtool").args(["-i", name]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text
        .lines()
        .find_map(|line| line.strip_prefix("firmware-version:"))?;
    Some(clean(version.trim())).filter(|version| !version.is_empty())
}
