//! The end of the ladder: what a rule's `exhausted` has the watcher do with a NIC that can't be
//! brought back. A reboot is only asked for here; another unit looks whether it may be, and does it.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bond::other_port;
use super::react::net_device;
use super::restore::since_boot;
use super::{NET, Watcher};
use crate::log::{Level, Part};
use crate::nic::Nic;
use crate::rules::Exhausted;

/// How long a link is down for the first time, and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// After so long with the link up the next pause is a first one.
const FORGOTTEN: Duration = Duration::from_secs(3600);
/// include/uapi/linux/if.h
const IFF_UP: u32 = 1;

/// A link that the watcher takes down now and then, times since boot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LinkDown {
    is_down: bool,
    until: Duration,
    pause: Duration,
}

impl LinkDown {
    /// Takes it down, for twice as long as the time before.
    fn begin(&mut self, now: Duration) -> Duration {
        let first = self.pause.is_zero() || now.saturating_sub(self.until) > FORGOTTEN;
        self.pause = if first {
            FIRST_PAUSE
        } else {
            (self.pause * 2).min(LONGEST_PAUSE)
        };
        self.until = now + self.pause;
        self.is_down = true;
        self.pause
    }

    pub fn until(&self) -> Option<Duration> {
        self.is_down.then_some(self.until)
    }
}

impl Watcher {
    /// What is done now that nothing has helped, to be said.
    pub(super) fn give_up(&mut self, ifindex: u32, nic: &Nic, wish: Exhausted) -> Option<Part> {
        match wish {
            Exhausted::Nothing => None,
            Exhausted::Reboot => Some("asks for a reboot".to_owned()),
            Exhausted::LinkDown => Some(match other_port(Path::new(NET), &nic.name) {
                Err(reason) => format!("no link-down because {reason}"),
                Ok((bond, other)) => {
                    let state = self.state.nics.entry(ifindex).or_default();
                    let pause = state.link_down.begin(since_boot());
                    // Before it is done: whoever is started in place of this brings it up again.
                    self.save();
                    match set_up(&nic.name, false) {
                        Ok(()) => format!(
                            "link down for {} s so that {bond} goes on with {other}",
                            pause.as_secs()
                        ),
                        Err(error) => format!("link-down failed ({error})"),
                    }
                }
            }),
        }
        .map(Part::Exhausted)
    }

    /// When a link is to be brought up again, since boot.
    pub(super) fn next_link_up(&self) -> Option<Duration> {
        let nics = self.state.nics.values();
        nics.filter_map(|state| state.link_down.until()).min()
    }

    /// Brings up the links whose time has come by then.
    pub(super) fn bring_up(&mut self, by: Duration) {
        let due = |until: Option<Duration>| until.is_some_and(|until| until <= by);
        for (ifindex, watched) in &self.nics {
            let Some(state) = self.state.nics.get_mut(ifindex) else {
                continue;
            };
            if !due(state.link_down.until()) {
                continue;
            }
            state.link_down.is_down = false;
            let (level, said) = match set_up(&watched.nic.name, true) {
                Ok(()) => (Level::Info, "link up again".to_owned()),
                Err(error) => (Level::Error, format!("link-up failed ({error})")),
            };
            self.say_wedge(&watched.nic, level, vec![Part::Exhausted(said)]);
        }
        // Also of a NIC that is not watched any more, or it would be due for ever.
        for state in self.state.nics.values_mut() {
            state.link_down.is_down &= !due(state.link_down.until());
        }
        self.save();
    }
}

/// What `ip link set IF up` or `down` does.
fn set_up(interface: &str, up: bool) -> io::Result<()> {
    let path = net_device(interface).join("flags");
    let text = fs::read_to_string(&path)?;
    let flags = u32::from_str_radix(text.trim().trim_start_matches("0x"), 16);
    let flags = flags.map_err(io::Error::other)? & !IFF_UP;
    fs::write(path, format!("{:#x}", flags | if up { IFF_UP } else { 0 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_an_hour_and_begin_anew_after_an_hour_of_work() {
        let mut link = LinkDown::default();
        let mut now = Duration::from_secs(5000);
        let mut pauses = Vec::new();
        for _ in 0..9 {
            assert_eq!(link.until(), None);
            pauses.push(link.begin(now).as_secs());
            now = link.until().unwrap() + Duration::from_secs(90);
            link.is_down = false;
        }
        assert_eq!(pauses, [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
        now += Duration::from_secs(3600);
        assert_eq!(link.begin(now), FIRST_PAUSE);
    }
}
