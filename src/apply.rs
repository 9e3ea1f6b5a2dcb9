//! Carrying a plan out, and what came of it.
//!
//! One GET, one SET with all changes, one GET to verify. An acknowledged SET says nothing:
//! what counts is what the kernel reports afterwards.

use std::sync::Arc;
use std::time::Duration;

use crate::bounded;
use crate::features::{Connection, FeatureKernel, Features, KernelError, Key};
use crate::nic::Nic;
use crate::plan::{FeaturePlan, KeyPlan, Plan, State};
use crate::rules::{Decision, RuleSet, decide};

/// How long the kernel may take for one NIC. udevd gives an event 180 s; long before that
/// something else is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What came of applying a decision to a NIC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The NIC, by the name that it has now.
    pub nic: Nic,
    /// The rules that want something of it.
    pub rules: Vec<String>,
    /// Per offload key, in the order of the rules. Empty if the kernel could not be asked.
    pub keys: Vec<KeyOutcome>,
    /// Features that changed without having been asked for, and what they are now.
    pub side_effects: Vec<(String, bool)>,
    /// Why it went no further.
    pub error: Option<KernelError>,
}

/// What came of one offload key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyOutcome {
    /// The key.
    pub key: Key,
    /// Whether its features are wanted on.
    pub on: bool,
    /// Whether any feature under it was on before; `None` if this kernel has none.
    pub was: Option<bool>,
    /// What came of its features together.
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
    /// This kernel has no such feature.
    Missing,
}

/// An outcome in a word.
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
    /// The outcome in a word.
    pub fn summary(&self) -> Summary {
        use KeyResult::{AlreadyRight, Changed, Secured};
        match &self.error {
            Some(KernelError::Gone) => Summary::Gone,
            Some(_) => Summary::Failed,
            None if self.rules.is_empty() => Summary::NoRule,
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
}

impl Outcome {
    fn new(nic: Nic, decision: &Decision<'_>, error: Option<KernelError>) -> Outcome {
        Outcome {
            nic,
            rules: decision.rules(),
            keys: Vec::new(),
            side_effects: Vec::new(),
            error,
        }
    }
}

/// Brings each of the NICs to what the rules want, over one connection to the running kernel,
/// and gives the outcomes in the same order. Waits for none of them longer than ten seconds.
pub fn apply_all(nics: &[Nic], rules: &Arc<RuleSet>) -> Vec<Outcome> {
    let decisions: Vec<Decision<'_>> = nics.iter().map(|nic| decide(rules.rules(), nic)).collect();
    let decided = || nics.iter().zip(&decisions);
    let wanted = decided().filter(|(_, decision)| !decision.is_empty());
    let to_do: Vec<Nic> = wanted.map(|(nic, _)| nic.clone()).collect();
    // A NIC that no rule is for costs no connection.
    let mut work = (!to_do.is_empty()).then(|| {
        let rules = Arc::clone(rules);
        bounded::start(PATIENCE, move |sender| {
            // That nobody waits for an outcome any more, after a time-out, is no error.
            let connected = with_connection(async |connection| {
                for nic in &to_do {
                    let outcome = apply(connection, nic, &decide(rules.rules(), nic)).await;
                    let _ = sender.send(outcome);
                }
            });
            if let Err(error) = connected {
                for nic in to_do {
                    let decision = decide(rules.rules(), &nic);
                    let _ = sender.send(Outcome::new(nic, &decision, Some(error.clone())));
                }
            }
        })
    });
    let mut outcome = |(nic, decision): (&Nic, &Decision<'_>)| {
        let work = work.as_mut().filter(|_| !decision.is_empty());
        let error = match work.map(bounded::Work::next_result) {
            Some(Ok(Some(outcome))) => return outcome,
            Some(Err(late)) => Some(KernelError::Netlink(late.to_string())),
            Some(Ok(None)) | None => None,
        };
        Outcome::new(nic.clone(), decision, error)
    };
    decided().map(&mut outcome).collect()
}

/// Brings one NIC to what the rules want and gives what `report` makes of the outcome. For a
/// program that does nothing else: if the kernel does not answer within ten seconds, `report`
/// is called on another thread and what it makes of that is the process's exit status.
pub fn apply_or_exit(
    nic: &Nic,
    rules: &RuleSet,
    report: impl Fn(&Outcome) -> u8 + Clone + Send + 'static,
) -> u8 {
    let decision = decide(rules.rules(), nic);
    let outcome = |error| Outcome::new(nic.clone(), &decision, error);
    if decision.is_empty() {
        return report(&outcome(None));
    }
    let late_report = report.clone();
    let mut late = outcome(None);
    bounded::end_after(PATIENCE, move |error| {
        late.error = Some(KernelError::Netlink(error.to_string()));
        std::process::exit(late_report(&late).into());
    });
    let done = with_connection(async |connection| apply(connection, nic, &decision).await);
    report(&done.unwrap_or_else(|error| outcome(Some(error))))
}

/// Runs `work` with a connection to the running kernel.
pub fn with_connection<T>(work: impl AsyncFnOnce(&mut Connection) -> T) -> Result<T, KernelError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build();
    let runtime = runtime.map_err(|error| KernelError::Netlink(error.to_string()))?;
    runtime.block_on(async { Ok(work(&mut Connection::open()?).await) })
}

/// Brings the NIC to what `decision` wants, as far as the kernel lets it, and says what came of it.
pub async fn apply(kernel: &mut impl FeatureKernel, nic: &Nic, decision: &Decision<'_>) -> Outcome {
    let mut outcome = Outcome::new(nic.clone(), decision, None);
    if !decision.is_empty() {
        outcome.error = carry_out(kernel, decision, &mut outcome).await.err();
    }
    outcome
}

async fn carry_out(
    kernel: &mut impl FeatureKernel,
    decision: &Decision<'_>,
    outcome: &mut Outcome,
) -> Result<(), KernelError> {
    let ifindex = outcome.nic.ifindex;
    let before = kernel.get(ifindex).await?;
    outcome.nic.name.clone_from(&before.interface);
    let plan = Plan::new(decision, &before);
    outcome.rules = plan.rules();
    let to_set = plan.in_state(State::needs_set);
    let mut after = None;
    let mut changed = Vec::new();
    if !to_set.is_empty() {
        // Whatever the state, what is asked for now is the opposite of what was so or asked for.
        let opposite: Vec<_> = to_set.iter().map(|(name, on)| (*name, !on)).collect();
        kernel.remember(&outcome.nic, &opposite);
        let stuck = plan.in_state(|state| state == State::Stuck);
        if !stuck.is_empty() {
            let opposite: Vec<_> = stuck.iter().map(|(name, on)| (*name, !on)).collect();
            kernel.set(ifindex, &opposite).await?;
        }
        changed = kernel.set(ifindex, &to_set).await?.changed;
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
    changed.retain(|(name, on)| {
        !planned(name) && before.get(name).is_some_and(|was| was.active != *on)
    });
    if !changed.is_empty() {
        let before: Vec<_> = changed
            .iter()
            .map(|(name, on)| (name.as_str(), !on))
            .collect();
        kernel.remember(&outcome.nic, &before);
    }
    outcome.side_effects = changed;
    Ok(())
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
        was: key.active(),
        result,
    }
}
