//! Bringing a NIC back to what the rules want: when its link came up, and when somebody changed
//! something. What the loop guard leaves stays as it is.

use std::sync::Arc;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use super::Watcher;
use super::guard::{DriftAction, Guard, LIMIT, WINDOW};
use crate::apply::{IfReverted, Outcome, apply, read};
use crate::features::{KernelError, Key};
use crate::log::{Event, Level, Line, Part, ValuePart};
use crate::nic::Nic;
use crate::notify::{self, Kind};
use crate::plan::{Is, KeyPlan, Plan, State, ValuePlan};
use crate::rules::{Decision, Drift, decide};
use crate::settings::Name;

/// Why the NIC is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Its link came up, or it was not watched until now.
    Unseen,
    /// Somebody changed something; it may have been us.
    Drift,
}

/// What is to be done of what a plan says.
#[derive(Debug, Default)]
pub struct Choice {
    /// What is not as wanted and is to be put back.
    pub keys: Vec<Key>,
    pub values: Vec<Name>,
    /// What is left as it is from now on, and why.
    pub left: Vec<(Kind, Part)>,
    /// What is left as it is, whether that has been said or not.
    pub left_keys: Vec<Key>,
    pub left_values: Vec<Name>,
}

/// Asks the loop guard about everything that is not as wanted.
pub fn choose(
    decision: &Decision<'_>,
    plan: &Plan,
    when: When,
    guard: &mut Guard,
    now: Duration,
) -> Choice {
    let mut choice = Choice::default();
    // Else it is left as it is, and why, if that is not said yet.
    let mut may_put_back = |name: &str, drops: bool, drift: Drift| {
        let report_only = drift == Drift::Report && when == When::Drift;
        let action = match when {
            _ if drops && !report_only => guard.ask_to_drop(name, now),
            When::Drift => guard.ask(name, now),
            When::Unseen if guard.leaves(name) => DriftAction::Leave,
            When::Unseen => DriftAction::PutBack,
        };
        match action {
            DriftAction::PutBack if report_only => {
                let why = r#"left as is by drift = "report""#.to_owned();
                Err(Some((Kind::NotInForce, why)))
            }
            DriftAction::PutBack => Ok(()),
            DriftAction::LeaveNow if !report_only => {
                Err(Some((Kind::LoopGuard, loop_words(drops))))
            }
            DriftAction::LeaveNow | DriftAction::Leave => Err(None),
        }
    };
    let needs_set = |key: &&KeyPlan| key.features.iter().any(|f| f.state.needs_set());
    for key in plan.keys.iter().filter(needs_set) {
        let mut settings = decision.settings.iter();
        let setting = settings.find(|s| *s.key == key.key && s.rule.name == key.rule);
        let drift = setting.map_or(Drift::Restore, |s| s.rule.drift);
        match may_put_back(key.key.as_str(), key.key.resets_e1000e(), drift) {
            Ok(()) => choice.keys.push(key.key.clone()),
            Err(why) => {
                let left = why.map(|(kind, why)| (kind, still(key, why)));
                choice.left.extend(left);
                choice.left_keys.push(key.key.clone());
            }
        }
    }
    for value in plan.values.iter().filter(|value| value.needs_set()) {
        let name = &value.name;
        let setting = decision.values.iter().find(|v| v.name == name);
        let drift = setting.map_or(Drift::Restore, |v| v.rule.drift);
        match may_put_back(&name.to_string(), name.drops_link(), drift) {
            Ok(()) => choice.values.push(name.clone()),
            Err(why) => {
                let left = why.and_then(|(kind, why)| Some((kind, still_value(value, why)?)));
                choice.left.extend(left);
                choice.left_values.push(name.clone());
            }
        }
    }
    choice
}

impl Choice {
    /// The decision with what is to be done. When somebody changed something that is only this;
    /// else the rest is verified, too.
    #[must_use]
    pub fn of<'r>(&self, decision: Decision<'r>, when: When) -> Decision<'r> {
        match when {
            When::Drift => decision
                .without(|setting| !self.keys.contains(setting.key))
                .without_values(|name| !self.values.contains(name)),
            When::Unseen => decision
                .without(|setting| self.left_keys.contains(setting.key))
                .without_values(|name| self.left_values.contains(name)),
        }
    }
}

impl Watcher {
    pub(super) async fn apply(&mut self, nic: &Nic, decision: &Decision<'_>) -> Outcome {
        let leave = IfReverted::Leave;
        apply(&mut self.kernel, &self.saved, nic, decision, leave).await
    }

