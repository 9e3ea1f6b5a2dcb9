//! The ladder of a recovery: its rungs, the pauses between them, its end, and how often in an hour
//! it is taken.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// At most so many recoveries within [`HOUR`].
const PER_HOUR: usize = 6;
const HOUR: Duration = Duration::from_secs(3600);
/// The pause after the first recovery; it doubles with each further one. Autonegotiation and
/// the driver's own look at the ring take some seconds.
const FIRST_PAUSE: Duration = Duration::from_secs(8);
/// A link that comes up later than this did so for another reason than the recovery.
const OWED_TO_RECOVERY: Duration = Duration::from_secs(60);

/// What was tried of one NIC. Times are those of the kernel's log, since boot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ladder {
    /// Recoveries in this incident.
    tried: u32,
    last_try: Option<Duration>,
    /// The last recovery was not yet followed by a link-up.
    pending: bool,
    /// In this incident it was said that the NIC is left alone.
    said_left: bool,
    /// Recoveries within the last hour.
    recoveries: Vec<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Wait,
    /// Try this, as the `number`th recovery of this incident.
    Recover {
        rung: Rung,
        /// Counted from 1.
        number: u32,
        trouble: Trouble,
    },
    /// Say once that nothing more is done, and why.
    Leave {
        why: Leave,
        /// Recoveries tried in this incident.
        tried: u32,
        trouble: Trouble,
    },
}

/// What calls for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Blocks without a reset.
    Wedged { blocks: u32 },
    /// Hangs in quick turns.
    Storm { hangs: u32, within: Duration },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rung {
    /// `ETHTOOL_NWAY_RST`: e1000e re-initialises the adapter; addresses and routes stay.
    RestartAutonegotiation,
    /// A function level reset of the PCI device.
    ResetPciFunction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// A rule says so.
    Unwanted,
    LadderUsedUp,
    HourlyLimit,
}

impl Action {
    /// Whether this is the first that is done or said about an incident.
    pub fn is_first(self) -> bool {
        matches!(
            self,
            Action::Recover { number: 1, .. } | Action::Leave { tried: 0, .. }
        )
    }
}

impl Ladder {
    /// Begins anew with another incident. The hour's recoveries still count.
    pub fn begin(&mut self) {
        let recoveries = std::mem::take(&mut self.recoveries);
        *self = Ladder {
            recoveries,
            ..Ladder::default()
        };
    }

    /// Whether the last recovery still has time to show what it did.
    pub fn pauses(&self, now: Duration) -> bool {
        let pause = FIRST_PAUSE * 2u32.saturating_pow(self.tried.saturating_sub(1));
        self.last_try
            .is_some_and(|at| now.saturating_sub(at) < pause)
    }

    /// What is next. What it says is counted as done.
    pub fn act(&mut self, now: Duration, trouble: Trouble, recover: bool) -> Action {
        self.recoveries.retain(|at| now.saturating_sub(*at) < HOUR);
        if !recover {
            return self.leave(Leave::Unwanted, trouble);
        }
        let rung = match self.tried {
            0 | 1 => Rung::RestartAutonegotiation,
            2 => Rung::ResetPciFunction,
            _ => return self.leave(Leave::LadderUsedUp, trouble),
        };
        if self.recoveries.len() >= PER_HOUR {
            return self.leave(Leave::HourlyLimit, trouble);
        }
        self.tried += 1;
        self.last_try = Some(now);
        self.pending = true;
        self.recoveries.push(now);
        Action::Recover {
            rung,
            number: self.tried,
            trouble,
        }
    }

    fn leave(&mut self, why: Leave, trouble: Trouble) -> Action {
        if std::mem::replace(&mut self.said_left, true) {
            return Action::Wait;
        }
        Action::Leave {
            why,
            tried: self.tried,
            trouble,
        }
    }

    /// The link came up: the number of the recovery that it is owed to, and how long that took.
    pub fn link_up(&mut self, now: Duration) -> Option<(u32, Duration)> {
        if !std::mem::take(&mut self.pending) {
            return None;
        }
        let since = now.saturating_sub(self.last_try?);
        (since <= OWED_TO_RECOVERY).then_some((self.tried, since))
    }
}
