//! What a machine's history says of a trial: whether anything can be learnt, after how many
//! days one will know, and how far it is.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "days are few"
)]

use jiff::Timestamp;

use super::{Setting, Trial};
use crate::hang::Settings;
use crate::nic::Nic;
use crate::report::configurations;
use crate::report::days;
use crate::report::history::History;
use crate::report::trials::{self, Progress};
use crate::report::wording::with;

/// So long a quiet nobody waits for.
const LONGEST_DAYS: f64 = 3650.0;

/// What is written down before a trial begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Tenths of days of up-time without an incident.
    pub tenths: u32,
    /// What it is compared with, in words; `None` if that is other hosts.
    pub before: Option<String>,
}

/// Whether the trial has shown that its setting helps.
pub fn is_reached(progress: &Progress, trial: &Trial<'_>) -> bool {
    progress.incidents == 0 && progress.days * 10.0 >= f64::from(trial.criterion.tenths)
}

/// Index of the NIC in the history, if that has anything of it.
pub fn find(history: &History, nic: &Nic) -> Option<usize> {
    let nics = &history.incidents.nics;
    let address = nic
        .path
        .as_deref()
        .and_then(|path| path.strip_prefix("pci-"));
    let by_address = nics
        .iter()
        .position(|n| address.is_some() && n.device.pci.as_deref() == address);
    let named = || history.incidents.by_name(&nic.name);
    by_address
        .or_else(|| named().filter(|index| nics[*index].device.pci.is_none() || address.is_none()))
}

/// What a trial of this setting takes from now on, or why nothing can be learnt from one.
pub fn ask(history: &History, nic: Option<usize>, setting: &Setting) -> Result<Asked, String> {
    let none = |what: &str| Err(format!("there is nothing to compare with: {what}"));
    let Some(nic) = nic else {
        return none("the log has no incident of this NIC");
    };
    let all = configurations::of_nic(history, nic);
    let settings = all
        .runs()
        .next_back()
        .and_then(|now| history.own.settings(now.in_force));
    let (name, value) = (setting.name(), setting.value());
    let mut settings = settings.into_iter().flat_map(Settings::iter);
    // Then what was before that is asked about, not the quiet since.
    let is_way_back = settings.any(|(key, is)| key == name && is != value);
    let Some(comparison) = all.if_changed_now(is_way_back) else {
        return none("it is not known what was in force when");
    };
    let with = all.numbered(comparison.from).next().map_or("", with);
    let up = days(comparison.days_before);
    if comparison.bursts_before == 0 {
        return none(&format!("no incident in {up} of up-time with {with}"));
    }
    let Some(needed) = comparison.needed.filter(|days| *days <= LONGEST_DAYS) else {
        return Err("so little happened before that no quiet would ever prove anything".into());
    };
    let bursts = match comparison.bursts_before {
        1 => "1 burst".to_owned(),
        more => format!("{more} bursts"),
    };
    Ok(Asked {
        // Never fewer.
        tenths: (needed * 10.0).ceil().max(1.0) as u32,
        before: Some(format!(
            "{bursts} of incidents in {up} of up-time with {with}"
        )),
    })
}