    /// Brings the NIC to what the rules want, but for what the loop guard leaves.
    pub(super) async fn put_right(&mut self, ifindex: u32, when: When, event: &Event) {
        let Some(watched) = self.nics.get(&ifindex) else {
            return;
        };
        let nic = watched.nic.clone();
        let mut rules = Arc::clone(&self.rules);
        if when == When::Drift {
            // Whoever changed a rule file and applied it is not to be undone by the old rules.
            rules = Arc::new(self.reload().0);
        }
        let decision = self.saved.respected_by(&nic, decide(rules.rules(), &nic));
        if decision.is_empty() {
            return;
        }
        let now = match read(&mut self.kernel, ifindex, decision.families()).await {
            Ok(now) => now,
            // A NIC that went away meanwhile is told of by another signal.
            Err(KernelError::Gone) => return,
            Err(error) => {
                let outcome = Outcome::new(nic, decision.rules(), Some(error));
                if let Some((level, line)) = Line::new(&outcome, event) {
                    self.say(ifindex, level, &line);
                }
                return;
            }
        };
        let plan = Plan::new(&decision, &now);
        let state = self.state.nics.entry(ifindex).or_default();
        let choice = choose(&decision, &plan, when, &mut state.guard, since_boot());
        let put_back = choice.keys.len() + choice.values.len();
        if when == When::Drift {
            state.put_back += u32::try_from(put_back).unwrap_or(u32::MAX);
        }
        for (kind, part) in &choice.left {
            self.tell(notify::Event::of_nic(*kind, &nic, &part.to_string()));
        }
        if put_back > 0 || !choice.left.is_empty() {
            // Before anything is done: whoever is started in its place does not count it again.
            self.save();
        }
        if !choice.left.is_empty() {
            let line = Line {
                interface: now.features.interface.clone(),
                parts: choice.left.iter().map(|(_, part)| part.clone()).collect(),
                rules: plan.rules(),
                identity: nic.identity(),
                event: event.to_string(),
            };
            self.log.write(Level::Warning, &line.to_string());
        }
        if when == When::Unseen || put_back > 0 {
            let outcome = self.apply(&nic, &choice.of(decision, when)).await;
            if let Some((level, line)) = Line::new(&outcome, event) {
                self.say(ifindex, level, &line);
            }
        }
    }
}

fn still(key: &KeyPlan, reason: String) -> Part {
    let wrong = key
        .features
        .iter()
        .filter(|feature| matches!(feature.state, State::Change | State::Stuck));
    Part::Still {
        keys: vec![key.key.to_string()],
        on: !key.on,
        reason,
        features: wrong.map(|feature| feature.name.clone()).collect(),
    }
}

fn still_value(value: &ValuePlan, reason: String) -> Option<Part> {
    match value.is {
        Is::Value(is) => {
            let part = ValuePart::Still(value.name.clone(), is, reason);
            Some(Part::Value(part))
        }
        _ => None,
    }
}

fn loop_words(drops: bool) -> String {
    if drops {
        format!("left as is after {LIMIT} put-backs that dropped the link")
    } else {
        let minutes = WINDOW.as_secs() / 60;
        format!("left as is after {LIMIT} put-backs within {minutes} minutes")
    }
}

pub(super) fn since_boot() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC)
        .map(Duration::from)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::features::FeatureKernel;
    use crate::watch::fixture::{IFINDEX, rules_dir, with_watcher};
    use crate::watch::state::WatchState;

    /// Every machine has `lo`, which rules only look at here: drift is left as it is.
    const LO: u32 = 1;

    #[test]
    fn drift_is_judged_by_the_rule_files_as_they_are_now() {
        let root = tempfile::tempdir().unwrap();
        let dir = rules_dir(root.path());
        fs::create_dir_all(&dir).unwrap();
        let want_gro = |on: bool| {
            let rule = format!(
                "name = 'lo'\nmatch.interface = 'lo'\ndrift = 'report'\noffload.gro = {on}\n"
            );
            fs::write(dir.join("60-lo.toml"), format!("[[rule]]\n{rule}")).unwrap();
        };
        with_watcher(root.path(), WatchState::default(), async |watcher| {
            let lo = Nic {
                ifindex: LO,
                name: "lo".into(),
                ..Nic::default()
            };
            let mut watched = watcher.nics.remove(&IFINDEX).unwrap();
            watched.nic = lo;
            watcher.nics.insert(LO, watched);
            let features = watcher.kernel.get(LO).await.unwrap();
            let is_on = features.get("rx-gro").unwrap().active;
            want_gro(!is_on);
            watcher.rules = Arc::new(watcher.reload().0);
            // The files say what is so; nobody has told the watcher yet that they changed.
            want_gro(is_on);
            watcher.put_right(LO, When::Drift, &Event::drift()).await;
            assert_eq!(watcher.queue.waiting().unwrap().len(), 0);
            want_gro(!is_on);
            watcher.put_right(LO, When::Drift, &Event::drift()).await;
            assert_eq!(watcher.queue.waiting().unwrap().len(), 1);
        });
    }
}
