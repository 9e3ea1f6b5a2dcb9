//! What the grammar reads out of a log: one `Seen` for everything that matters, in the order
//! of the log. Names and texts come from the log as they are; whoever prints them escapes.

use super::registers::Registers;
use super::stamp::Stamp;
use std::sync::Arc;

/// A NIC as a line names it; any of it may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Device {
    pub driver: Option<String>,
    /// PCI address as printed; one copy in the wild has it cut to `0000:00:1f`.
    pub pci: Option<String>,
    /// The interface. `None` also for `(unregistered net_device)`.
    pub name: Option<String>,
}

impl Device {
    /// Does the line say that this is an e1000e NIC?
    pub fn is_e1000e(&self) -> bool {
        self.driver.as_deref() == Some("e1000e")
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KernelEvent {
    /// A "Detected Hardware Unit Hang" block, with as many registers as the copy has.
    Block(Box<Registers>),
    /// `NIC Link is Up 1000 Mbps …`
    LinkUp { mbps: Option<u32> },
    /// `NIC Link is Down`
    LinkDown,
    /// `renamed from eth0`: this PCI device has this name from now on.
    Named,
    /// `Reset adapter unexpectedly`
    Reset,
    /// `NETDEV WATCHDOG`: `dev_watchdog()` of the network core; any driver.
    Watchdog,
    /// `Detected Tx Unit Hang` of another driver.
    OtherHang,
    /// `PCIe link lost`
    PcieLinkLost,
    /// The words, but nobody's hang.
    Quotation,
    /// A machine has started: `Linux version 6.12 …`.
    Boot {
        /// Major and minor version.
        kernel: Option<(u16, u16)>,
    },
    /// One of our own lines (syslog tag `unhang`): its message.
    Unhang(String),
    /// Somebody had sudo run ethtool to set something on this interface.
    Ethtool(String),
    /// Nothing but a sign of life: the first and last line, and the last one before a boot.
    Mark,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub stamp: Stamp,
    /// The journal's boot ID, where the source has it.
    pub boot: Option<u128>,
    /// Whose line it is: what `Hosts` knows the machine by, where the line tells.
    pub host: Option<Arc<str>>,
    pub device: Device,
    pub event: KernelEvent,
}

/// What the source says about a line, for text that has been taken out of JSON.
#[derive(Clone, Default)]
pub(super) struct Given {
    pub stamp: Stamp,
    pub boot: Option<u128>,
    /// The machine's name, and its ID if the journal tells it.
    pub host: Option<(String, Option<String>)>,
    /// `None`: read it from the text.
    pub speaker: Option<Speaker>,
}

/// The speaker of a JSON entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    Kernel,
    Ourselves,
    Sudo,
    Other,
}
