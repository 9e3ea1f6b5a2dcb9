//! What there is to do: a pure function of a decision and of what the kernel reports.

use crate::features::{Feature, Features, Key};
use crate::rules::{Decision, Setting};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Offload keys, in the order of the rules; keys that later rules override are not among them.
    pub keys: Vec<KeyPlan>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPlan {
    pub key: Key,
    pub on: bool,
    pub rule: String,
    /// The kernel's features under that key that no later rule sets. Empty if this kernel has none.
    pub features: Vec<FeaturePlan>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeaturePlan {
    pub name: String,
    pub state: State,
    pub active: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing: it is as wanted.
    Right,
    /// Nothing: it is as wanted, and can't be otherwise.
    RightFixed,
    Change,
    /// Active is right, but the opposite was asked for: the next recomputation of the
    /// features (joining a bridge, say) would switch it. To be asked for.
    RightByChance,
    /// It was asked for as wanted, and is not so. Asking again does nothing, as the kernel
    /// recomputes features only when what is asked for changes: to be switched there and back.
    Stuck,
    /// It is not as wanted and can't be changed.
    Impossible,
}

impl State {
    fn of(feature: &Feature, on: bool) -> State {
        match (
            feature.changeable,
            feature.active == on,
            feature.wanted == on,
        ) {
            (true, true, true) => State::Right,
            (true, true, false) => State::RightByChance,
            (true, false, true) => State::Stuck,
            (true, false, false) => State::Change,
            (false, true, _) => State::RightFixed,
            (false, false, _) => State::Impossible,
        }
    }

    /// Whether the feature is as wanted, now and until somebody asks for something else.
    pub fn is_right(self) -> bool {
        matches!(self, State::Right | State::RightFixed)
    }

    pub fn needs_set(self) -> bool {
        matches!(self, State::Change | State::RightByChance | State::Stuck)
    }
}

impl Plan {
    /// What it takes to bring `features` to what `decision` wants. Later rules win, feature by feature.
    pub fn new(decision: &Decision<'_>, features: &Features) -> Plan {
        let settings = &decision.settings;
        let owner = |feature: &Feature| settings.iter().rposition(|s| s.key.covers(&feature.name));
        let mut keys: Vec<KeyPlan> = settings.iter().map(KeyPlan::without_features).collect();
        for feature in &features.list {
            if let Some(index) = owner(feature) {
                let key = &mut keys[index];
                key.features.push(FeaturePlan {
                    name: feature.name.clone(),
                    state: State::of(feature, key.on),
                    active: feature.active,
                });
            }
        }
        keys.iter_mut().for_each(KeyPlan::pass_over_impossible);
        let overridden = |index: usize, key: &KeyPlan| {
            key.features.is_empty()
                && (features
                    .list
                    .iter()
                    .any(|feature| key.key.covers(&feature.name))
                    || settings[index + 1..]
                        .iter()
                        .any(|later| *later.key == key.key))
        };
        let kept = keys
            .into_iter()
            .enumerate()
            .filter(|(index, key)| !overridden(*index, key));
        Plan {
            keys: kept.map(|(_, key)| key).collect(),
        }
    }

    /// All features that are planned for, with the value that is wanted.
    pub fn features(&self) -> impl Iterator<Item = (&FeaturePlan, bool)> {
        self.keys
            .iter()
            .flat_map(|key| key.features.iter().map(|feature| (feature, key.on)))
    }

    /// The features that are in this state, with the value that is wanted, as a SET takes them.
    pub fn in_state(&self, is: impl Fn(State) -> bool) -> Vec<(&str, bool)> {
        let those = self.features().filter(|(feature, _)| is(feature.state));
        those
            .map(|(feature, on)| (feature.name.as_str(), on))
            .collect()
    }

    /// The rules that want any of it, in order, each once.
    pub fn rules(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for key in &self.keys {
            if !names.contains(&key.rule) {
                names.push(key.rule.clone());
            }
        }
        names
    }
}

impl KeyPlan {
    fn without_features(setting: &Setting<'_>) -> KeyPlan {
        KeyPlan {
            key: setting.key.clone(),
            on: setting.on,
            rule: setting.rule.name.clone(),
            features: Vec::new(),
        }
    }

    /// A group that is wanted on is on when all of it is on that can be: no driver has every
    /// `tx-tcp*-segmentation` there is. It is impossible only if none of it can be.
    fn pass_over_impossible(&mut self) {
        let impossible = |feature: &FeaturePlan| feature.state == State::Impossible;
        if self.on && !self.features.iter().all(impossible) {
            self.features.retain(|feature| !impossible(feature));
        }
    }

    /// Whether this kernel has nothing under the key and that needs to be said: a feature that
    /// does not exist is as good as off, unless its name is one that no kernel is known to have.
    pub fn is_missing(&self) -> bool {
        self.features.is_empty() && (self.on || !self.key.is_known())
    }

    /// Whether everything under the key is as wanted.
    pub fn is_right(&self) -> bool {
        !self.is_missing() && self.features.iter().all(|feature| feature.state.is_right())
    }

    /// Whether anything under the key is on; `None` if this kernel has nothing under it.
    pub fn active(&self) -> Option<bool> {
        let deviates = self
            .features
            .iter()
            .any(|feature| feature.active != self.on);
        (!self.features.is_empty()).then_some(self.on != deviates)
    }
}
