//! One log line for each NIC and event: what was done, by which rule, to which NIC, and why.
//!
//! [`Line`] is the line's grammar in both directions: what writes it and what later reads it
//! back from a journal share it. [`syslog`] brings it out without ever waiting.

mod line;
mod part;
mod syslog;
mod trial;
mod value;

pub use line::Line;
pub use part::Part;
pub use syslog::Log;
pub use trial::{TrialPart, TrialStep};
pub use value::ValuePart;

use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event(String);

impl Event {
    /// A udev event, by its action (`add`, `move`).
    pub fn udev(action: &str) -> Event {
        Event(action.to_owned())
    }

    pub fn link_up() -> Event {
        Event("link-up".into())
    }

    pub fn drift() -> Event {
        Event("drift".into())
    }

    /// The NIC does not transmit.
    pub fn wedge() -> Event {
        Event("wedge".into())
    }

    /// The NIC transmits nothing, and its driver says nothing.
    pub fn stall() -> Event {
        Event("stall".into())
    }

    /// What the NIC has sent is noted.
    pub fn load() -> Event {
        Event("load".into())
    }

    pub fn rules() -> Event {
        Event("rules".into())
    }

    /// A person had it restored.
    pub fn revert() -> Event {
        Event("revert".into())
    }

    /// A trial begins or ends.
    pub fn trial() -> Event {
        Event("trial".into())
    }

    pub fn manual() -> Event {
        Event("manual".into())
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How much a line matters, by syslog's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Debug,
    Info,
    /// The kernel did not do what was asked, or a rule file is skipped.
    Warning,
    Error,
}
