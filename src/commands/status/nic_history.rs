//! What the journal and the watcher say of this machine's e1000e NICs, for `unhang status`.

use std::path::Path;

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::nic::Nic;
use crate::report::history::History;
use crate::report::in_force::Stretch;
use crate::report::journal;
use crate::report::reading::{Reading, Started, pci_address};
use crate::report::{iso, span, verdict, when};
use crate::style;
use crate::watch::state::{self, NicState, WatchState};

/// What is known of all NICs.
pub struct NicHistories {
    /// `None`: there is no e1000e NIC, or the journal can't be read.
    history: Option<History>,
    zone: TimeZone,
    watcher: WatchState,
    /// Why there is no history though there should be, in a line.
    pub talk: String,
}

/// What is known of one NIC, for JSON; `null` is not known.
#[derive(Debug, Default, Serialize)]
pub struct NicHistory {
    /// Incidents since boot.
    incidents: Option<u64>,
    /// Times that the watcher brought it back, since boot.
    recoveries: Option<u64>,
    /// Incidents in all that the journal still has.
    incidents_in_all: Option<u64>,
    last_incident: Option<String>,
    pub wedged: Option<bool>,
    /// The kind of the verdict, as `report --json` has it.
    verdict: Option<&'static str>,
    /// What it is about: the last configuration that is known.
    configuration: Option<String>,
    watcher: Option<WatchCounts>,
    #[serde(skip)]
    lines: Vec<String>,
}

/// What the watcher counted since boot.
#[derive(Debug, Serialize)]
struct WatchCounts {
    /// In seconds since 1970.
    last_link_up: Option<u64>,
    put_back: u32,
    wedges: u32,
    recoveries: u32,
}

impl NicHistory {
    /// What there is to say, for people.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

impl NicHistories {
    /// What came of asking about all boots.
    pub fn read(asked: Option<Started>) -> NicHistories {
        let mut histories = NicHistories {
            history: None,
            zone: TimeZone::system(),
            watcher: WatchState::load(&state::path(Path::new("/"))),
            talk: String::new(),
        };
        let Some(asked) = asked else {
            return histories;
        };
        let Reading { history, errors } = asked.finish();
        // Half a journal's "no incident" would be no answer.
        histories.history = history.filter(|_| errors.is_empty());
        if histories.history.is_some() {
            return histories;
        }
        let why: String = errors.iter().map(ToString::to_string).collect();
        let why = if nix::unistd::geteuid().is_root() || !journal::is_there() {
            why
        } else {
            "reading the journal needs group systemd-journal or root".into()
        };
        histories.talk = format!("unhang: incidents unknown: {why}\n");
        histories
    }

    pub fn of(&self, nic: &Nic) -> NicHistory {
        let mut of = NicHistory::default();
        if let (Some(history), Some(address)) = (&self.history, pci_address(nic)) {
            self.count(history, &address, &mut of);
        }
        if let Some(state) = self.watcher.nics.get(&nic.ifindex) {
            of.lines.extend(self.watcher_line(state));
            of.watcher = Some(WatchCounts {
                last_link_up: state.last_link_up,
                put_back: state.put_back,
                wedges: state.wedges,
                recoveries: state.recoveries,
            });
        }
        of
    }

    fn count(&self, history: &History, address: &str, of: &mut NicHistory) {
        let nics = &history.incidents.nics;
        let same = |nic: &crate::hang::LoggedNic| nic.device.pci.as_deref() == Some(address);
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
        let all = || history.incidents.of(index);
        let here: u64 = all().filter(|i| Some(i.boot) == now).map(|i| i.times).sum();
        let in_all: u64 = all().map(|i| i.times).sum();
        let verdict = verdict::on_nic(history, index);
        let wedged = all().any(|i| Some(i.boot) == now && i.ended_by.is_none());
        let last = all().next_back();
        of.incidents = Some(here);
        of.incidents_in_all = Some(in_all);
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
        of.configuration.clone_from(&verdict.configuration);
        if wedged {
            of.lines.push(style::bad("it hangs now: nothing is sent"));
        }
        of.lines.push(match last {
            None => {
                let up: i64 = history.stretches(index).iter().map(Stretch::length).sum();
                format!("no incident in {} of up-time", span(up))
            }
            Some(last) => format!(
                "incidents: {here} this boot, {in_all} in all, the last {}; {}{}",
                when(&last.start, &self.zone),
                verdict
                    .configuration
                    .map_or(String::new(), |name| format!("{name}: ")),
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
