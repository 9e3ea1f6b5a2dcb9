//! What the journal and the watcher say of this machine's e1000e NICs, for `unhang status`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::{report, style};
use crate::nic::Nic;
use crate::report::history::{History, Stretch};
use crate::report::journal::{self, Scope};
use crate::report::sources::Error;
use crate::report::{iso, span, verdict, when};
use crate::timeout::{self, Work};
use crate::watch::state::{self, NicState, State};

/// The journal is read from indexes; where that takes longer, something is wrong with it.
const PATIENCE: Duration = Duration::from_secs(10);

type Answer = anyhow::Result<(Option<History>, Vec<Error>)>;

/// The journal, being read while something else is done.
pub struct Asked(Work<Answer>);

impl Asked {
    /// Begins to read what there is on these NICs, as far as `scope` goes; `None` if none is an
    /// e1000e.
    pub fn about<'a>(
        nics: impl Iterator<Item = &'a Nic>,
        scope: fn(Vec<String>) -> Scope,
    ) -> Option<Asked> {
        let addresses: Vec<String> = nics.filter_map(pci_address).collect();
        if addresses.is_empty() {
            return None;
        }
        let scope = scope(addresses);
        Some(Asked(timeout::start(PATIENCE, move |sender| {
            let nothing: [PathBuf; 0] = [];
            let answer = report::read(&nothing, &TimeZone::system(), &scope);
            // Nobody waits any more after a time-out.
            let _ = sender.send(answer);
        })))
    }

    /// What was read, or why it was not.
    pub fn answer(mut self) -> Answer {
        let late = || format!("does not answer within {} s", PATIENCE.as_secs());
        match self.0.next_result() {
            Ok(Some(answer)) => answer,
            Ok(None) | Err(_) => Ok((None, vec![Error::Journal(late())])),
        }
    }
}

/// What is known of all NICs.
pub struct Evidence {
    /// `None`: there is no e1000e NIC, or the journal can't be read.
    history: Option<History>,
    zone: TimeZone,
    watcher: State,
    /// Why there is no history though there should be, in a line.
    pub talk: String,
}

/// What is known of one NIC, for JSON; `null` is not known.
#[derive(Debug, Default, Serialize)]
pub struct Of {
    /// Incidents since boot.
    incidents: Option<usize>,
    /// Times that the watcher brought it back, since boot.
    recoveries: Option<u64>,
    /// Incidents in all that the journal still has.
    incidents_in_all: Option<usize>,
    last_incident: Option<String>,
    /// It hangs now.
    pub wedged: Option<bool>,
    /// The kind of the verdict, as `report --json` has it.
    verdict: Option<&'static str>,
    watcher: Option<Watcher>,
    #[serde(skip)]
    lines: Vec<String>,
}

/// What the watcher counted since boot.
#[derive(Debug, Serialize)]
struct Watcher {
    /// In seconds since 1970.
    last_link_up: Option<u64>,
    put_back: u32,
    wedges: u32,
    recoveries: u32,
}

impl Of {
    /// What there is to say, for people.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

impl Evidence {
    /// What came of asking about all boots.
    pub fn read(asked: Option<Asked>) -> Evidence {
        let mut evidence = Evidence {
            history: None,
            zone: TimeZone::system(),
            watcher: State::load(&state::path(Path::new("/"))),
            talk: String::new(),
        };
        let Some(asked) = asked else {
            return evidence;
        };
        let why = match asked.answer() {
            Ok((Some(history), _)) => {
                evidence.history = Some(history);
                return evidence;
            }
            Ok((None, errors)) => errors.iter().map(ToString::to_string).collect(),
            Err(error) => error.to_string(),
        };
        let why = if nix::unistd::geteuid().is_root() || !journal::is_there() {
            why
        } else {
            "reading the journal needs group systemd-journal or root".into()
        };
        evidence.talk = format!("unhang: incidents unknown: {why}\n");
        evidence
    }

    /// What is known of this NIC.
    pub fn of(&self, nic: &Nic) -> Of {
        let mut of = Of::default();
        if let (Some(history), Some(address)) = (&self.history, pci_address(nic)) {
            self.count(history, &address, &mut of);
        }
        if let Some(state) = self.watcher.nics.get(&nic.ifindex) {
            of.lines.extend(self.watcher_line(state));
            of.watcher = Some(Watcher {
                last_link_up: state.last_link_up,
                put_back: state.put_back,
                wedges: state.wedges,
                recoveries: state.recoveries,
            });
        }
        of
    }

    fn count(&self, history: &History, address: &str, of: &mut Of) {
        let nics = &history.incidents.nics;
        let same = |nic: &crate::hang::Nic| nic.device.pci.as_deref() == Some(address);
        let boots = &history.boots.list;
        let this_boot = journal::this_boot();
        let now = boots
            .iter()
            .rposition(|boot| boot.id.is_some() && boot.id == this_boot);
        let Some(index) = nics.iter().position(same) else {
            (of.incidents, of.incidents_in_all) = (Some(0), Some(0));
            (of.recoveries, of.wedged) = (Some(0), Some(false));
            return;
        };
        let all = || history.incidents.list.iter().filter(|i| i.nic == index);
        let here = all().filter(|i| Some(i.boot) == now).count();
        let verdict = verdict::on_nic(history, index);
        let wedged = all().any(|i| Some(i.boot) == now && i.ended_by.is_none());
        let last = all().next_back();
        of.incidents = Some(here);
        of.incidents_in_all = Some(all().count());
        // The counters are those of the last boot in the journal.
        let is_last = now.is_some_and(|now| now + 1 == boots.len());
        of.recoveries = Some(if is_last {
            nics[index].boot_recoveries
        } else {
            0
        });
        of.last_incident = last.and_then(|i| iso(&i.start));
        of.wedged = Some(wedged);
        of.verdict = Some(verdict.kind.name());
        if wedged {
            of.lines.push(style::bad("it hangs now: nothing is sent"));
        }
        of.lines.push(match last {
            None => {
                let up: i64 = history.stretches[index].iter().map(Stretch::length).sum();
                format!("no incident in {} of up-time", span(up))
            }
            Some(last) => format!(
                "incidents: {here} this boot, {} in all, the last {}; {}",
                all().count(),
                when(&last.start, &self.zone),
                verdict.kind.word()
            ),
        });
    }

    fn watcher_line(&self, state: &NicState) -> Option<String> {
        let mut said = Vec::new();
        if let Some(up) = state.last_link_up {
            let up = i64::try_from(up).ok()?;
            let up = jiff::Timestamp::from_second(up).ok()?;
            let up = up.to_zoned(self.zone.clone());
            said.push(format!("link up at {}", up.strftime("%Y-%m-%d %H:%M:%S")));
        }
        for (count, one, more) in [
            (state.put_back, "offload put back", "offloads put back"),
            (state.wedges, "wedge", "wedges"),
            (state.recoveries, "recovery tried", "recoveries tried"),
        ] {
            match count {
                0 => {}
                1 => said.push(format!("1 {one}")),
                _ => said.push(format!("{count} {more}")),
            }
        }
        (!said.is_empty()).then(|| format!("watched: {}", said.join(", ")))
    }
}

/// Where an e1000e NIC is on the PCI bus, e.g. `0000:00:1f.6`.
fn pci_address(nic: &Nic) -> Option<String> {
    if nic.driver.as_deref() != Some("e1000e") {
        return None;
    }
    let device = fs::read_link(format!("/sys/class/net/{}/device", nic.name)).ok()?;
    Some(device.file_name()?.to_str()?.to_owned())
}
