//! Restoring, setting by setting, what was requested before unhang changed it.

use crate::apply::{
    KeyOutcome, KeyResult, Outcome, read, reread, side_effects, value_outcomes, write,
};
use crate::features::{Feature, FeatureKernel, Features, KernelError, Key};
use crate::nic::Nic;
use crate::plan::Is;
use crate::rules::{Decision, Rule};
use crate::saved_state::{Saved, SavedState};
use crate::settings::{Family, Name, Value};

#[derive(Debug, thiserror::Error)]
pub enum RevertError {
    /// The watcher would undo it at once.
    #[error("it can't be noted that this NIC is to be left alone: {0}")]
    Unnoted(#[from] std::io::Error),
}

/// Restores the NIC and has it left alone from now on. The outcome has no keys if nothing is saved.
pub async fn revert(
    kernel: &mut impl FeatureKernel,
    state: &SavedState,
    nic: &Nic,
) -> Result<Outcome, RevertError> {
    let _lock = state.lock();
    let saved = state.read(nic);
    let mut left = Saved {
        reverted: true,
        ..saved.clone()
    };
    // Noted first, or the watcher takes it for drift.
    state.write(nic, &left)?;
    let mut outcome = Outcome::new(nic.clone(), Vec::new(), None);
    if !saved.before.is_empty() || !saved.values.is_empty() {
        outcome.error = restore(kernel, &saved, &mut outcome).await.err();
    }
    if outcome.error.is_some() {
        state.write(nic, &saved)?;
        return Ok(outcome);
    }
    left.before.retain(|feature| {
        let key = |key: &&KeyOutcome| key.key.as_str() == feature.name;
        let result = outcome.keys.iter().find(key).map(|key| &key.result);
        matches!(result, Some(KeyResult::Fixed(_) | KeyResult::Refused(_)))
    });
    left.values.retain(|(name, value)| {
        let mut of_name = outcome.values.iter().filter(|value| value.name == *name);
        of_name.any(|now| matches!(now.is, Is::Value(is) if is != *value))
    });
    state.write(nic, &left)?;
    Ok(outcome)
}

/// Restores what `ended`, a rule that no longer counts, had set and `decision` does not.
pub async fn restore_after(
    kernel: &mut impl FeatureKernel,
    state: &SavedState,
    nic: &Nic,
    ended: &Rule,
    decision: &Decision<'_>,
) -> Outcome {
    let mut outcome = Outcome::new(nic.clone(), Vec::new(), None);
    let _lock = state.lock();
    let mut left = state.read(nic);
    if left.reverted {
        return outcome;
    }
    let is_its = |name: &str| {
        let mut others = decision.settings.iter().map(|setting| setting.key);
        let mut its = ended.offload.iter().map(|wanted| &wanted.key);
        its.any(|key| key.covers(name)) && !others.any(|key| key.covers(name))
    };
    let is_its_value = |name: &Name| {
        let mut others = decision.values.iter().map(|value| value.name);
        ended.values.iter().any(|wanted| wanted.name == *name) && !others.any(|n| n == name)
    };
    let (before, rest) = left.before.into_iter().partition(|f| is_its(&f.name));
    left.before = rest;
    let (values, rest) = left.values.into_iter().partition(|(n, _)| is_its_value(n));
    left.values = rest;
    let its = Saved {
        reverted: false,
        before,
        values,
    };
    if its == Saved::default() {
        return outcome;
    }
    outcome.error = restore(kernel, &its, &mut outcome).await.err();
    if outcome.error.is_none() {
        // If that fails, what is saved is still true.
        let _ = state.write(nic, &left);
    }
    outcome
}

async fn restore(
    kernel: &mut impl FeatureKernel,
    saved: &Saved,
    outcome: &mut Outcome,
) -> Result<(), KernelError> {
    let ifindex = outcome.nic.ifindex;
    let mut values: Vec<(&Name, Value)> = saved.values.iter().map(|(n, v)| (n, *v)).collect();
    values.sort_by_key(|(name, _)| name.family);
    let has = |family: &Family| values.iter().any(|(name, _)| name.family == *family);
    let before = read(kernel, ifindex, Family::ALL.into_iter().filter(has)).await?;
    let features = &before.features;
    let differs = |feature: &&Feature| {
        let now = features.get(&feature.name);
        now.is_some_and(|now| now.changeable && now.wanted != feature.wanted)
    };
    let to_set = saved.before.iter().filter(differs);
    let to_set: Vec<_> = to_set.map(|f| (f.name.as_str(), f.wanted)).collect();
    let mut after = before.clone();
    if !to_set.is_empty() {
        let made = kernel.set(ifindex, &to_set).await?;
        after.features.record(&to_set, &made);
        let asked = |name: &str| saved.before.iter().any(|feature| feature.name == name);
        outcome.side_effects = side_effects(features, &after.features, asked);
    }
    let differing: Vec<_> = values
        .iter()
        .filter(|(name, value)| matches!(before.of(name), Is::Value(is) if is != *value))
        .copied()
        .collect();
    let refusals = write(kernel, ifindex, &differing).await;
    reread(kernel, ifindex, &differing, &mut after).await;
    outcome.nic.name.clone_from(&after.features.interface);
    let keys = saved.before.iter();
    outcome.keys = keys
        .map(|saved| key_outcome(saved, features, &after.features))
        .collect();
    outcome.values = value_outcomes(values.into_iter(), &before, &after, &refusals);
    Ok(())
}

fn key_outcome(saved: &Feature, before: &Features, after: &Features) -> KeyOutcome {
    let names = || vec![saved.name.clone()];
    let mut on = saved.wanted;
    let result = match (before.get(&saved.name), after.get(&saved.name)) {
        (Some(_), Some(now)) if !now.changeable && now.active != on => KeyResult::Fixed(names()),
        // What is requested, and not so, may well have been not so before.
        (Some(_), Some(now)) if ![on, saved.active].contains(&now.active) => {
            KeyResult::Refused(names())
        }
        (Some(was), Some(now)) => {
            on = now.active;
            if was.active != on {
                KeyResult::Changed
            } else if was.wanted != now.wanted {
                KeyResult::Secured
            } else {
                KeyResult::AlreadyRight
            }
        }
        _ => KeyResult::Missing,
    };
    KeyOutcome {
        key: Key::new(saved.name.as_str()),
        on,
        result,
    }
}
