//! What the journal and the watcher say of this machine's e1000e NICs, for `unhang status`.

use std::path::Path;

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::nic::Nic;
use crate::report::history::History;
use crate::report::in_force::Stretch;
use crate::report::journal;
use crate::report::reading::{Reading, Started, pci_address};
use crate::report::trials::Progress;
use crate::report::{iso, plural, span, verdict, when};
use crate::style;
use crate::trial::criterion;
use crate::trial::{Trial, tenths};
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
    trial: Option<TrialSoFar>,
    #[serde(skip)]
    lines: Vec<String>,
}

/// How far the NIC's trial is.
#[derive(Debug, Serialize)]
struct TrialSoFar {
    setting: String,
    since: String,
    /// Of up-time without an incident, and how many it takes; `null`: the journal can't be read.
    days: Option<f64>,
    needed_days: f64,
    incidents: Option<u64>,
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

/// `trial: eee off, day 3.1 of 5.8, no incident`
fn trial_line(trial: &Trial<'_>, progress: Option<Progress>) -> String {
    let (setting, needed) = (&trial.setting, tenths(trial.criterion.tenths));
    let Some(progress) = progress else {
        return format!("trial: {setting}, it takes {needed} days; how far it is, is not known");
    };
    let days = in_tenths(progress.days);
    let said = format!("trial: {setting}, day {days:.1} of {needed}");
    if progress.incidents > 0 {
        let incidents = plural(progress.incidents, "incident");
        format!("{said}, {incidents}: refuted; 'unhang try --stop' restores what was before")
    } else if criterion::is_reached(&progress, trial) {
        format!("{said}, no incident: it helps; 'unhang try --keep' keeps it")
    } else {
        format!("{said}, no incident")
    }
}

/// Rounded down: a day that is not over is not claimed.
fn in_tenths(days: f64) -> f64 {
    (days * 10.0).floor() / 10.0
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

    pub fn of(&self, nic: &Nic, trial: Option<&Trial<'_>>) -> NicHistory {
        let mut of = NicHistory::default();
        if let Some(trial) = trial {
            let progress = self
                .history
                .as_ref()
                .map(|history| criterion::progress(history, criterion::find(history, nic), trial));
            of.lines.push(trial_line(trial, progress));
            of.trial = Some(TrialSoFar {
                setting: trial.setting.to_string(),
                since: trial.criterion.since.clone(),
                days: progress.map(|progress| in_tenths(progress.days)),
                needed_days: f64::from(trial.criterion.tenths) / 10.0,
                incidents: progress.map(|progress| progress.incidents),
            });
        }
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
            (state.put_back, "offload restored", "offloads restored"),
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::rules::{Criterion, parse};
    use crate::trial::Setting;

    #[test]
    fn a_trial_says_how_far_it_is() {
        let rule = "[[rule]]\nname = \"t\"\nmatch.driver = \"e1000e\"\neee.enabled = false\n";
        let rule = parse(rule).unwrap().remove(0);
        let criterion = Criterion {
            since: "2026-11-24T22:00:00Z".into(),
            tenths: 58,
        };
        let trial = Trial {
            path: Path::new("90-trial.toml"),
            rule: &rule,
            criterion: &criterion,
            setting: Setting::of(&rule).unwrap(),
        };
        let line = |days, incidents| trial_line(&trial, Some(Progress { days, incidents }));
        assert_eq!(line(3.19, 0), "trial: eee off, day 3.1 of 5.8, no incident");
        assert!(line(5.79, 0).ends_with("day 5.7 of 5.8, no incident"));
        assert!(line(5.81, 0).contains("it helps; 'unhang try --keep'"));
        assert!(line(9.0, 1).contains("1 incident: refuted; 'unhang try --stop'"));
        assert!(trial_line(&trial, None).contains("not known"));
    }
}
