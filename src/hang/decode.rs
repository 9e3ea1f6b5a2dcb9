//! What the values of a hang block say.
//! Names and bits: `E1000_STATUS`_* (MAC Status), BMSR_* of <linux/mii.h> (PHY Status),
//! `LPA_1000`* / `MII_STAT1000` (PHY 1000BASE-T Status), `PCI_STATUS`_* of <`linux/pci_regs.h`>.

use crate::kernel_log::{Field, Registers, SECOND, Stamp};

/// Descriptors on the Tx ring unless `ethtool -G` said otherwise (`E1000_DEFAULT_TXD`).
pub const DEFAULT_RING: u64 = 256;
/// From so many idle errors on (of at most 255 that the PHY counts), the cable is to blame.
pub const IDLE_ERRORS_CABLE: u64 = 8;

/// Link speed in MAC Status: bits 6 and 7 (`E1000_STATUS_SPEED_MASK`).
fn speed_bits(status: u64) -> u32 {
    match status & 0xc0 {
        0x00 => 10,
        0x40 => 100,
        _ => 1000,
    }
}

impl Registers {
    /// `E1000_STATUS_LU`.
    pub fn link(&self) -> Option<bool> {
        Some(self.get(Field::MacStatus)? & 0x2 != 0)
    }

    /// Link speed in Mb/s while the link is up; the bits mean nothing without a link.
    pub fn speed(&self) -> Option<u32> {
        let status = self.get(Field::MacStatus)?;
        (status & 0x2 != 0).then(|| speed_bits(status))
    }

    /// Idle errors of the 1000BASE-T receiver (`PHY_1000T_STATUS_IDLE_ERROR_CNT`).
    pub fn idle_errors(&self) -> Option<u64> {
        Some(self.get(Field::Phy1000)? & 0xff)
    }

    /// Descriptors that were given to the hardware and not taken: (TDT − TDH) mod ring size.
    /// The ring's size is not printed: 256, or the next power of two that holds both.
    pub fn waiting(&self) -> Option<(u64, u64)> {
        let (head, tail) = (self.get(Field::Tdh)?, self.get(Field::Tdt)?);
        let most = head.max(tail);
        if most >= 1 << 16 {
            return None; // both registers have 16 bits: a wrong copy
        }
        let ring = DEFAULT_RING.max((most + 1).next_power_of_two());
        Some(((tail + ring - head) % ring, ring))
    }

    /// Ticks for which the oldest packet had been on the ring.
    pub fn age_ticks(&self) -> Option<u64> {
        let (now, then) = (self.get(Field::Jiffies)?, self.get(Field::TimeStamp)?);
        let age = if u32::try_from(now).is_ok() && u32::try_from(then).is_ok() {
            // a 32-bit kernel's jiffies wrap
            u64::from((now as u32).wrapping_sub(then as u32))
        } else {
            now.wrapping_sub(then)
        };
        // More than a month on the ring: one of the two was copied wrongly.
        (age < 1000 * 86_400 * 31).then_some(age)
    }

    /// `CONFIG_HZ`, which is not printed: jiffies start 300 s before a 32-bit wrap
    /// (`INITIAL_JIFFIES`) and count on with the boot clock that stamped the line.
    pub fn hz(&self, stamp: &Stamp) -> Option<u64> {
        let jiffies = i128::from(self.get(Field::Jiffies)?);
        let uptime = i128::from(stamp.uptime?);
        let off = |hz: i128| -> i128 {
            let grown = (uptime / i128::from(SECOND) - 300) * hz;
            let wide = (jiffies - (1i128 << 32) - grown).abs();
            let narrow = (jiffies - grown.rem_euclid(1i128 << 32)).abs();
            wide.min(narrow) / hz
        };
        let best = [100, 250, 300, 1000]
            .into_iter()
            .min_by_key(|hz| off(*hz))?;
        // Both clocks run apart by little; more than 5 s and 1 % is another machine's stamp.
        let allowed = 5 + uptime / i128::from(SECOND) / 100;
        let others = [100, 250, 300, 1000]
            .into_iter()
            .filter(|hz| off(*hz) <= allowed);
        (off(best) <= allowed && others.count() == 1).then_some(best as u64)
    }

    /// Hardware said "done" for the stuck descriptor (`E1000_TXD_STAT_DD)`: cleaning was missed.
    pub fn done_but_not_cleaned(&self) -> Option<bool> {
        Some(self.get(Field::NextToWatchStatus)? & 1 != 0)
    }

