//! What the watcher does when the kernel says that a NIC hangs: it asks [`super::wedge`], does
//! that, and says so.

use std::fmt;
use std::fs;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::kmsg::{Record, What};
use super::ladder::{Action, Leave, Rung, Trouble};
use super::react::net_device;
use super::restore::since_boot;
use super::tell::Recovered;
use super::{Watched, Watcher, nway};
use crate::apply::Summary;
use crate::log::{Event, Level, Line, Part};
use crate::nic::{Nic, sent};
use crate::notify::{self, Kind};
use crate::rules::{Decision, Exhausted, decide};

impl Watcher {
    pub(super) async fn kernel(&mut self, record: Record, now: bool) {
        if self
            .state
            .sequence
            .is_some_and(|last| record.sequence <= last)
        {
            return;
        }
        let of_record =
            |watched: &Watched| watched.bus_address.as_ref() == Some(&record.pci_address);
        let Some((&ifindex, watched)) = self.nics.iter().find(|(_, watched)| of_record(watched))
        else {
            return;
        };
        let nic = watched.nic.clone();
        let stamp = Duration::from_micros(record.micros);
        if matches!(record.what, What::HangBlock { .. }) {
            let ago = since_boot().saturating_sub(stamp);
            self.refute_trial(&nic, (!now).then_some(ago)).await;
        }
        let rules = Arc::clone(&self.rules);
        let decision = decide(rules.rules(), &nic);
        self.state.sequence = Some(record.sequence);
        let state = self.state.nics.entry(ifindex).or_default();
        let mut action = Action::Wait;
        let mut back = None;
        match record.what {
            What::HangBlock { tdh } => {
                let packets = if now {
                    sent(&nic.name, "packets")
                } else {
                    None
                };
                state.wedge.block(stamp, tdh, packets);
                state.recovered = None;
                // One that was printed while nobody watched is only counted: if the NIC is still
                // wedged the next one follows soon.
                if now {
                    action = state.wedge.act(decision.recover());
                }
                state.wedges += u32::from(action.is_first());
                state.recoveries += u32::from(matches!(action, Action::Recover { .. }));
            }
            What::Reset => {
                state.wedge.moving(stamp, false);
                if let Some(recovered) = &mut state.recovered {
                    recovered.lost();
                }
            }
            What::LinkUp => {
                back = state.wedge.moving(stamp, true);
                if let Some(recovered) = &mut state.recovered {
                    recovered.link_up(stamp);
                }
            }
        }
        let back = back.map(|back| (back.gone, Part::back(back.since, back.recovery)));
        if let Some((gone, part)) = &back {
            state.recovered = Some(Recovered::seems(stamp, *gone, part.to_string()));
        }
        if let Action::Leave { why, trouble, .. } = action {
            let what = format!("{trouble}, left alone: {}", why.reason());
            let mut event = notify::Event::of_nic(Kind::Exhausted, &nic, &what);
            event.reboot = why.is_end() && decision.exhausted() == Exhausted::Reboot;
            self.tell(event);
        }
        // Before anything is done: whoever is started in its place does not do it twice.
        self.save();
        if let Some((_, part)) = back {
            self.say_wedge(&nic, Level::Info, vec![part]);
        }
        self.act(ifindex, &nic, &decision, action).await;
    }

    async fn act(&mut self, ifindex: u32, nic: &Nic, decision: &Decision<'_>, action: Action) {
        if action == Action::Wait {
            return;
        }
        // What set the hang off goes first, or the NIC comes back only to hang again.
        let outcome = self.apply(nic, decision).await;
        let in_force = outcome.summary() == Summary::AlreadyRight;
        if let (false, Some((level, line))) = (in_force, Line::new(&outcome, &Event::wedge())) {
            self.say(ifindex, level, &line);
        }
        let nic = outcome.nic;
        match action {
            Action::Wait => {}
            Action::Leave {
                why,
                tried,
                trouble,
            } => {
                let level = match why {
                    Leave::Unwanted => Level::Warning,
                    Leave::LadderUsedUp | Leave::HourlyLimit => Level::Error,
                };
                let wedged = (tried == 0).then_some(trouble.part(in_force));
                let left = Part::Left(why.reason().into());
                let mut parts: Vec<Part> = wedged.into_iter().chain([left]).collect();
                if why.is_end() {
                    parts.extend(self.give_up(ifindex, &nic, decision.exhausted()));
                }
                self.say_wedge(&nic, level, parts);
            }
            Action::Recover {
                rung,
                number,
                trouble,
            } => {
                let what = match recover(rung, &nic.name) {
                    Ok(done) => done.to_owned(),
                    Err(error) => format!("failed ({rung}: {error})"),
                };
                let parts = vec![trouble.part(in_force), Part::Recovery(number, what)];
                self.say_wedge(&nic, Level::Warning, parts);
            }
        }
    }

    pub(super) fn say_wedge(&self, nic: &Nic, level: Level, parts: Vec<Part>) {
        self.say_of(nic, level, parts, &Event::wedge());
    }

    /// Says what the watcher itself saw or did.
    pub(super) fn say_of(&self, nic: &Nic, level: Level, parts: Vec<Part>, event: &Event) {
        let line = Line {
            interface: nic.name.clone(),
            parts,
            rules: decide(self.rules.rules(), nic).rules(),
            identity: nic.identity(),
            event: event.to_string(),
        };
        self.log.write(level, &line.to_string());
    }
}

/// Takes a rung, and says what was done.
fn recover(rung: Rung, interface: &str) -> io::Result<&'static str> {
    match rung {
        Rung::RestartAutonegotiation => {
            nway::restart_autonegotiation(interface).map(|()| "autonegotiation restarted")
        }
        Rung::ResetPciFunction => fs::write(net_device(interface).join("device/reset"), "1")
            .map(|()| "PCI function reset"),
    }
}

impl Trouble {
    fn part(self, in_force: bool) -> Part {
        match self {
            Trouble::Wedged { blocks } => Part::Wedged { blocks, in_force },
            Trouble::Storm { hangs, within } => Part::Storm {
                hangs,
                seconds: within.as_secs(),
                in_force,
            },
        }
    }
}

/// For people, without the state of the offloads.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Wedged { blocks } => write!(f, "wedged after {blocks} hang blocks"),
            Trouble::Storm { hangs, within } => {
                write!(f, "storm of {hangs} hangs within {} s", within.as_secs())
            }
        }
    }
}

impl Leave {
    /// Nothing helped, and there is nothing left to try for now.
    fn is_end(self) -> bool {
        self != Leave::Unwanted
    }

    fn reason(self) -> &'static str {
        match self {
            Leave::Unwanted => "recover = false",
            Leave::LadderUsedUp => "three recoveries did not help",
            Leave::HourlyLimit => "six recoveries within an hour are the limit",
        }
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rung::RestartAutonegotiation => "restarting autonegotiation",
            Rung::ResetPciFunction => "resetting the PCI function",
        })
    }
}
