//! A machine's history, read from log files or from its journal.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use nix::time::{ClockId, clock_gettime};

use super::history::{History, SentLine};
use super::journal::{self, Journal, Scope};
use super::sources::{self, Error, Source};
use crate::kernel_log::{Boots, Stamp};
use crate::nic::{Nic, sent};
use crate::timeout::{self, Work};

/// The journal is read from indexes; where that takes longer, something is wrong with it.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub struct Reading {
    /// `None` if nothing could be read.
    pub history: Option<History>,
    pub errors: Vec<Error>,
}

impl From<Error> for Reading {
    fn from(error: Error) -> Reading {
        Reading {
            history: None,
            errors: vec![error],
        }
    }
}

impl Reading {
    /// Reads the journal of this machine.
    pub fn of_journal(zone: &TimeZone, scope: &Scope) -> Reading {
        let now = jiff::Timestamp::now().as_microsecond();
        let mut history = History::default();
        let boots = match scope {
            Scope::DevicesThisBoot(_) => journal::BootList::default(),
            _ => journal::BootList::ask(None),
        };
        let (mut running, source) = match Journal::open(zone, now, scope) {
            Ok(opened) => opened,
            Err(error) => {
                boots.read();
                return error.into();
            }
        };
        let (mut errors, _) = sources::read_all(vec![source], |seen| history.observe(seen));
        let listed = boots.read();
        if let Some(error) = running.end() {
            errors.push(error);
            let note = "The journal could not be read to its end: what came later is not known.";
            history.notes.push(note.into());
        } else {
            extend(&mut history.boots, &listed, now, None);
            sent_until_now(&mut history);
        }
        history.finish();
        Reading {
            history: Some(history),
            errors,
        }
    }

    /// Reads log files.
    pub fn of_files(files: &[PathBuf], zone: &TimeZone) -> Reading {
        let now = jiff::Timestamp::now().as_microsecond();
        let mut history = History::default();
        let mut errors = Vec::new();
        let mut sources = Vec::new();
        let mut empty = Vec::new();
        for file in files {
            match Source::open(file, zone, now) {
                Ok(source) if source.is_empty() => empty.push(Error::Empty {
                    name: source.name().to_owned(),
                }),
                Ok(source) => sources.push(source),
                Err(error) => errors.push(error),
            }
        }
        if sources.is_empty() {
            // Not "no incident": what was to be read may have failed to be written.
            errors.append(&mut empty);
            return Reading {
                history: None,
                errors,
            };
        }
        // One that has just been rotated is as it should be.
        history.empty_files = empty.iter().map(Error::to_string).collect();
        let (failed, hosts) = sources::read_all(sources, |seen| history.observe(seen));
        errors.extend(failed);
        let names = hosts.names();
        if names.len() > 1 {
            let names = names.into_iter().map(super::clean).collect();
            errors.push(Error::SeveralHosts(names));
        }
        history.hosts = hosts;
        history.finish();
        let one = !errors.iter().any(|e| matches!(e, Error::SeveralHosts(_)));
        Reading {
            history: one.then_some(history),
            errors,
        }
    }
}

/// Adds when each boot began and ended, which the lines that were read do not show.
pub(super) fn extend(
    boots: &mut Boots,
    listed: &[(u128, i64, i64)],
    now: i64,
    directory: Option<&Path>,
) {
    for &(id, first, _) in listed {
        boots.begin(id, first);
    }
    let this_boot = journal::this_boot();
    let last = boots.list.last_mut();
    let running = last.filter(|b| b.id.is_some() && b.id == this_boot);
    if let Some(boot) = running {
        // Its first line, which tells it, is not among those of a device.
        boot.kernel = boot.kernel.or_else(journal::this_kernel);
        let up = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from);
        let up = up.ok().and_then(|up| i64::try_from(up.as_micros()).ok());
        let last = Stamp {
            wall: Some(now),
            uptime: up,
        };
        if let Some(id) = this_boot {
            boots.end(id, last);
        }
    }
    let go_on = listed
        .iter()
        .filter(|(id, _, last)| Some(*id) != this_boot && boots.goes_on(*id, *last));
    let go_on: Vec<u128> = go_on.map(|(id, ..)| *id).collect();
    for (id, last) in journal::last_entries(&go_on, directory) {
        boots.end(id, last);
    }
}

/// Adds what the NICs have sent since the watcher last noted it.
fn sent_until_now(history: &mut History) {
    let last = history.boots.list.last();
    let Some(boot) = last.filter(|boot| boot.id.is_some() && boot.id == journal::this_boot())
    else {
        return;
    };
    let at = boot.last;
    let index = history.boots.list.len() - 1;
    for (nic, logged) in history.incidents.nics.iter().enumerate() {
        let noted = |line: &SentLine| line.nic == nic && line.boot == index;
        let Some(name) = logged
            .device
            .name
            .as_ref()
            .filter(|_| history.sent.iter().any(noted))
        else {
            continue;
        };
        if let Some(bytes) = sent(name, "bytes") {
            history.sent.push(SentLine {
                nic,
                boot: index,
                at,
                bytes,
            });
        }
    }
}

/// The journal, being read while something else is done.
pub struct Started(Work<Reading>);

impl Started {
    /// Begins to read what there is on these NICs, as far as `scope` goes; `None` if none is an
    /// e1000e.
    pub fn about<'a>(
        nics: impl Iterator<Item = &'a Nic>,
        scope: fn(Vec<String>) -> Scope,
    ) -> Option<Started> {
        let addresses: Vec<String> = nics.filter_map(pci_address).collect();
        if addresses.is_empty() {
            return None;
        }
        let scope = scope(addresses);
        Some(Started(timeout::start(PATIENCE, move |sender| {
            // Nobody waits any more after a time-out.
            let _ = sender.send(Reading::of_journal(&TimeZone::system(), &scope));
        })))
    }

    /// What was read, or why it was not.
    pub fn finish(mut self) -> Reading {
        let late = || format!("does not answer within {} s", PATIENCE.as_secs());
        match self.0.next_result() {
            Ok(Some(reading)) => reading,
            Ok(None) | Err(_) => Error::Journal(late()).into(),
        }
    }
}

/// Where an e1000e NIC is on the PCI bus, e.g. `0000:00:1f.6`.
pub fn pci_address(nic: &Nic) -> Option<String> {
    if nic.driver.as_deref() != Some("e1000e") {
        return None;
    }
    let device = fs::read_link(format!("/sys/class/net/{}/device", nic.name)).ok()?;
    Some(device.file_name()?.to_str()?.to_owned())
}