    /// The block in words, a line each; only what the registers really say.
    pub fn words(&self, hz: Option<u64>) -> Vec<String> {
        let ring = |(waiting, ring)| {
            let s = if waiting == 1 { "" } else { "s" };
            format!("Tx ring: {waiting} descriptor{s} waiting, if the ring has {ring}")
        };
        let sent = |done| {
            if done {
                "the hardware had sent the packet: cleaning was missed".to_owned()
            } else {
                "the hardware had not sent the packet".to_owned()
            }
        };
        let words = [
            self.get(Field::MacStatus).map(mac_words),
            self.get(Field::PhyStatus).map(phy_words),
            self.get(Field::Phy1000).map(gigabit_words),
            self.get(Field::PciStatus).map(pci_words),
            self.age_ticks().map(|ticks| age_words(ticks, hz)),
            self.waiting().map(ring),
            self.done_but_not_cleaned().map(sent),
        ];
        words.into_iter().flatten().collect()
    }
}

fn mac_words(status: u64) -> String {
    let mut words = if status & 0x2 == 0 {
        "MAC: link down".to_string()
    } else {
        let duplex = if status & 0x1 != 0 { "full" } else { "half" };
        format!("MAC: link up, {} Mb/s, {duplex} duplex", speed_bits(status))
    };
    words += if status & 0x10 != 0 {
        ", transmitter paused by the link partner"
    } else {
        ", not paused"
    };
    if status & 0x8_0000 == 0 {
        words += ", bus mastering off";
    }
    words
}

fn phy_words(phy: u64) -> String {
    let link = if phy & 0x4 != 0 {
        "link up"
    } else {
        "link was lost"
    };
    let auto = if phy & 0x20 != 0 {
        "complete"
    } else {
        "not complete"
    };
    let fault = if phy & 0x10 != 0 {
        ", remote fault"
    } else {
        ""
    };
    format!("PHY: {link}, autonegotiation {auto}{fault}")
}

fn gigabit_words(phy: u64) -> String {
    if phy & 0xff00 == 0 {
        return "1000BASE-T: no partner".into();
    }
    let role = if phy & 0x4000 != 0 { "master" } else { "slave" };
    let mut words = format!("1000BASE-T: {role}");
    if phy & 0x8000 != 0 {
        words += ", master/slave fault";
    }
    for (bit, side) in [(0x2000, "local"), (0x1000, "remote")] {
        let ok = if phy & bit != 0 { "ok" } else { "NOT ok" };
        words += &format!(", {side} receiver {ok}");
    }
    if phy & 0x0c00 == 0 {
        words += ", partner does not offer 1000 Mb/s";
    }
    match phy & 0xff {
        0 => words + ", no idle errors",
        1 => words + ", 1 idle error (cable?)",
        255 => words + ", 255 or more idle errors (cable)",
        n if n < IDLE_ERRORS_CABLE => words + &format!(", {n} idle errors (cable?)"),
        n => words + &format!(", {n} idle errors (cable)"),
    }
}

fn pci_words(pci: u64) -> String {
    // PCI_STATUS_PARITY, _SIG_TARGET_ABORT, _REC_TARGET_ABORT, _REC_MASTER_ABORT,
    // _SIG_SYSTEM_ERROR, _DETECTED_PARITY
    let errors: Vec<&str> = [
        (0x0100, "master data parity error"),
        (0x0800, "target abort signalled"),
        (0x1000, "target abort received"),
        (0x2000, "master abort received"),
        (0x4000, "system error signalled"),
        (0x8000, "parity error detected"),
    ]
    .iter()
    .filter(|(bit, _)| pci & bit != 0)
    .map(|(_, name)| *name)
    .collect();
    if errors.is_empty() {
        "PCI: no bus errors".into()
    } else {
        format!("PCI: bus error: {}", errors.join(", "))
    }
}

fn age_words(ticks: u64, hz: Option<u64>) -> String {
    match hz {
        Some(hz) => format!(
            "the oldest packet had been stuck for {:.1} s",
            ticks as f64 / hz as f64
        ),
        None => format!(
            "the oldest packet had been stuck for {ticks} ticks ({:.1} s at HZ 250, {:.1} s at HZ 1000)",
            ticks as f64 / 250.0,
            ticks as f64 / 1000.0
        ),
    }
}
