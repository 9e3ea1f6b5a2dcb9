//! Putting back, feature by feature, what was there before unhang changed it.
//!
//! The way is the one of [`crate::apply`]: what is remembered is a rule for one NIC.

use crate::apply::{KeyResult, Outcome, apply};
use crate::features::{Changes, FeatureKernel, Features, KernelError, Key};
use crate::memory::{Memory, Remembered};
use crate::nic::Nic;
use crate::rules::{Drift, Match, Rule, Wanted, decide};

/// Why a NIC is not put back.
#[derive(Debug, thiserror::Error)]
pub enum RevertError {
    /// The watcher would undo it at once.
    #[error("it can't be noted that this NIC is to be left alone: {0}")]
    Unnoted(#[from] std::io::Error),
}

/// Puts the NIC back and has it left alone from now on. The outcome has no keys if unhang
/// changed nothing.
pub async fn revert(
    kernel: &mut impl FeatureKernel,
    memory: &Memory,
    nic: &Nic,
) -> Result<Outcome, RevertError> {
    let before = memory.read(nic);
    let mut noted = Remembered {
        reverted: true,
        ..before.clone()
    };
    // Noted first, or the watcher takes it for drift.
    memory.write(nic, &noted)?;
    let rule = Rule {
        name: "revert".into(),
        description: None,
        evidence: None,
        matches: Match::default(),
        offload: before.before.iter().map(wanted).collect(),
        drift: Drift::default(),
        recover: None,
        span: 0..0,
    };
    let mut kernel = Forgetful(kernel);
    let outcome = apply(&mut kernel, nic, &decide([&rule], nic)).await;
    if outcome.error.is_some() {
        memory.write(nic, &before)?;
        return Ok(outcome);
    }
    let is_back = |name: &String| {
        let of_feature = outcome.keys.iter().find(|key| key.key.as_str() == name);
        of_feature.is_some_and(|key| {
            matches!(
                key.result,
                KeyResult::AlreadyRight | KeyResult::Changed | KeyResult::Secured
            )
        })
    };
    noted.before.retain(|(name, _)| !is_back(name));
    memory.write(nic, &noted)?;
    Ok(outcome)
}

fn wanted((name, on): &(String, bool)) -> Wanted {
    Wanted {
        key: Key::new(name.as_str()),
        on: *on,
        span: 0..0,
    }
}

/// A kernel for which nothing is remembered: putting back is no change of unhang's.
struct Forgetful<'k, K>(&'k mut K);

impl<K: FeatureKernel> FeatureKernel for Forgetful<'_, K> {
    async fn get(&mut self, ifindex: u32) -> Result<Features, KernelError> {
        self.0.get(ifindex).await
    }

    async fn set(&mut self, ifindex: u32, wanted: &[(&str, bool)]) -> Result<Changes, KernelError> {
        self.0.set(ifindex, wanted).await
    }
}
