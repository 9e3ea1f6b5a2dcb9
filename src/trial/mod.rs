//! A trial: one setting of one NIC under observation, with its criterion written down beforehand.
//!
//! It is a rule like any other, in a file of its own, so that it outlives reboots; its
//! `[rule.trial]` table says when it began and how many days of up-time without an incident
//! it takes. What there is to learn is in [`criterion`], what is worth trying in [`worth`].

#[cfg(feature = "cli")]
pub mod criterion;
mod setting;
#[cfg(feature = "cli")]
pub mod worth;

pub use setting::{NotASetting, Setting};

use std::path::Path;

use crate::nic::Nic;
use crate::rules::{Criterion, Rule, RuleSet, decide};

/// After the owner's rules, which are numbered from 60.
const FILE: &str = "90-trial";
/// So that a trial that is kept stays later than most of the owner's rules.
const KEPT: &str = "80";

/// The trial that is running.
#[derive(Debug, Clone)]
pub struct Trial<'r> {
    pub path: &'r Path,
    pub rule: &'r Rule,
    pub criterion: &'r Criterion,
    pub setting: Setting,
}

impl<'r> Trial<'r> {
    /// The one that the rules have, whatever NIC it is on.
    pub fn running(rules: &'r RuleSet) -> Option<Trial<'r>> {
        rules.rules().find_map(|rule| Trial::of(rules, rule))
    }

    /// The same, if it is on this NIC.
    pub fn on(rules: &'r RuleSet, nic: &Nic) -> Option<Trial<'r>> {
        let looked = decide(rules.rules(), nic).looked;
        let mut matching = looked.iter().filter(|looked| looked.matched());
        matching.find_map(|looked| Trial::of(rules, looked.rule))
    }

    fn of(rules: &'r RuleSet, rule: &'r Rule) -> Option<Trial<'r>> {
        Some(Trial {
            criterion: rule.trial.as_ref()?,
            path: &rules.file_of(rule)?.path,
            rule,
            setting: Setting::of(rule)?,
        })
    }

    /// The text of an ordinary rule in its place, with this as its evidence, and its file's name.
    pub fn kept(&self, evidence: &str) -> (String, String) {
        let name = self.setting.slug();
        let matches = self.rule.matches.path.iter().map(|path| ("path", path));
        let mac = self.rule.matches.mac.iter().map(|mac| ("mac", mac));
        let matches: Vec<(&str, &str)> = matches
            .chain(mac)
            .map(|(key, value)| (key, value.as_str()))
            .collect();
        let text = rule_text(
            &name,
            "kept after a trial",
            evidence,
            &matches,
            &self.setting,
        );
        (format!("{KEPT}-{name}.toml"), text)
    }
}

/// The file name and the text of a trial on this NIC; `None` if nothing tells the NIC again
/// after a reboot.
pub fn file(
    nic: &Nic,
    setting: &Setting,
    criterion: &Criterion,
    evidence: &str,
) -> Option<(String, String)> {
    let plain = |text: &&String| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        text.chars().all(allowed)
    };
    let path = nic.path.as_ref().map(|path| ("path", path));
    let mac = nic.mac.as_ref().map(|mac| ("mac", mac));
    let mut known = path.into_iter().chain(mac);
    let (key, value) = known.find(|(_, value)| plain(value))?;
    let name = format!("trial-{}", setting.slug());
    let about = "on trial: 'unhang try --keep' keeps it, 'unhang try --stop' ends it";
    let mut text = rule_text(&name, about, evidence, &[(key, value)], setting);
    text += &format!(
        "\n[rule.trial]\nsince = {}\nneeded-days = {}\n",
        criterion.since,
        tenths(criterion.tenths)
    );
    Some((format!("{FILE}-{}.toml", setting.slug()), text))
}

fn rule_text(
    name: &str,
    about: &str,
    evidence: &str,
    matches: &[(&str, &str)],
    setting: &Setting,
) -> String {
    let quoted = |text: &str| text.replace(['"', '\\'], "'");
    let mut text = format!(
        "# Written by 'unhang try'.\n[[rule]]\nname = \"{name}\"\ndescription = \"{about}\"\nevidence = \"{}\"\n\n[rule.match]\n",
        quoted(evidence)
    );
    for (key, value) in matches {
        text += &format!("{key} = \"{}\"\n", quoted(value));
    }
    text + &format!("\n{}", setting.toml())
}

/// A length in tenths: 5.8.
pub fn tenths(tenths: u32) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::parse;

    #[test]
    fn a_trial_is_a_rule_that_says_what_it_is() {
        let nic = Nic {
            path: Some("pci-0000:00:1f.6".into()),
            ..Nic::default()
        };
        let criterion = Criterion {
            since: "2026-11-24T22:00:00Z".into(),
            tenths: 58,
        };
        for (word, file_name) in [
            ("eee=off", "90-trial-eee-off.toml"),
            ("tso=on", "90-trial-tso-on.toml"),
            ("ring.rx=512", "90-trial-ring-rx-512.toml"),
            (
                "private-flag.s0ix-enabled=off",
                "90-trial-private-flag-s0ix-enabled-off.toml",
            ),
            (
                "tx-tcp*-segmentation=off",
                "90-trial-tx-tcp--segmentation-off.toml",
            ),
        ] {
            let setting: Setting = word.parse().unwrap();
            let (name, text) = file(&nic, &setting, &criterion, "a \"word\"").unwrap();
            assert_eq!(name, file_name);
            let rules = parse(&text).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
            assert_eq!(rules[0].trial.as_ref(), Some(&criterion), "{word}");
            assert_eq!(Setting::of(&rules[0]), Some(setting.clone()), "{word}");
            assert_eq!(
                decide(&rules, &nic).rules(),
                [format!("trial-{}", setting.slug())]
            );
            let trial = Trial {
                path: Path::new(&name),
                rule: &rules[0],
                criterion: &criterion,
                setting,
            };
            let (_, kept) = trial.kept("it helped");
            let kept = parse(&kept).unwrap_or_else(|errors| panic!("{kept}: {errors:?}"));
            assert_eq!(Setting::of(&kept[0]), Some(trial.setting));
            assert_eq!(
                (&kept[0].trial, &kept[0].matches.path),
                (&None, &rules[0].matches.path)
            );
        }
        assert_eq!(
            file(&Nic::default(), &"tso=on".parse().unwrap(), &criterion, ""),
            None
        );
    }
}
