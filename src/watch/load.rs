//! What each NIC has sent, noted for `unhang report`, to which it is a better clock than
//! up-time: when the watcher begins with the NIC, when the rules change, at the end, and once a
//! day when something else has woken it.

use std::time::Duration;

use super::Watcher;
use super::restore::since_boot;
use crate::log::{Event, Level, Part};
use crate::nic::sent;

impl Watcher {
    /// Notes it of each NIC of which it was not noted for so long.
    pub(super) fn note_load(&mut self, age: Duration) {
        let now = since_boot();
        let mut due = Vec::new();
        for watched in self.nics.values_mut() {
            let is_due = |noted| now.saturating_sub(noted) >= age;
            if watched.noted.is_none_or(is_due) {
                watched.noted = Some(now);
                due.push(watched.nic.clone());
            }
        }
        for nic in due {
            // One that has gone has sent what it has.
            if let Some(bytes) = sent(&nic.name, "bytes") {
                let part = vec![Part::Sent(bytes)];
                self.say_of(&nic, Level::Debug, part, &Event::load());
            }
        }
    }
}
