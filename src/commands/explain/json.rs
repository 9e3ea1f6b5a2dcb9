//! The same as JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Explanation, mismatch, word};
use crate::commands::{SCHEMA, plan_view, to_json};
use crate::rules::Looked;
use crate::settings::Value;
use crate::tips::Tip;

pub fn document(of: &Explanation<'_>) -> String {
    let looked = |looked: &Looked<'_>| LookedAt {
        rule: looked.rule.name.clone(),
        place: of.rules.place_of(looked.rule),
        matched: looked.matched(),
        mismatches: looked
            .mismatches
            .iter()
            .map(|m| mismatch(looked.rule, m))
            .collect(),
        sets: looked
            .rule
            .offload
            .iter()
            .map(|wanted| (wanted.key.to_string(), Value::Switch(wanted.on)))
            .chain(
                looked
                    .rule
                    .values
                    .iter()
                    .map(|w| (w.name.to_string(), w.value)),
            )
            .map(|(name, value)| (name, value.into()))
            .collect(),
        evidence: looked.rule.evidence.clone(),
    };
    let plan = of.plan.and_then(|plan| plan.as_ref().ok());
    to_json(&Document {
        schema: SCHEMA,
        interface: Some(of.nic.name.clone()).filter(|name| !name.is_empty()),
        driver: of.nic.driver.clone(),
        pci: of.nic.pci.map(|pci| format!("{pci:#}")),
        chip: of.nic.chip().map(|chip| chip.name),
        seen: of.seen().map(|(_, seen)| seen),
        looked_at: of.decision.looked.iter().map(looked).collect(),
        rules: of.decision.rules(),
        offloads: plan.map(plan_view::offloads),
        settings: plan.map(plan_view::settings),
        costs: of.costs(),
        tips: of.tips.iter().map(told).collect(),
    })
}

#[derive(Serialize)]
struct Document {
    schema: u32,
    interface: Option<String>,
    driver: Option<String>,
    pci: Option<String>,
    chip: Option<&'static str>,
    /// What was seen of the chip elsewhere.
    seen: Option<&'static str>,
    looked_at: Vec<LookedAt>,
    rules: Vec<String>,
    offloads: Option<BTreeMap<String, plan_view::Offload>>,
    settings: Option<plan_view::Settings>,
    costs: Vec<String>,
    tips: Vec<Told>,
}

#[derive(Serialize)]
struct Told {
    tip: &'static str,
    /// `applies`, `void` or `unknown`.
    verdict: &'static str,
    reason: String,
    evidence: Option<&'static str>,
}

fn told(tip: &Tip) -> Told {
    Told {
        tip: tip.tip,
        verdict: word(tip.verdict),
        reason: tip.reason.clone(),
        evidence: tip.evidence,
    }
}

#[derive(Serialize)]
struct LookedAt {
    rule: String,
    place: String,
    matched: bool,
    mismatches: Vec<String>,
    sets: BTreeMap<String, plan_view::JsonValue>,
    evidence: Option<String>,
}
