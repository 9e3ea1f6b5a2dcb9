//! Carrying a plan out, and what came of it.
//!
//! One GET and one SET with all changes, whose answer says what is so now: that it is acknowledged
//! says nothing. Each family of settings that a rule names is read, set, and read again, as its SET
//! has no answer. What drops the link is set at the end and without a pause, so that it drops once.

use crate::features::{FeatureKernel, Features, KernelError, Key};
use crate::nic::Nic;
use crate::plan::{FeaturePlan, Is, KeyPlan, Now, Plan, State, ValuePlan};
use crate::rules::Decision;
use crate::saved_state::{Saved, SavedState};
use crate::settings::{Family, Name, Value};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub nic: Nic,
    /// The rules that want something of it.
    pub rules: Vec<String>,
    /// Per offload key, in the order of the rules. Empty if the kernel could not be asked.
    pub keys: Vec<KeyOutcome>,
    /// Per setting beside the offloads.
    pub values: Vec<ValueOutcome>,
    /// Features that changed without having been asked for, and what they are now.
    pub side_effects: Vec<(String, bool)>,
    /// Why 'unhang revert' will not know what it was before.
    pub unsaved: Option<String>,
    pub error: Option<KernelError>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyOutcome {
    pub key: Key,
    pub on: bool,
    pub result: KeyResult,
}

/// What came of the features of one key together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyResult {
    /// All were as wanted before.
    AlreadyRight,
    /// All are as wanted now.
    Changed,
    /// All were as wanted, but the opposite was asked for. Now it no longer is.
    Secured,
    /// These are not as wanted, as the driver can't change them.
    Fixed(Vec<String>),
    /// These are not as wanted, though the kernel was asked.
    Refused(Vec<String>),
    Missing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueOutcome {
    pub name: Name,
    pub wanted: Value,
    pub was: Is,
    pub is: Is,
    /// Why the kernel refused it, in its words.
    pub refused: Option<String>,
}

