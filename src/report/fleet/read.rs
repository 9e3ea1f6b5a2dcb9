//! Reads what there is of several machines: logs, whose lines tell which machine's they are,
//! reports of `unhang report --json`, or a folder of journals. Files of one machine are read
//! together, and one machine after the other, so that memory holds one history at a time
//! but for logs in which they are mixed.

use super::reports::is_report;
use super::{Host, Machines};
use crate::kernel_log::{Hosts, Seen};
use crate::report::history::History;
use crate::report::journal::{BootList, Journal};
use crate::report::reading::extend;
use crate::report::sources::{self, Error, Source};
use crate::report::{clean, json};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A log file; what can't be opened again is kept open.
struct Log {
    path: PathBuf,
    opened: Option<Source>,
    hosts: BTreeSet<Arc<str>>,
}

pub fn of_files(files: &[PathBuf], zone: &TimeZone) -> Machines {
    let now = jiff::Timestamp::now().as_microsecond();
    let mut all = Machines::default();
    let mut logs = Vec::new();
    let mut empty = Vec::new();
    for path in files {
        if is_report(path) {
            all.report(path);
            continue;
        }
        match Source::open(path, zone, now) {
            Ok(source) if source.is_empty() => empty.push(Error::Empty {
                name: source.name().to_owned(),
            }),
            Ok(source) => {
                let hosts = source.hosts().keys().cloned().collect();
                let again = files.len() > 1 && path.is_file();
                logs.push(Log {
                    path: path.clone(),
                    opened: Some(source).filter(|_| !again),
                    hosts,
                });
            }
            Err(error) => all.errors.push(error),
        }
    }
    if logs.is_empty() {
        // Not "no incident": what was to be read may have failed to be written.
        all.errors.append(&mut empty);
        return all;
    }
    let mut groups = grouped(logs);
    loop {
        let one = groups.len() == 1 && all.hosts.is_empty();
        let known = all.hosts.len();
        let mut keys: Vec<BTreeSet<Arc<str>>> = Vec::new();
        let mut errors = Vec::new();
        for group in &mut groups {
            let mut read = group.read(zone, now, &mut errors);
            keys.push(
                read.iter()
                    .flat_map(|(_, h)| h.hosts.keys().cloned())
                    .collect(),
            );
            if one && read.len() == 1 {
                let (_, mut history) = read.remove(0);
                // One that has just been rotated is as it should be.
                history.empty_files = empty.iter().map(Error::to_string).collect();
                all.errors.append(&mut errors);
                all.only = Some(Box::new(history));
                return all;
            }
            for (name, history) in read {
                all.hosts.extend(Host::new(json::summary(&history), &name));
            }
        }
        // A machine of which a file's beginning does not show lines: read it in one go.
        let shared = (0..keys.len()).find_map(|a| {
            let other = |b: &usize| !keys[a].is_disjoint(&keys[*b]);
            Some((a, (a + 1..keys.len()).find(other)?))
        });
        let Some((a, b)) = shared.filter(|(a, b)| groups[*a].again && groups[*b].again) else {
            all.errors.append(&mut errors);
            break;
        };
        let other = groups.remove(b);
        groups[a].logs.extend(other.logs);
        all.hosts.truncate(known);
    }
    all.errors.append(&mut empty);
    all.sorted()
}

/// The journals in a folder, of as many machines as there are.
pub fn of_directory(directory: &Path, zone: &TimeZone) -> Machines {
    let now = jiff::Timestamp::now().as_microsecond();
    let mut all = Machines::default();
    let listed = BootList::ask(Some(directory));
    let (mut running, source) = match Journal::open_directory(zone, now, directory) {
        Ok(opened) => opened,
        Err(error) => {
            listed.read();
            all.errors.push(error);
            return all;
        }
    };
    let mut parted = Parted::default();
    let (errors, hosts) = sources::read_all(vec![source], |seen| parted.take(seen));
    all.errors.extend(errors);
    let listed = listed.read();
    all.errors.extend(running.end());
    let mut histories = parted.finish(&hosts, |history| {
        extend(&mut history.boots, &listed, now, Some(directory));
    });
    if histories.len() == 1 {
        all.only = histories.pop().map(Box::new);
        return all;
    }
    if hosts.left_out() {
        all.errors
            .push(too_many(&clean(&directory.to_string_lossy())));
    }
    for history in histories {
        all.hosts.extend(Host::new(json::summary(&history), "?"));
    }
    all.sorted()
}

fn too_many(name: &str) -> Error {
    Error::Unusable {
        name: name.to_owned(),
        what: "has lines of more than 4096 machines; the others are left out".into(),
    }
}