/// Up-time and incidents since the trial began, with its setting in force.
pub fn progress(history: &History, nic: Option<usize>, trial: &Trial<'_>) -> Progress {
    let since = trial.criterion.since.parse::<Timestamp>();
    let (Some(nic), Ok(since)) = (nic, since.map(Timestamp::as_microsecond)) else {
        return Progress::default();
    };
    let (name, value) = (trial.setting.name(), trial.setting.value());
    trials::progress(history, nic, (&name, &value), (since, None))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::report::reading::Reading;
    use crate::rules::Rule;

    const BLOCK: &str = "kernel: e1000e 0000:00:1f.6 eno1: Detected Hardware Unit Hang:";
    const RESET: &str = "kernel: e1000e 0000:00:1f.6 eno1: Reset adapter unexpectedly";
    const REST: &str = "rule a; e1000e 8086:15bb I219-LM (7)";

    /// A history in which the machine runs since the first line. `(day, line)`.
    fn history(lines: &[(f64, &str)]) -> History {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut text =
            String::from("2026-01-01T00:00:00.000000+00:00 h kernel: Linux version 6.12.0\n");
        for (day, line) in lines {
            let at = start.as_second() + (day * 86_400.0) as i64;
            let at = Timestamp::from_second(at).unwrap().to_zoned(TimeZone::UTC);
            text += &format!(
                "{}.000000+00:00 h {line}\n",
                at.strftime("%Y-%m-%dT%H:%M:%S")
            );
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let read = Reading::of_files(&[file.path().to_owned()], &TimeZone::UTC);
        assert!(read.errors.is_empty(), "{:?}", read.errors);
        read.history.unwrap()
    }

    fn said(what: &str, event: &str) -> String {
        format!("unhang[7]: eno1: {what}; {REST}; event {event}")
    }

    fn with_hangs(first: &str, days: &[f64], then: &[(f64, &str)]) -> History {
        let mut lines = vec![(0.001, first)];
        for day in days {
            lines.extend([(*day, BLOCK), (*day + 0.0001, RESET)]);
        }
        lines.extend(then);
        history(&lines)
    }

    fn asked(history: &History, setting: &str) -> Result<Asked, String> {
        let setting = setting.parse().unwrap();
        ask(history, history.incidents.by_name("eno1"), &setting)
    }

    const HANGS: [f64; 8] = [1.0, 3.2, 4.9, 7.5, 9.0, 11.4, 13.1, 15.0];

    #[test]
    fn the_more_often_it_hung_the_sooner_one_knows() {
        let off = said("tso gso gro off (were on)", "add");
        let often = with_hangs(&off, &HANGS, &[(16.0, "kernel: end")]);
        let seldom = with_hangs(&off, &HANGS[..4], &[(16.0, "kernel: end")]);
        let (often, seldom) = (
            asked(&often, "eee=off").unwrap(),
            asked(&seldom, "eee=off").unwrap(),
        );
        assert!(
            often.tenths > 20 && often.tenths < seldom.tenths,
            "{often:?} {seldom:?}"
        );
        assert_eq!(
            often.before.unwrap(),
            "8 bursts of incidents in 16.0 days of up-time with tso gso gro off"
        );
    }

    #[test]
    fn without_an_incident_there_is_nothing_to_compare_with() {
        let off = said("tso gso gro off (were on)", "add");
        let quiet = with_hangs(&off, &[], &[(30.0, "kernel: end")]);
        let why = asked(&quiet, "eee=off").unwrap_err();
        assert_eq!(
            why,
            "there is nothing to compare with: no incident in 30.0 days of up-time with tso gso gro off"
        );
        let why = ask(&quiet, None, &"eee=off".parse().unwrap()).unwrap_err();
        assert!(
            why.ends_with("the log has no incident of this NIC"),
            "{why}"
        );
    }

    #[test]
    fn the_way_back_is_compared_with_what_was_before_the_offload_was_off() {
        let on = said("rx already on", "add");
        let off = said("tso gso gro off (were on)", "manual");
        let cured = with_hangs(&on, &HANGS, &[(16.0, off.as_str()), (46.0, "kernel: end")]);
        let back = asked(&cured, "tso=on").unwrap();
        assert!(
            back.before
                .as_ref()
                .is_some_and(|before| before.starts_with("8 bursts of incidents in ")),
            "{back:?}"
        );
        let why = asked(&cured, "eee=off").unwrap_err();
        assert!(
            why.contains("no incident in 30.0 days of up-time with"),
            "{why}"
        );
    }

    #[test]
    fn days_and_incidents_count_from_its_beginning_while_it_is_in_force() {
        let off = said("tso gso gro off (were on)", "add");
        let eee = said("tso gso gro already off, eee off (was on)", "trial");
        let over = said("trial eee off stopped, eee on (was off)", "trial");
        let then = [
            (16.0, eee.as_str()),
            (17.0, BLOCK),
            (17.001, RESET),
            (18.5, over.as_str()),
            (19.0, BLOCK),
            (19.001, RESET),
            (20.0, "kernel: end"),
        ];
        let history = with_hangs(&off, &HANGS, &then);
        let rule: Rule = crate::rules::parse(
            "[[rule]]\nname = \"t\"\nmatch.driver = \"e1000e\"\neee.enabled = false\n[rule.trial]\nsince = 2026-01-17T00:00:00Z\nneeded-days = 2.5\n",
        )
        .unwrap()
        .remove(0);
        let trial = Trial {
            path: Path::new("90-trial.toml"),
            rule: &rule,
            criterion: rule.trial.as_ref().unwrap(),
            setting: Setting::of(&rule).unwrap(),
        };
        let progress = progress(&history, history.incidents.by_name("eno1"), &trial);
        assert_eq!(progress.incidents, 1);
        assert!((progress.days - 2.5).abs() < 0.01, "{progress:?}");
        assert!(!is_reached(&progress, &trial));
        let quiet = Progress {
            days: 2.5,
            incidents: 0,
        };
        assert!(is_reached(&quiet, &trial));
        // What is over is as before the trial, not a configuration of its own.
        let all = configurations::of_nic(&history, 0);
        let names: Vec<&str> = all.runs().map(|one| one.name.as_str()).collect();
        assert_eq!(
            names,
            ["tso gso gro off", "tso gso gro eee off", "tso gso gro off"]
        );
    }
}
