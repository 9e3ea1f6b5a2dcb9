//! What there is to do: a pure function of a decision and of what the kernel reports.

use crate::features::{Feature, Features, KernelError, Key};
use crate::rules::{Decision, Setting, ValueSetting};
use crate::settings::{Family, Name, Reading, Value};

/// What the kernel says of a NIC, as far as anything of it is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Now {
    pub features: Features,
    pub families: Vec<(Family, Result<Reading, KernelError>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Offload keys, in the order of the rules; keys that later rules override are not among them.
    pub keys: Vec<KeyPlan>,
    /// Settings beside offloads, in the order in which they are set.
    pub values: Vec<ValuePlan>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValuePlan {
    pub name: Name,
    pub wanted: Value,
    pub rule: String,
    pub is: Is,
}

/// What a setting is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Is {
    Value(Value),
    /// The NIC has nothing of that family.
    NoFamily,
    /// It has the family, but not this.
    NoKey,
    /// It can't be read.
    Unread(KernelError),
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
    /// What it takes to bring a NIC to what `decision` wants. Later rules win, feature by feature.
    pub fn new(decision: &Decision<'_>, now: &Now) -> Plan {
        let features = &now.features;
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
            values: decision
                .values
                .iter()
                .map(|v| ValuePlan::new(v, now))
                .collect(),
        }
    }

    /// Whether all is as wanted.
    pub fn is_right(&self) -> bool {
        self.keys.iter().all(KeyPlan::is_right) && self.values.iter().all(ValuePlan::is_right)
    }

    /// What is to be changed and makes e1000e drop the link; all of it is one drop.
    pub fn drops_link(&self) -> Vec<String> {
        let changes = |key: &&KeyPlan| key.features.iter().any(|f| f.state.needs_set());
        let keys = self.keys.iter().filter(changes).map(|key| &key.key);
        let keys = keys.filter(|key| key.resets_e1000e());
        let values = self.values.iter().filter(|value| value.needs_set());
        let values = values
            .map(|value| &value.name)
            .filter(|name| name.drops_link());
        let keys = keys.map(ToString::to_string);
        keys.chain(values.map(ToString::to_string)).collect()
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
        let offloads = self.keys.iter().map(|key| &key.rule);
        for rule in offloads.chain(self.values.iter().map(|value| &value.rule)) {
            if !names.contains(rule) {
                names.push(rule.clone());
            }
        }
        names
    }
}

impl Now {
    /// What the setting is.
    pub fn of(&self, name: &Name) -> Is {
        let family = self.families.iter().find(|(f, _)| *f == name.family);
        match family.map(|(_, reading)| reading) {
            Some(Ok(reading)) => name.of(reading).map_or(Is::NoKey, Is::Value),
            None | Some(Err(KernelError::NotSupported)) => Is::NoFamily,
            Some(Err(error)) => Is::Unread(error.clone()),
        }
    }
}

impl Is {
    /// Whether that is as wanted. What does not exist is as good as off.
    pub fn is_right(&self, name: &Name, wanted: Value) -> bool {
        match self {
            Is::Value(is) => *is == wanted || *is == name.made_of(wanted),
            Is::NoFamily | Is::NoKey => wanted == Value::Switch(false),
            Is::Unread(_) => false,
        }
    }
}

impl ValuePlan {
    fn new(setting: &ValueSetting<'_>, now: &Now) -> ValuePlan {
        ValuePlan {
            name: setting.name.clone(),
            wanted: setting.value,
            rule: setting.rule.name.clone(),
            is: now.of(setting.name),
        }
    }

    /// Whether it is as wanted.
    pub fn is_right(&self) -> bool {
        self.is.is_right(&self.name, self.wanted)
    }

    /// Whether it is to be changed.
    pub fn needs_set(&self) -> bool {
        matches!(self.is, Is::Value(_)) && !self.is_right()
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