impl ValueOutcome {
    pub fn is_right(&self) -> bool {
        self.is.is_right(&self.name, self.wanted)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Summary {
    /// No rule wants anything of this NIC.
    NoRule,
    /// All was as wanted before.
    AlreadyRight,
    /// All is as wanted now.
    Applied,
    /// Something is not as wanted.
    Partly,
    /// The kernel could not be asked.
    Failed,
    /// The NIC was gone before it was done.
    Gone,
}

impl Outcome {
    pub fn summary(&self) -> Summary {
        use KeyResult::{AlreadyRight, Changed, Secured};
        match &self.error {
            Some(KernelError::Gone) => Summary::Gone,
            Some(_) => Summary::Failed,
            None if self.rules.is_empty() && self.keys.is_empty() && self.values.is_empty() => {
                Summary::NoRule
            }
            None if !self.values.iter().all(ValueOutcome::is_right) => Summary::Partly,
            None if self.keys.iter().all(|k| k.result == AlreadyRight)
                && self.values.iter().all(|value| value.was == value.is) =>
            {
                Summary::AlreadyRight
            }
            None if self
                .keys
                .iter()
                .all(|k| matches!(k.result, AlreadyRight | Changed | Secured)) =>
            {
                Summary::Applied
            }
            None => Summary::Partly,
        }
    }

    /// One without any key.
    pub fn new(nic: Nic, rules: Vec<String>, error: Option<KernelError>) -> Outcome {
        Outcome {
            nic,
            rules,
            keys: Vec::new(),
            values: Vec::new(),
            side_effects: Vec::new(),
            unsaved: None,
            error,
        }
    }
}

/// What to do with a NIC that 'unhang revert' restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfReverted {
    Leave,
    /// Apply the rules: they count again.
    Apply,
}

/// Applies what `decision` wants to the NIC, as far as the kernel lets it, and says what came of it.
pub async fn apply(
    kernel: &mut impl FeatureKernel,
    saved: &SavedState,
    nic: &Nic,
    decision: &Decision<'_>,
    if_reverted: IfReverted,
) -> Outcome {
    let mut outcome = Outcome::new(nic.clone(), decision.rules(), None);
    if decision.is_empty() {
        return outcome;
    }
    let _lock = saved.lock();
    let before = saved.read(nic);
    if before.reverted && if_reverted == IfReverted::Leave {
        outcome.rules.clear();
        return outcome;
    }
    let done = carry_out(kernel, saved, &before, decision, &mut outcome).await;
    if let Err(error) = done {
        outcome.unsaved = None;
        outcome.error = Some(error);
    }
    outcome
}

/// What the kernel says of the NIC: its features, and of the families that are named.
pub async fn read(
    kernel: &mut impl FeatureKernel,
    ifindex: u32,
    families: impl Iterator<Item = Family>,
) -> Result<Now, KernelError> {
    let features = kernel.get(ifindex).await?;
    let mut now = Now {
        features,
        families: Vec::new(),
    };
    for family in families {
        let reading = kernel.read(ifindex, family).await;
        now.families.push((family, reading));
    }
    Ok(now)
}

async fn carry_out(
    kernel: &mut impl FeatureKernel,
    state: &SavedState,
    saved: &Saved,
    decision: &Decision<'_>,
    outcome: &mut Outcome,
) -> Result<(), KernelError> {
    let ifindex = outcome.nic.ifindex;
    let before = read(kernel, ifindex, decision.families()).await?;
    let features = &before.features;
    outcome.nic.name.clone_from(&features.interface);
    let plan = Plan::new(decision, &before);
    outcome.rules = plan.rules();
    let to_set = plan.in_state(State::needs_set);
    let values: Vec<&ValuePlan> = plan.values.iter().filter(|v| v.needs_set()).collect();
    let to_save = saved.and(
        to_set.iter().filter_map(|(name, _)| features.get(name)),
        values.iter().filter_map(|value| match value.is {
            Is::Value(is) => Some((&value.name, is)),
            _ => None,
        }),
    );
    if to_save != *saved {
        // Before it is changed: whoever is killed while the kernel does it has it saved.
        let written = state.write(&outcome.nic, &to_save);
        outcome.unsaved = written.err().map(|error| error.to_string());
    }
    let mut after = before.clone();
    if !to_set.is_empty() {
        let stuck = plan.in_state(|state| state == State::Stuck);
        let opposite: Vec<_> = stuck.iter().map(|(name, on)| (*name, !on)).collect();
        let first = if stuck.is_empty() { &to_set } else { &opposite };
        let done = kernel.set(ifindex, first).await;
        if done.is_err() && to_save != *saved {
            // Nothing was changed.
            let _ = state.write(&outcome.nic, saved);
        }
        after.features.record(first, &done?);
        if !stuck.is_empty() {
            let made = kernel.set(ifindex, &to_set).await?;
            after.features.record(&to_set, &made);
        }
    }
    let wanted: Vec<_> = values.iter().map(|v| (&v.name, v.wanted)).collect();
    let refusals = write(kernel, ifindex, &wanted).await;
    reread(kernel, ifindex, &wanted, &mut after).await;
    outcome.nic.name.clone_from(&after.features.interface);
    outcome.keys = plan
        .keys
        .iter()
        .map(|key| key_outcome(key, &after.features))
        .collect();
    outcome.values = value_outcomes(
        plan.values.iter().map(|value| (&value.name, value.wanted)),
        &before,
        &after,
        &refusals,
    );
    let planned = |name: &str| plan.features().any(|(feature, _)| feature.name == name);
    outcome.side_effects = side_effects(features, &after.features, planned);
    Ok(())
}

/// Sets these, which are in the order of their families, a request a family. One that is refused
/// keeps none of the others from being set.
pub(crate) async fn write(
    kernel: &mut impl FeatureKernel,
    ifindex: u32,
    wanted: &[(&Name, Value)],
) -> Vec<(Name, String)> {
    let why = |error: KernelError| match error {
        KernelError::NotSupported => "the driver can't change it".to_owned(),
        KernelError::Refused(words) => words,
        other => other.to_string(),
    };
    let mut refusals = Vec::new();
    for together in wanted.chunk_by(|(a, _), (b, _)| a.family == b.family) {
        let family = together[0].0.family;
        let values: Vec<_> = together.iter().map(|(n, v)| (n.key.as_str(), *v)).collect();
        let done = kernel.write(ifindex, family, &values).await;
        if together.len() > 1 && matches!(done, Err(KernelError::Refused(_))) {
            for (name, value) in together {
                let alone = kernel.write(ifindex, family, &[(&name.key, *value)]).await;
                refusals.extend(alone.err().map(|error| ((*name).clone(), why(error))));
            }
        } else if let Err(error) = done {
            let names = together.iter().map(|(name, _)| (*name).clone());
            let why = why(error);
            refusals.extend(names.map(|name| (name, why.clone())));
        }
    }
    refusals
}

/// Reads again the families of these, of which something was set.
pub(crate) async fn reread(
    kernel: &mut impl FeatureKernel,
    ifindex: u32,
    set: &[(&Name, Value)],
    now: &mut Now,
) {
    for (family, reading) in &mut now.families {
        if set.iter().any(|(name, _)| name.family == *family) {
            *reading = kernel.read(ifindex, *family).await;
        }
    }
}

pub(crate) fn value_outcomes<'n>(
    wanted: impl Iterator<Item = (&'n Name, Value)>,
    before: &Now,
    after: &Now,
    refusals: &[(Name, String)],
) -> Vec<ValueOutcome> {
    let outcome = |(name, wanted): (&Name, Value)| ValueOutcome {
        name: name.clone(),
        wanted,
        was: before.of(name),
        is: after.of(name),
        refused: refusals
            .iter()
            .find(|(refused, _)| refused == name)
            .map(|(_, why)| why.clone()),
    };
    wanted.map(outcome).collect()
}

/// What changed without having been asked for.
pub(crate) fn side_effects(
    before: &Features,
    after: &Features,
    asked: impl Fn(&str) -> bool,
) -> Vec<(String, bool)> {
    let both = before.list.iter().zip(&after.list);
    both.filter(|(was, is)| was.active != is.active && !asked(&is.name))
        .map(|(_, is)| (is.name.clone(), is.active))
        .collect()
}

fn key_outcome(key: &KeyPlan, after: &Features) -> KeyOutcome {
    let wrong = |state: fn(State) -> bool| -> Vec<String> {
        let is_wrong = |f: &&FeaturePlan| {
            state(f.state) && after.get(&f.name).is_none_or(|now| now.active != key.on)
        };
        key.features
            .iter()
            .filter(is_wrong)
            .map(|f| f.name.clone())
            .collect()
    };
    let fixed = wrong(|state| state == State::Impossible);
    let refused = wrong(|state| state != State::Impossible);
    let result = if key.is_missing() {
        KeyResult::Missing
    } else if !refused.is_empty() {
        KeyResult::Refused(refused)
    } else if !fixed.is_empty() {
        KeyResult::Fixed(fixed)
    } else if key.is_right() {
        KeyResult::AlreadyRight
    } else if key.features.iter().any(|feature| feature.active != key.on) {
        KeyResult::Changed
    } else {
        KeyResult::Secured
    };
    KeyOutcome {
        key: key.key.clone(),
        on: key.on,
        result,
    }
}
