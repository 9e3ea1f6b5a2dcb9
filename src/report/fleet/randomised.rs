//! Trials for which some machines were drawn, and others to compare them with.

use super::{Host, Nic};
use crate::report::stats::randomised::{Arm, Randomised, Unit, weigh};
use crate::report::{days, in_seconds, plural, wording};
use serde_json::{Value, json};

/// What a NIC's report says of such a trial.
#[derive(Clone, Debug)]
pub struct TrialArm {
    pub setting: String,
    pub in_trial: bool,
    /// µs since 1970.
    pub since: i64,
    /// Of up-time until it hung, at most what was asked for.
    pub days: f64,
    pub hung: bool,
    pub is_open: bool,
}

/// A trial and what came of it.
pub struct Trial {
    pub setting: String,
    pub randomised: Randomised,
}

impl TrialArm {
    /// `None` for what an older unhang reports.
    pub(super) fn new(trial: &Value) -> Option<TrialArm> {
        let since: jiff::Timestamp = trial.get("since")?.as_str()?.parse().ok()?;
        let days = super::days(trial.get("observed_s")?)?;
        let needed = trial.get("needed_days")?.as_f64()?;
        let hung = trial.get("hung")?.as_bool()?;
        Some(TrialArm {
            setting: super::clean(trial.get("setting")?.as_str()?),
            in_trial: trial.get("result")?.as_str()? != "control",
            since: since.as_microsecond(),
            days,
            hung,
            is_open: !hung && days < needed,
        })
    }
}

/// All of which there are NICs in both arms, in the order in which they began.
pub fn trials(hosts: &[Host]) -> Vec<Trial> {
    let nics: Vec<&Nic> = hosts.iter().flat_map(|host| &host.nics).collect();
    let mut settings: Vec<(i64, &str)> = Vec::new();
    for arm in nics.iter().flat_map(|nic| &nic.trials) {
        match settings
            .iter_mut()
            .find(|(_, setting)| *setting == arm.setting)
        {
            Some((since, _)) => *since = arm.since.min(*since),
            None => settings.push((arm.since, &arm.setting)),
        }
    }
    settings.sort_unstable();
    let mut chips: Vec<&Option<String>> = nics.iter().map(|nic| &nic.chip).collect();
    chips.sort_unstable();
    chips.dedup();
    let mut found = Vec::new();
    for (_, setting) in settings {
        let unit = |nic: &&Nic| {
            // The first: after it the NIC is not as it was drawn.
            let arm = nic.trials.iter().find(|arm| arm.setting == setting)?;
            Some(Unit {
                stratum: chips.binary_search(&&nic.chip).unwrap_or(0),
                in_trial: arm.in_trial,
                days: arm.days,
                hung: arm.hung,
                is_open: arm.is_open,
            })
        };
        let units: Vec<Unit> = nics.iter().filter_map(unit).collect();
        if let Some(randomised) = weigh(&units, found.len() + 1) {
            found.push(Trial {
                setting: setting.to_owned(),
                randomised,
            });
        }
    }
    found
}

impl Trial {
    /// Its kind, for machines, and what came of it, in words.
    pub fn said(&self) -> (&'static str, String) {
        let weighed = &self.randomised;
        let arm = |arm: &Arm| format!("{} of {} in {}", arm.hung, arm.nics, days(arm.days));
        let seen = format!(
            "Trial of {} by lot: NICs that hung with it, {}; without it, {}.",
            self.setting,
            arm(&weighed.trial),
            arm(&weighed.control)
        );
        if weighed.open > 0 {
            let open = plural(weighed.open, "NIC");
            let text = format!("{seen} {open} have time to go: ask again when it is over.");
            return ("running", text);
        }
        let (kind, how_many, chance, so) = if weighed.helps() {
            ("helps", "few", weighed.fewer, ". It helps.")
        } else if weighed.harms() {
            ("harms", "many", weighed.more, ". It does harm.")
        } else {
            let so = ": no difference is seen.";
            ("no-difference-seen", "few", weighed.fewer, so)
        };
        let chance = wording::chance(chance);
        let text =
            format!("{seen} By the lot alone, so {how_many} would have hung with it {chance}{so}");
        (kind, text)
    }

    pub fn value(&self) -> Value {
        let weighed = &self.randomised;
        let arm = |arm: &Arm| json!({"nics": arm.nics, "hung": arm.hung, "exposure_s": in_seconds(arm.days)});
        let answered = |chance: f64| (weighed.open == 0).then_some(chance);
        let (kind, text) = self.said();
        json!({
            "setting": self.setting,
            "kind": kind,
            "text": text,
            "trial": arm(&weighed.trial),
            "control": arm(&weighed.control),
            "open": weighed.open,
            "chance_fewer": answered(weighed.fewer),
            "chance_more": answered(weighed.more),
        })
    }
}
