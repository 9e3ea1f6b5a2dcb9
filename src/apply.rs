//! Carrying a plan out, and what came of it.
//!
//! One GET, one SET with all changes, one GET to verify. An acknowledged SET says nothing:
//! what counts is what the kernel reports afterwards.

use crate::features::{FeatureKernel, Features, KernelError, Key};
use crate::nic::Nic;
use crate::plan::{FeaturePlan, KeyPlan, Plan, State};
use crate::rules::Decision;
use crate::saved_state::{Saved, SavedState};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub nic: Nic,
    /// The rules that want something of it.
    pub rules: Vec<String>,
    /// Per offload key, in the order of the rules. Empty if the kernel could not be asked.
    pub keys: Vec<KeyOutcome>,
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
            None if self.rules.is_empty() && self.keys.is_empty() => Summary::NoRule,
            None if self.keys.iter().all(|k| k.result == AlreadyRight) => Summary::AlreadyRight,
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

async fn carry_out(
    kernel: &mut impl FeatureKernel,
    state: &SavedState,
    saved: &Saved,
    decision: &Decision<'_>,
    outcome: &mut Outcome,
) -> Result<(), KernelError> {
    let ifindex = outcome.nic.ifindex;
    let before = kernel.get(ifindex).await?;
    outcome.nic.name.clone_from(&before.interface);
    let plan = Plan::new(decision, &before);
    outcome.rules = plan.rules();
    let to_set = plan.in_state(State::needs_set);
    let to_save = saved.and(to_set.iter().filter_map(|(name, _)| before.get(name)));
    if to_save != *saved {
        // Before it is changed: whoever is killed while the kernel does it has it saved.
        let written = state.write(&outcome.nic, &to_save);
        outcome.unsaved = written.err().map(|error| error.to_string());
    }
    let mut after = None;
    let mut changed = Vec::new();
    if !to_set.is_empty() {
        let stuck = plan.in_state(|state| state == State::Stuck);
        let opposite: Vec<_> = stuck.iter().map(|(name, on)| (*name, !on)).collect();
        let first = if stuck.is_empty() { &to_set } else { &opposite };
        let done = kernel.set(ifindex, first).await;
        if done.is_err() && to_save != *saved {
            // Nothing was changed.
            let _ = state.write(&outcome.nic, saved);
        }
        changed = done?.changed;
        if !stuck.is_empty() {
            changed = kernel.set(ifindex, &to_set).await?.changed;
        }
        after = Some(kernel.get(ifindex).await?);
    }
    let after = after.as_ref().unwrap_or(&before);
    outcome.nic.name.clone_from(&after.interface);
    outcome.keys = plan
        .keys
        .iter()
        .map(|key| key_outcome(key, after))
        .collect();
    let planned = |name: &str| plan.features().any(|(feature, _)| feature.name == name);
    outcome.side_effects = side_effects(changed, &before, planned);
    Ok(())
}

/// What changed without having been asked for.
pub(crate) fn side_effects(
    mut changed: Vec<(String, bool)>,
    before: &Features,
    asked: impl Fn(&str) -> bool,
) -> Vec<(String, bool)> {
    changed
        .retain(|(name, on)| !asked(name) && before.get(name).is_some_and(|was| was.active != *on));
    changed
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
