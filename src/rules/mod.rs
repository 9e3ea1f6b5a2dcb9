//! Rules: which NICs get which offloads and other settings.
//!
//! A rule file is TOML with `[[rule]]` tables ([`parse`]). The files come from a few
//! directories with precedence and masks ([`load`]). What the rules say about one NIC is
//! its [`Decision`], a pure function that names every rule it looked at ([`decide`]).
//! What a person should know about a file that parses is found by [`lint`].

mod decide;
mod diagnostic;
mod lint;
mod load;
mod parse;

pub use decide::{Decision, Looked, Mismatch, Setting, ValueSetting, decide};
pub use diagnostic::{Diagnostic, Severity, Source};
pub use lint::lint;
pub use load::{FileProblem, RuleFile, RuleSet, default_dirs, load, load_inside};
pub use parse::parse;

use std::ops::Range;

use crate::features::Key;
use crate::nic::PciId;
use crate::settings::{Name, Value};

/// One `[[rule]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What log lines call it.
    pub name: String,
    /// One sentence for people.
    pub description: Option<String>,
    /// Where its remedy is known from.
    pub evidence: Option<String>,
    /// Which NICs it is for.
    pub matches: Match,
    /// The offloads that it wants, in the order written: `false` is off.
    pub offload: Vec<Wanted>,
    /// What it wants beside offloads, in the order written.
    pub values: Vec<WantedValue>,
    /// What the watcher does when somebody else changes one of these.
    pub drift: Drift,
    /// Whether the watcher brings a wedged NIC back; `None` leaves that to the other rules.
    pub recover: Option<bool>,
    /// It is on trial: what was written down when that began.
    pub trial: Option<Criterion>,
    /// What becomes of a NIC that can't be brought back; `None` leaves that to the other rules.
    pub exhausted: Option<Exhausted>,
    /// Whether the watcher looks for stalls; `None` leaves that to the other rules.
    pub stall: Option<Stall>,
    /// Where it stands in its file, in bytes.
    pub span: Range<usize>,
}

/// `[rule.trial]`: when one will know whether the rule's one setting helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    /// When the trial began: date and time with its offset, as TOML has it.
    pub since: String,
    /// Tenths of days of up-time without an incident that it takes.
    pub tenths: u32,
}

impl Rule {
    /// Whether it wants anything; one that does not only notes evidence.
    pub fn sets_anything(&self) -> bool {
        !self.offload.is_empty() || !self.values.is_empty()
    }
}

/// What the watcher does with a NIC that can't be brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Exhausted {
    #[default]
    Nothing,
    /// Take its link down for a while, so that a bond goes on with another port.
    LinkDown,
    /// Reboot the machine.
    Reboot,
}

/// What the watcher does about a NIC that transmits nothing and whose driver says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stall {
    /// It is not looked for.
    #[default]
    Nothing,
    /// Log it, and tell the hooks.
    Report,
}

/// What the watcher does when somebody else changes a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Drift {
    /// Put it back, and log that.
    #[default]
    Restore,
    /// Log it only.
    Report,
}

/// One line of `[rule.offload]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The offload key.
    pub key: Key,
    /// `true` is on.
    pub on: bool,
    /// Where the key stands in its file, in bytes.
    pub span: Range<usize>,
}

/// One line of a table such as `[rule.eee]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedValue {
    pub name: Name,
    pub value: Value,
    /// Where the key stands in its file, in bytes.
    pub span: Range<usize>,
}

/// `[rule.match]`: every key that is not empty must hold, any of its values will do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Match {
    /// Kernel drivers.
    pub driver: Vec<String>,
    /// PCI IDs, with or without a subsystem.
    pub pci: Vec<PciId>,
    /// Where these stand in the file, in bytes.
    pub pci_spans: Vec<Range<usize>>,
    /// Interface names, as globs.
    pub interface: Vec<String>,
    /// Hardware addresses, lower case.
    pub mac: Vec<String>,
    /// udev paths (`ID_PATH`), as globs.
    pub path: Vec<String>,
}
