//! What commands show of a plan: for people, and its offloads for JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::features::on_off;
use crate::plan::{Is, KeyPlan, Plan, State, ValuePlan};
use crate::settings::Value;

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

/// A setting beside the offloads.
#[derive(Debug, Serialize)]
pub struct Setting {
    pub wanted: JsonValue,
    /// What it is; `null` if the NIC does not have it, or it can't be read.
    pub active: Option<JsonValue>,
    /// `right`, `change`, `unsupported` or `unknown`.
    pub state: &'static str,
}

/// `true`, `false` or a number.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum JsonValue {
    Switch(bool),
    Number(u32),
}

impl From<Value> for JsonValue {
    fn from(value: Value) -> JsonValue {
        match value {
            Value::Switch(on) => JsonValue::Switch(on),
            Value::Number(number) => JsonValue::Number(number),
        }
    }
}

/// By family and key, as a rule writes them.
pub type Settings = BTreeMap<&'static str, BTreeMap<String, Setting>>;

pub fn settings(plan: &Plan) -> Settings {
    let mut settings = Settings::new();
    for value in &plan.values {
        let family = settings.entry(value.name.family.table()).or_default();
        let (active, state) = match value.is {
            Is::Value(is) if is == value.wanted => (Some(is), "right"),
            Is::Value(is) => (Some(is), "change"),
            Is::NoFamily | Is::NoKey => (None, "unsupported"),
            Is::Unread(_) => (None, "unknown"),
        };
        let setting = Setting {
            wanted: value.wanted.into(),
            active: active.map(JsonValue::from),
            state,
        };
        family.insert(value.name.key.clone(), setting);
    }
    settings
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

/// The settings as they are now: `tso on, gso gro off, ring rx 256`.
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
    let values = plan.values.iter().filter_map(|value| match value.is {
        Is::Value(is) => Some(format!("{} {is}", value.name)),
        _ => None,
    });
    let all: Vec<String> = groups.iter().map(group).chain(values).collect();
    all.join(", ")
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

/// What there is to do about a setting beside the offloads.
pub fn value_work(value: &ValuePlan) -> String {
    match &value.is {
        Is::Value(is) if value.is_right() => format!("already {is}"),
        Is::Value(is) => format!("to set {} (is {is})", value.wanted),
        Is::NoFamily | Is::NoKey if value.is_right() => "off: not supported by this NIC".into(),
        Is::NoFamily | Is::NoKey => "not supported by this NIC".into(),
        Is::Unread(error) => format!("unknown: {error}"),
    }
}

/// Why a plan is not in force, a line a key.
pub fn reasons(plan: &Plan) -> Vec<String> {
    let keys = plan.keys.iter().filter(|key| !key.is_right());
    let values = plan.values.iter().filter(|value| !value.is_right());
    let keys = keys.map(|key| format!("{}: {}", key.key, work(key)));
    let values = values.map(|value| format!("{}: {}", value.name, value_work(value)));
    keys.chain(values).collect()
}

/// The plan, a line a key, and what it costs.
pub fn plan_lines(plan: &Plan) -> String {
    let keys = plan.keys.iter().map(|key| (key.key.to_string(), work(key)));
    let values = plan.values.iter();
    let values = values.map(|value| (value.name.to_string(), value_work(value)));
    let lines: Vec<(String, String)> = keys.chain(values).collect();
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, work): &(String, String)| format!("  {name:width$}  {work}\n");
    lines.iter().map(line).collect()
}

/// What carrying a plan out costs, if it is more than moments.
pub fn plan_cost(plan: &Plan) -> Option<String> {
    let dropping = plan.drops_link();
    (!dropping.is_empty()).then(|| {
        let dropping = dropping.join(", ");
        format!("the link drops once, for about 3 s: {dropping}")
    })
}
