//! Telling somebody: events that the watcher queues under /run, and the hooks in
//! /etc/unhang/notify.d that are told of them.
//!
//! The watcher only writes a file ([`Queue`]). unhang-notify.path sees it and starts
//! unhang-notify.service, which calls the [`hooks`]: no foreign program runs in the watcher's sandbox.

#[cfg(feature = "cli")]
pub mod hooks;
mod queue;
#[cfg(feature = "cli")]
mod reboot;

pub use queue::Queue;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::nic::Nic;
use crate::text::printable;

/// What a hook gets as JSON. Keys are added, never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    schema: u32,
    pub event: Kind,
    /// Seconds since 1970.
    time: u64,
    /// `None` for a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// Driver, PCI ID and chip.
    #[serde(skip_serializing_if = "Option::is_none")]
    nic: Option<String>,
    /// One sentence for people.
    message: String,
    /// From the first hang block until the link came up, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    gone_s: Option<f64>,
    /// A rule wants the machine to be rebooted, after the hooks were called.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reboot: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A wedged NIC is back.
    Recovered,
    /// A wedged NIC is left alone.
    Exhausted,
    /// Nothing leaves its queue, and its driver says nothing.
    Stalled,
    /// An offload that somebody else changes again and again is left as it is.
    LoopGuard,
    /// A rule can't be put in force.
    NotInForce,
    /// A hang refuted a trial.
    TrialEnded,
    /// Somebody tries the hooks.
    Test,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Recovered => "recovered",
            Kind::Exhausted => "exhausted",
            Kind::Stalled => "stalled",
            Kind::LoopGuard => "loop-guard",
            Kind::NotInForce => "not-in-force",
            Kind::TrialEnded => "trial-ended",
            Kind::Test => "test",
        }
    }
}

impl Event {
    pub fn of_nic(event: Kind, nic: &Nic, what: &str) -> Event {
        Event {
            interface: Some(nic.name.clone()),
            nic: Some(nic.identity()),
            ..Event::new(event, &format!("{}: {what}", nic.name))
        }
    }

    #[must_use]
    pub fn gone_for(mut self, gone: Duration) -> Event {
        // In tenths: more would not be true.
        self.gone_s = Some((gone.as_secs_f64() * 10.0).round() / 10.0);
        self
    }

    #[cfg(feature = "cli")]
    pub fn test() -> Event {
        Event::new(Kind::Test, "this is a test of unhang's hooks")
    }

    fn new(event: Kind, message: &str) -> Event {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Event {
            schema: 1,
            event,
            time: since.map_or(0, |since| since.as_secs()),
            interface: None,
            nic: None,
            message: printable(message).into_owned(),
            gone_s: None,
            reboot: false,
        }
    }
}
