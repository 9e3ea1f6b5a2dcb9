//! Restoring, feature by feature, what was requested before unhang changed it.

use crate::apply::{KeyOutcome, KeyResult, Outcome, side_effects};
use crate::features::{Feature, FeatureKernel, Features, KernelError, Key};
use crate::nic::Nic;
use crate::saved_state::{Saved, SavedState};

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
    if !saved.before.is_empty() {
        outcome.error = restore(kernel, &saved.before, &mut outcome).await.err();
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
    state.write(nic, &left)?;
    Ok(outcome)
}

async fn restore(
    kernel: &mut impl FeatureKernel,
    saved: &[Feature],
    outcome: &mut Outcome,
) -> Result<(), KernelError> {
    let ifindex = outcome.nic.ifindex;
    let before = kernel.get(ifindex).await?;
    let differs = |feature: &&Feature| {
        let now = before.get(&feature.name);
        now.is_some_and(|now| now.changeable && now.wanted != feature.wanted)
    };
    let to_set = saved.iter().filter(differs);
    let to_set: Vec<_> = to_set.map(|f| (f.name.as_str(), f.wanted)).collect();
    let mut after = None;
    if !to_set.is_empty() {
        let changed = kernel.set(ifindex, &to_set).await?.changed;
        let asked = |name: &str| saved.iter().any(|feature| feature.name == name);
        outcome.side_effects = side_effects(changed, &before, asked);
        after = Some(kernel.get(ifindex).await?);
    }
    let after = after.as_ref().unwrap_or(&before);
    outcome.nic.name.clone_from(&after.interface);
    let keys = saved.iter();
    outcome.keys = keys
        .map(|saved| key_outcome(saved, &before, after))
        .collect();
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
