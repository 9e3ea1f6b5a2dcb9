//! Counters that go on over restarts and over what the journal forgets: up-time, incidents
//! and bursts of each NIC by what was in force. A small file holds them with the moment up to
//! which they are counted; each time, what the journal says since is added, and nothing
//! twice.

use super::history::{History, stretch_of};
use super::in_force::InForce;
use super::nic_name;
use super::stats::bursts::Cutter;
use crate::kernel_log::{SECOND, Stamp};
use crate::nic::PciId;
use crate::replace::replace;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// What is newer than this waits for the next time: it may not be in the journal yet (µs).
const MARGIN: i64 = 5 * SECOND;
/// Configurations of a NIC beyond so many share one name.
const MAX_CONFIGURATIONS: usize = 50;
const OTHER: &str = "other";
const NOT_KNOWN: &str = "not known";
/// Seconds in a day.
const DAY_S: f64 = 86_400.0;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    schema: u32,
    /// The boot that was counted last, and up to when.
    boot: Option<String>,
    until: Until,
    /// What was in force last on each NIC, by its name.
    in_force: BTreeMap<String, String>,
    pub list: Vec<Total>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Until {
    wall_us: Option<i64>,
    uptime_us: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Total {
    pub interface: String,
    pub chip: String,
    pub configuration: String,
    pub exposure_s: f64,
    pub incidents: u64,
    pub bursts: u64,
    /// The first and last incident of the last burst, in days on the clock of `exposure_s`.
    burst: Option<(f64, f64)>,
}

/// An e1000e NIC of this machine.
pub struct Known<'a> {
    pub interface: &'a str,
    pub chip: &'a str,
}

