//! What commands show of a plan: for people, and its offloads for JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::features::on_off;
use crate::plan::{KeyPlan, Plan, State};

#[derive(Debug, Serialize)]
pub struct Offload {
    pub wanted: bool,
    /// Whether any of its features is on (when off is wanted) or all are (when on is wanted);
    /// `null` if this kernel has none.
    pub active: Option<bool>,
    /// `right`, `fixed`, `change`, `stuck`, `impossible`, `unknown` or `overridden`.
    pub state: &'static str,
}

pub fn offloads(plan: &Plan) -> BTreeMap<String, Offload> {
    let offload = |key: &KeyPlan| {
        let offload = Offload {
            wanted: key.on,
            active: key.active(),
            state: state_word(key),
        };
        (key.key.to_string(), offload)
    };
    plan.keys.iter().map(offload).collect()
}

/// The state of a key in a word: the worst of its features'.
fn state_word(key: &KeyPlan) -> &'static str {
    let any = |state| key.features.iter().any(|feature| feature.state == state);
    if key.features.is_empty() {
        "unknown"
    } else if any(State::Impossible) {
        "impossible"
    } else if any(State::Stuck) {
        "stuck"
    } else if any(State::Change) || any(State::RightByChance) {
        "change"
    } else if key
        .features
        .iter()
        .all(|feature| feature.state == State::RightFixed)
    {
        "fixed"
    } else {
        "right"
    }
}

/// The offloads as they are now: `tso on, gso gro off`.
pub fn now(plan: &Plan) -> String {
    let mut groups: Vec<(bool, Vec<&str>)> = Vec::new();
    for key in &plan.keys {
        let Some(active) = key.active() else { continue };
        match groups.last_mut() {
            Some((on, keys)) if *on == active => keys.push(key.key.as_str()),
            _ => groups.push((active, vec![key.key.as_str()])),
        }
    }
    let group = |(on, keys): &(bool, Vec<&str>)| format!("{} {}", keys.join(" "), on_off(*on));
    groups.iter().map(group).collect::<Vec<_>>().join(", ")
}

/// What there is to do under a key, feature by feature: `to change: a b; fixed: c`.
pub fn work(key: &KeyPlan) -> String {
    let (right, wrong) = (on_off(key.on), on_off(!key.on));
    let states = [
        (State::Change, format!("to switch {right}")),
        (
            State::Stuck,
            format!("stuck {wrong}, to switch {wrong} and {right} again"),
        ),
        (
            State::RightByChance,
            format!("{right} now, but {wrong} is requested: to request {right}"),
        ),
        (
            State::Impossible,
            format!("fixed {wrong}, can't be changed"),
        ),
        (State::Right, format!("already {right}")),
        (State::RightFixed, format!("fixed {right}")),
    ];
    let with_features = |(state, words): (State, String)| {
        let of_state = key.features.iter().filter(|feature| feature.state == state);
        let names: Vec<&str> = of_state.map(|feature| feature.name.as_str()).collect();
        (!names.is_empty()).then(|| format!("{words}: {}", names.join(" ")))
    };
    let done: Vec<String> = states.into_iter().filter_map(with_features).collect();
    if done.is_empty() {
        "unknown to this kernel".into()
    } else {
        done.join("; ")
    }
}

/// Why a plan is not in force, a line a key.
pub fn reasons(plan: &Plan) -> Vec<String> {
    let wrong = plan.keys.iter().filter(|key| !key.is_right());
    wrong
        .map(|key| format!("{}: {}", key.key, work(key)))
        .collect()
}

/// The plan, a line a key.
pub fn plan_lines(plan: &Plan) -> String {
    let width = plan
        .keys
        .iter()
        .map(|key| key.key.as_str().len())
        .max()
        .unwrap_or(0);
    let line = |key: &KeyPlan| format!("  {:width$}  {}\n", key.key.as_str(), work(key));
    plan.keys.iter().map(line).collect()
}
