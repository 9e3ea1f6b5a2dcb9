//! What looks like the hang and is something else: named, counted, never an incident.
//! Why each of them is one is said in `Lookalike::advice`.

use super::decode::IDLE_ERRORS_CABLE;
use super::incident::{EndedBy, Incident};
use crate::kernel_log::{Device, Field, SECOND};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lookalike {
    /// Resets at 100 or 10 Mb/s, or idle errors on the 1000BASE-T receiver.
    Cable,
    /// NETDEV WATCHDOG on an e1000e NIC without a hang block.
    PauseStorm,
    /// TDH 0, TDT 1 right at link-up: a false alarm of kernels around 5.1.
    LinkUp,
    /// `Detected Tx Unit Hang` of another driver.
    IgbHang,
    IgcHang,
    IxgbeHang,
    E1000Hang,
    OtherHang,
    /// NETDEV WATCHDOG of r8169, r8125, r8152 and the like.
    RealtekWatchdog,
    /// NETDEV WATCHDOG of any other driver.
    OtherWatchdog,
    /// igc: the device has fallen off the bus.
    PcieLinkLost,
    /// Somebody only quotes the words.
    Quotation,
}

/// A link-up false positive comes within this time of the link.
const AT_LINK_UP: i64 = 10 * SECOND;

impl Lookalike {
    /// The kind's name in JSON and in text.
    pub fn name(self) -> &'static str {
        self.words().0
    }

    pub fn advice(self) -> &'static str {
        self.words().1
    }

    #[rustfmt::skip]
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Lookalike::Cable => ("cable", "cable trouble: hangs at 100 or 10 Mb/s or with idle errors; try another cable and port first"),
            Lookalike::PauseStorm => ("pause-storm", "transmit timeout without a hang: the switch probably held the NIC back with pause frames; look at flow control"),
            Lookalike::LinkUp => ("link-up-false-positive", "false alarm at link-up, known from kernels around 5.1; harmless"),
            Lookalike::IgbHang => ("igb-tx-hang", "a hang of the igb driver: another NIC, another bug"),
            Lookalike::IgcHang => ("igc-tx-hang", "a hang of the igc driver: another NIC, another bug"),
            Lookalike::IxgbeHang => ("ixgbe-tx-hang", "a hang of the ixgbe driver: another NIC, another bug"),
            Lookalike::E1000Hang => ("e1000-tx-hang", "a hang of the e1000 driver (often a virtual NIC): another NIC, another bug"),
            Lookalike::OtherHang => ("other-tx-hang", "a hang of another driver: another NIC, another bug"),
            Lookalike::RealtekWatchdog => ("realtek-watchdog", "transmit timeout of a Realtek NIC: another bug"),
            Lookalike::OtherWatchdog => ("other-watchdog", "transmit timeout of another driver's NIC: another bug"),
            Lookalike::PcieLinkLost => ("pcie-link-lost", "PCIe link lost: the NIC fell off the bus (power management, slot), not a hang"),
            Lookalike::Quotation => ("quotation", "lines that only quote the words"),
        }
    }

    /// `Detected Tx Unit Hang` of which driver?
    pub fn other_hang(device: &Device) -> Lookalike {
        match device.driver.as_deref() {
            Some("igb") => Lookalike::IgbHang,
            Some("igc") => Lookalike::IgcHang,
            Some("ixgbe") => Lookalike::IxgbeHang,
            Some("e1000") => Lookalike::E1000Hang,
            _ => Lookalike::OtherHang,
        }
    }

    /// NETDEV WATCHDOG of which driver, other than e1000e?
    pub fn other_watchdog(device: &Device) -> Lookalike {
        match device.driver.as_deref() {
            Some(d) if d.starts_with("r8") => Lookalike::RealtekWatchdog,
            _ => Lookalike::OtherWatchdog,
        }
    }

    /// Is this finished run of blocks something else after all? `kernel` is the version
    /// that printed it, `link_up` the time from the nearest link-up.
    pub fn of_incident(
        incident: &Incident,
        kernel: Option<(u16, u16)>,
        link_up: Option<i64>,
    ) -> Option<Lookalike> {
        let slow = incident.speed.is_some_and(|mbps| mbps < 1000);
        let bounced = matches!(incident.ended_by, Some(EndedBy::Reset | EndedBy::Link));
        let idle = incident.registers.idle_errors();
        if slow && bounced || idle.is_some_and(|n| n >= IDLE_ERRORS_CABLE) {
            return Some(Lookalike::Cable);
        }
        let is = |field, value| incident.registers.get(field) == Some(value);
        let first_packet = is(Field::Tdh, 0) && is(Field::Tdt, 1) && is(Field::NextToWatch, 0);
        let era = kernel.is_none_or(|v| ((4, 19)..=(5, 5)).contains(&v));
        let at_link_up = link_up.is_some_and(|t| t.abs() <= AT_LINK_UP);
        (first_packet && era && at_link_up && incident.blocks <= 2).then_some(Lookalike::LinkUp)
    }
}