/// Files that are read in one go.
struct Group {
    logs: Vec<Log>,
    /// May they be read again?
    again: bool,
}

/// Files that name a machine in common belong together. Those that name none belong to the
/// only one that is named, or together if none is; else each is a machine's of its own.
fn grouped(logs: Vec<Log>) -> Vec<Group> {
    let (named, nameless): (Vec<Log>, Vec<Log>) =
        logs.into_iter().partition(|log| !log.hosts.is_empty());
    let mut groups: Vec<Vec<Log>> = Vec::new();
    for log in named {
        let shares = |group: &Vec<Log>| group.iter().any(|l| !l.hosts.is_disjoint(&log.hosts));
        let (mut joined, others): (Vec<_>, Vec<_>) = groups.into_iter().partition(shares);
        groups = others;
        joined.push(vec![log]);
        groups.push(joined.into_iter().flatten().collect());
    }
    match groups.as_mut_slice() {
        [] => groups.push(nameless),
        [only] => only.extend(nameless),
        _ => groups.extend(nameless.into_iter().map(|log| vec![log])),
    }
    let group = |logs: Vec<Log>| Group {
        again: logs.iter().all(|log| log.opened.is_none()),
        logs,
    };
    groups.into_iter().map(group).collect()
}

impl Group {
    /// The histories of its machines, each with what to call one that its lines don't name.
    fn read(
        &mut self,
        zone: &TimeZone,
        now: i64,
        errors: &mut Vec<Error>,
    ) -> Vec<(String, History)> {
        let mut opened = Vec::new();
        for log in &mut self.logs {
            match log
                .opened
                .take()
                .map_or_else(|| Source::open(&log.path, zone, now), Ok)
            {
                Ok(source) => opened.push(source),
                Err(error) => errors.push(error),
            }
        }
        let first = self.logs.first().and_then(|log| log.path.file_name());
        let name = first.map_or_else(|| "?".into(), |name| clean(&name.to_string_lossy()));
        let mut parted = Parted::default();
        let (failed, hosts) = sources::read_all(opened, |seen| parted.take(seen));
        errors.extend(failed);
        if hosts.left_out() {
            errors.push(too_many(&name));
        }
        let histories = parted.finish(&hosts, |_| ());
        histories
            .into_iter()
            .map(|history| (name.clone(), history))
            .collect()
    }
}

/// The histories that events belong to. What bears no host is of the one before.
#[derive(Default)]
struct Parted {
    places: BTreeMap<Arc<str>, usize>,
    histories: Vec<(Option<Arc<str>>, History)>,
    last: usize,
}

impl Parted {
    fn take(&mut self, seen: Seen) {
        if let Some(host) = seen.host.clone() {
            let unnamed = self
                .histories
                .first()
                .is_some_and(|(host, _)| host.is_none());
            self.last = match self.places.get(&host) {
                Some(place) => *place,
                // What came before the first name.
                None if unnamed => 0,
                None => self.histories.len(),
            };
            self.places.insert(Arc::clone(&host), self.last);
            if let Some((known, _)) = self.histories.get_mut(self.last) {
                *known = Some(host);
            } else {
                self.histories.push((Some(host), History::default()));
            }
        } else if self.histories.is_empty() {
            self.histories.push((None, History::default()));
        }
        self.histories[self.last].1.observe(seen);
    }

    fn finish(self, hosts: &Hosts, complete: impl Fn(&mut History)) -> Vec<History> {
        let mut all = Vec::new();
        for (host, mut history) in self.histories {
            match host.as_deref() {
                // Those beyond the most that there may be.
                Some("") => continue,
                Some(host) if hosts.len() > 1 => history.hosts = hosts.just(host),
                _ => history.hosts = hosts.clone(),
            }
            complete(&mut history);
            history.finish();
            all.push(history);
        }
        if all.is_empty() {
            let mut history = History::default();
            history.finish();
            all.push(history);
        }
        all
    }
}

impl Machines {
    /// In the order of the names; machines with one name are told apart by their IDs.
    fn sorted(mut self) -> Machines {
        self.hosts
            .sort_by(|a, b| (&a.name, a.key()).cmp(&(&b.name, b.key())));
        let names: Vec<String> = self.hosts.iter().map(|h| h.name.clone()).collect();
        for (index, host) in self.hosts.iter_mut().enumerate() {
            let near = [index.checked_sub(1), Some(index + 1)];
            let near = near.iter().filter_map(|other| names.get((*other)?));
            if near.into_iter().any(|other| *other == names[index]) {
                let id: String = host.key().chars().take(8).collect();
                host.name = format!("{} ({id})", host.name);
            }
        }
        self
    }
}
