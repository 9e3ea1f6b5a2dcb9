//! What a decision sets, spelled out for programs that can't ask the kernel.
//!
//! A rule's keys are expanded against the kernel names known to this version, later
//! settings winning feature by feature, as [`crate::plan`] does against the running kernel.
//! For programs that speak ethtool's short names the result is folded again.

use crate::features::{Key, known_names, on_off, short_names};
use crate::rules::Decision;
use crate::settings::{Family, Name, Value};

/// Features and what they shall be, in the order of the rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    features: Vec<(String, bool)>,
    /// Settings beside the offloads, in the order in which they are set.
    pub values: Vec<(Name, Value)>,
}

impl Settings {
    /// What `decision` wants. A key that no known kernel has is kept as it is, unless it is a pattern.
    pub fn new(decision: &Decision<'_>) -> Settings {
        let mut settings = Settings::default();
        for setting in &decision.settings {
            let known = known_names().iter().filter(|name| setting.key.covers(name));
            let mut names: Vec<String> = known.map(|name| (*name).to_owned()).collect();
            if names.is_empty() && !setting.key.pattern().contains(['*', '?', '[', '{']) {
                names.push(setting.key.as_str().to_owned());
            }
            settings
                .features
                .retain(|(feature, _)| !names.contains(feature));
            let wanted = names.into_iter().map(|name| (name, setting.on));
            settings.features.extend(wanted);
        }
        let values = decision.values.iter();
        settings.values = values.map(|v| (v.name.clone(), v.value)).collect();
        settings
    }

    /// Kernel names and what they shall be.
    pub fn features(&self) -> impl Iterator<Item = (&str, bool)> {
        self.features.iter().map(|(name, on)| (name.as_str(), *on))
    }

    /// What this feature shall be; `None` if no rule says.
    pub fn get(&self, feature: &str) -> Option<bool> {
        self.features()
            .find(|(name, _)| *name == feature)
            .map(|(_, on)| on)
    }

    /// What all known features under `key` shall be, if all shall be the same.
    pub fn whole(&self, key: &Key) -> Option<bool> {
        let covered = known_names().iter().filter(|name| key.covers(name));
        let mut states = covered.map(|name| self.get(name));
        let first = states.next()??;
        states.all(|state| state == Some(first)).then_some(first)
    }

    /// The same in ethtool's words: a short name where all under it is set alike, kernel names else.
    pub fn words(&self) -> Vec<(String, bool)> {
        let mut words: Vec<(String, bool)> = Vec::new();
        for (feature, on) in self.features() {
            let short = short_names().find(|key| key.covers(feature) && self.whole(key).is_some());
            let word = short.map_or_else(|| feature.to_owned(), |key| key.as_str().to_owned());
            if !words.contains(&(word.clone(), on)) {
                words.push((word, on));
            }
        }
        words
    }

    /// The same as ethtool(8)'s options, each with the words that come after the interface.
    /// Wake-on-LAN is not among them, as it can only be set as a whole there.
    pub fn ethtool(&self) -> Vec<(&'static str, String)> {
        let offloads = self.words().into_iter();
        let offloads = offloads.map(|(word, on)| ("-K", format!("{word} {}", on_off(on))));
        let mut commands: Vec<(&str, String)> = offloads.collect();
        let families = self.values.chunk_by(|(a, _), (b, _)| a.family == b.family);
        for family in families {
            let option = match family[0].0.family {
                Family::Wol => continue,
                Family::Coalesce => "-C",
                Family::Eee => "--set-eee",
                Family::Pause => "-A",
                Family::Ring => "-G",
                Family::PrivateFlags => "--set-priv-flags",
            };
            // The words of a udev rule and a unit are split at blanks.
            let words = family.iter().filter(|(name, _)| !name.key.contains(' '));
            let word = |(name, value): &(Name, Value)| match name.family {
                Family::Eee => format!("eee {value}"),
                _ => format!("{} {value}", name.key),
            };
            let words: Vec<String> = words.map(word).collect();
            if !words.is_empty() {
                commands.push((option, words.join(" ")));
            }
        }
        commands
    }

    pub fn is_empty(&self) -> bool {
        self.features.is_empty() && self.values.is_empty()
    }

    /// One line that differs whenever anything else is set.
    pub fn summary(&self) -> String {
        let mut parts: Vec<String> = self
            .features()
            .map(|(name, on)| format!("{name}={}", on_off(on)))
            .collect();
        parts.extend(
            self.values
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        );
        parts.sort_unstable();
        parts.join(" ")
    }

    /// In ethtool's words, for people: `tso off, gso off`.
    pub fn for_people(&self) -> String {
        let words = self.words().into_iter();
        let words = words.map(|(word, on)| format!("{word} {}", on_off(on)));
        let values = self
            .values
            .iter()
            .map(|(name, value)| format!("{name} {value}"));
        words.chain(values).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nic::Nic;
    use crate::rules::{decide, parse};

    fn settings(offload: &str) -> Settings {
        let text = format!("[[rule]]\nname = \"a\"\nmatch.driver = \"x\"\n{offload}");
        let rules = parse(&text).unwrap();
        let nic = Nic {
            driver: Some("x".into()),
            ..Nic::default()
        };
        Settings::new(&decide(&rules, &nic))
    }

    #[test]
    fn a_short_name_is_spelled_out_and_folded_again() {
        let settings = settings("offload = { tso = false, gro = false }");
        assert_eq!(settings.get("tx-tcp6-segmentation"), Some(false));
        assert_eq!(
            settings.words(),
            [("tso".into(), false), ("gro".into(), false)]
        );
    }

    #[test]
    fn a_part_that_is_set_otherwise_keeps_its_own_name() {
        let words = settings("offload = { tso = false, tx-tcp6-segmentation = true }").words();
        assert!(words.contains(&("tx-tcp-segmentation".into(), false)));
        assert!(words.contains(&("tx-tcp6-segmentation".into(), true)));
        assert!(!words.iter().any(|(word, _)| word == "tso"));
    }

    #[test]
    fn a_name_of_a_future_kernel_is_kept_but_no_pattern() {
        let words = settings("offload = { tx-new-thing = false, 'rx-new*' = false }").words();
        assert_eq!(words, [("tx-new-thing".into(), false)]);
    }
}
