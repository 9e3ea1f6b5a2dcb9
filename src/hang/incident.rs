//! An incident, and the NIC that had it.

use crate::kernel_log::{Device, Registers, Stamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// `Reset adapter unexpectedly`, by the driver.
    Reset,
    /// Our watcher restarted autonegotiation.
    Unhang,
    /// The link was put down and up.
    Link,
    /// The blocks stopped, and nothing was logged about it.
    Quiet,
    /// It went on until the machine was switched off or restarted.
    Never,
}

impl EndedBy {
    pub fn name(self) -> &'static str {
        match self {
            EndedBy::Reset => "reset",
            EndedBy::Unhang => "unhang",
            EndedBy::Link => "link",
            EndedBy::Quiet => "quiet",
            EndedBy::Never => "never",
        }
    }
}

/// A run of hang blocks of one NIC.
#[derive(Clone, Debug)]
pub struct Incident {
    /// How many incidents this entry stands for: one, but see `incidents::MAX_LISTED`.
    pub times: u64,
    /// Index into `Incidents::nics`.
    pub nic: usize,
    /// Index into `Boots::list`.
    pub boot: usize,
    pub start: Stamp,
    pub last: Stamp,
    /// `None`: until power-off, or still going on where the log ends.
    pub end: Option<Stamp>,
    pub blocks: u64,
    /// Mb/s when it began.
    pub speed: Option<u32>,
    /// `None`: the log ends before it does.
    pub ended_by: Option<EndedBy>,
    /// Registers of the first block that has the most of them.
    pub registers: Registers,
    /// Was all that the rules want in force when it began? As the watcher found it; else filled in by
    /// `report::history`.
    pub in_force: Option<bool>,
    pub(super) link_up: Option<i64>,
}

#[derive(Clone, Debug, Default)]
pub struct LoggedNic {
    /// How the log names it.
    pub device: Device,
    /// Blocks in incidents.
    pub blocks: u64,
    /// All "Reset adapter" lines.
    pub resets: u64,
    /// Times that our watcher brought it back.
    pub recoveries: u64,
    /// Resets of the last boot only.
    pub boot_resets: u64,
    /// Recoveries of the last boot only.
    pub boot_recoveries: u64,
    pub(super) open: Option<usize>,
    /// The entry that the next incident may share.
    pub(super) shared: Option<usize>,
    /// The incident that a link-up would still belong to.
    pub(super) settling: Option<usize>,
    pub(super) latest: Option<usize>,
    pub(super) speed: Option<u32>,
    pub(super) link_up: Option<Stamp>,
    pub(super) watchdog: Option<Stamp>,
    /// The last block, or time-out that belongs to it.
    pub(super) trouble: Option<Stamp>,
    pub(super) restarted: bool,
}
