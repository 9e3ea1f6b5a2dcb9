//! `unhang report --json` of several machines; the keys are listed in `report::json`.

use super::pooled::{Judged, judged, overall};
use super::randomised::{Trial, trials};
use super::{Host, Total, by_chip, by_configuration};
use crate::report::in_seconds;
use serde_json::{Map, Value, json};

pub fn report(hosts: &[Host]) -> Value {
    let each = hosts.iter().map(|host| {
        let mut report = host.report.clone();
        if let Value::Object(map) = &mut report {
            map.insert("name".into(), host.name.clone().into());
            map.remove("schema");
        }
        report
    });
    let judged = judged(hosts);
    let chips = by_chip(hosts);
    let chips = chips.iter().map(|(name, total)| row(name, total));
    let configurations = by_configuration(hosts);
    let configurations = configurations.iter().map(|(name, total)| {
        let mut row = row(name, total);
        let verdict = judged.iter().find(|j| j.configuration == *name);
        row.insert("verdict".into(), verdict.map_or(Value::Null, value));
        row
    });
    json!({
        "schema": 1,
        "hosts": each.collect::<Vec<_>>(),
        "chips": chips.collect::<Vec<_>>(),
        "configurations": configurations.collect::<Vec<_>>(),
        "trials": trials(hosts).iter().map(Trial::value).collect::<Vec<_>>(),
        "verdict": value(&overall(hosts, &judged)),
    })
}

fn row(name: &str, total: &Total) -> Map<String, Value> {
    let row = [
        ("name", json!(name)),
        ("hosts", json!(total.hosts)),
        ("nics", json!(total.nics)),
        ("exposure_s", json!(in_seconds(total.days))),
        ("incidents", json!(total.incidents)),
        ("bursts", json!(total.bursts)),
    ];
    row.map(|(key, value)| (key.to_owned(), value))
        .into_iter()
        .collect()
}

fn value(judged: &Judged) -> Value {
    let pooled = judged.pooled.as_ref();
    let needed = pooled.and_then(|p| p.needed);
    json!({
        "kind": judged.kind.name(),
        "text": judged.text,
        "configuration": judged.configuration,
        "hosts": pooled.map(|p| p.hosts),
        "weighed": pooled.map(|p| p.weighed),
        "chance": pooled.filter(|p| p.weighed > 1).map(|p| p.careful),
        "bursts_before": pooled.map(|p| p.bursts_before),
        "exposure_before_s": pooled.map(|p| in_seconds(p.days_before)),
        "bursts_after": pooled.map(|p| p.bursts_after),
        "exposure_after_s": pooled.map(|p| in_seconds(p.days_after)),
        "bursts_expected": pooled.map(|p| p.expected),
        "ask_again_after_s": needed.map(|days| (days * 86_400.0).ceil()),
    })
}