impl Totals {
    /// Those in the file; none if there is no file yet.
    pub fn read(path: &Path) -> io::Result<Totals> {
        let text = match std::fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Totals::default()),
            other => other?,
        };
        let read: Totals = serde_json::from_slice(&text)?;
        let sound = |t: &Total| t.exposure_s.is_finite() && t.exposure_s >= 0.0;
        if read.schema == 1 && read.list.iter().all(sound) {
            return Ok(read);
        }
        Err(io::Error::other("what it holds can't be"))
    }

    pub fn write(&mut self, path: &Path) -> io::Result<()> {
        self.schema = 1;
        replace(path, &serde_json::to_vec(self)?, 0o644)
    }

    /// Has anything of this boot been counted?
    pub fn has_boot(&self, boot: Option<u128>) -> bool {
        self.boot.is_some() && self.boot == boot.map(hex)
    }

    /// Those of the last boot in the log, for who keeps no file.
    pub fn of_last_boot(history: &History, nics: &[Known]) -> Totals {
        let mut totals = Totals::default();
        if let Some(last) = history.boots.list.len().checked_sub(1) {
            let end = history.boots.list[last].last;
            totals.add(history, nics, (last, None), end);
        }
        totals
    }

    /// Adds what the log has that is not counted yet.
    pub fn go_on(&mut self, history: &History, nics: &[Known]) {
        let Some(last) = history.boots.list.last() else {
            return;
        };
        let until = Stamp {
            wall: self.until.wall_us,
            uptime: self.until.uptime_us,
        };
        let boots = &history.boots.list;
        let known = |id: Option<u128>| self.has_boot(id);
        let from = match boots.iter().position(|boot| known(boot.id)) {
            Some(boot) => (boot, Some(until)),
            // It is forgotten: those that began after it.
            None => match until.wall {
                Some(wall) => {
                    let later = |b: &&crate::kernel_log::Boot| b.first.wall > Some(wall);
                    (
                        boots.len() - boots.iter().rev().take_while(later).count(),
                        None,
                    )
                }
                None => (0, None),
            },
        };
        let end = Stamp {
            wall: last.last.wall.map(|wall| wall - MARGIN),
            uptime: last.last.uptime.map(|up| up - MARGIN),
        };
        let (id, first) = (last.id.map(hex), last.first);
        let back = end.since(&first).is_none_or(|t| t < 0);
        if from.0 >= boots.len() || back {
            return;
        }
        let stands = from.1.filter(|_| self.boot == id);
        if stands.is_some_and(|until| end.since(&until).is_none_or(|t| t <= 0)) {
            return;
        }
        self.add(history, nics, from, end);
        self.boot = id;
        self.until = Until {
            wall_us: end.wall,
            uptime_us: end.uptime,
        };
    }

    /// Adds all from a moment of a boot (its beginning) to a moment of the last.
    fn add(
        &mut self,
        history: &History,
        nics: &[Known],
        (first, from): (usize, Option<Stamp>),
        end: Stamp,
    ) {
        let last = history.boots.list.len() - 1;
        let after = |at: &Stamp, boot: usize| {
            let from = from.filter(|_| boot == first);
            boot >= first && from.is_none_or(|from| at.since(&from).is_some_and(|t| t > 0))
        };
        let before = |at: &Stamp, boot: usize| boot < last || at.since(&end).is_none_or(|t| t <= 0);
        let same_boot =
            history.boots.list[last].id.is_some() && self.has_boot(history.boots.list[last].id);
        let remembered = std::mem::take(&mut self.in_force);
        for (index, nic) in history.incidents.nics.iter().enumerate() {
            if nic.device.driver.as_deref().is_some_and(|d| d != "e1000e") {
                continue;
            }
            let interface = nic_name(nic);
            let here = nics.iter().find(|known| known.interface == interface);
            let id = history.pci_ids.get(&index);
            let told = id.and_then(PciId::chip);
            let chip = here.map(|known| known.chip).or(told.map(|chip| chip.name));
            let counted = || self.list.iter().rfind(|total| total.interface == interface);
            let chip = chip
                .map(str::to_owned)
                .or_else(|| Some(counted()?.chip.clone()));
            let chip = chip.unwrap_or_default();
            let stretches = history.stretches(index);
            let name = |state: InForce| match remembered.get(&interface) {
                // The journal has forgotten it.
                Some(known) if state == InForce::Unknown && same_boot => known.clone(),
                _ => history.own.name(state),
            };
            let mut incidents = history.incidents.of(index).peekable();
            let mut brief = 0.0;
            for (place, stretch) in stretches.iter().enumerate() {
                let begun = if after(&stretch.from, stretch.boot) {
                    stretch.from
                } else {
                    from.filter(|_| stretch.boot == first).unwrap_or(stretch.to)
                };
                let ends = before(&stretch.to, stretch.boot);
                let ended = if ends { stretch.to } else { end };
                let counted = stretch.boot >= first;
                let seconds = ended.since(&begun).filter(|_| counted).unwrap_or(0).max(0);
                let seconds = brief + seconds as f64 / SECOND as f64;
                let of_it = |i: &&crate::hang::Incident| {
                    stretch_of(&stretches, i).is_some_and(|s| std::ptr::eq(s, stretch))
                };
                let next = stretches.get(place + 1);
                let passes = stretch.is_brief() && next.is_some_and(|n| n.boot == stretch.boot);
                // The seconds until the helper's line belong to what follows.
                if passes && incidents.peek().is_none_or(|i| !of_it(i)) {
                    brief = seconds;
                    continue;
                }
                brief = 0.0;
                let total = self.total(&interface, &chip, name(stretch.state));
                let (start, clock) = (begun, total.exposure_s);
                total.exposure_s += seconds;
                while let Some(incident) = incidents.next_if(of_it) {
                    if !after(&incident.start, incident.boot)
                        || !before(&incident.start, incident.boot)
                    {
                        continue;
                    }
                    let within = incident.start.since(&start).unwrap_or(0).max(0);
                    let at = (clock + within as f64 / SECOND as f64) / DAY_S;
                    let mut cutter = Cutter {
                        first_and_last: total.burst,
                    };
                    total.bursts += u64::from(cutter.begins(at));
                    total.burst = cutter.first_and_last;
                    total.incidents += incident.times;
                }
            }
            if let Some(now) = stretches.last() {
                let now = name(now.state);
                self.in_force.insert(interface, now);
            }
        }
        self.unlogged(history, nics, (first, from), end);
        self.list.retain(|t| t.exposure_s > 0.0 || t.incidents > 0);
    }

    /// Up-time of NICs of which the log has no line.
    fn unlogged(
        &mut self,
        history: &History,
        nics: &[Known],
        (first, from): (usize, Option<Stamp>),
        end: Stamp,
    ) {
        let logged: Vec<String> = history.incidents.nics.iter().map(nic_name).collect();
        let last = history.boots.list.len() - 1;
        let begun = from
            .filter(|_| first == last)
            .unwrap_or(history.boots.list[last].first);
        let seconds = end.since(&begun).unwrap_or(0).max(0) as f64 / SECOND as f64;
        for nic in nics
            .iter()
            .filter(|nic| !logged.iter().any(|l| l == nic.interface))
        {
            let total = self.total(nic.interface, nic.chip, NOT_KNOWN.into());
            total.exposure_s += seconds;
        }
    }

    fn total(&mut self, interface: &str, chip: &str, configuration: String) -> &mut Total {
        let of_nic = || self.list.iter().filter(|t| t.interface == interface);
        let is = |t: &Total, configuration: &str| {
            t.interface == interface && t.chip == chip && t.configuration == configuration
        };
        let is_new = !self.list.iter().any(|t| is(t, &configuration));
        let configuration = if is_new && of_nic().count() >= MAX_CONFIGURATIONS {
            OTHER.to_owned()
        } else {
            configuration
        };
        let place = self.list.iter().position(|t| is(t, &configuration));
        let place = place.unwrap_or_else(|| {
            self.list.push(Total {
                interface: interface.to_owned(),
                chip: chip.to_owned(),
                configuration,
                ..Total::default()
            });
            self.list.len() - 1
        });
        &mut self.list[place]
    }
}

fn hex(id: u128) -> String {
    format!("{id:032x}")
}

#[cfg(test)]
mod tests;
