//! The verdict on each configuration that machines changed to, over all of them.

use super::{Host, by_configuration, names};
use crate::report::stats::pooled::{Pooled, Stratum, pool};
use crate::report::verdict::Kind;
use crate::report::{days, plural, wording};

/// What a change to a configuration came to.
#[derive(Clone, Debug)]
pub struct Judged {
    pub configuration: String,
    pub kind: Kind,
    pub text: String,
    /// `None`: no machine changed to it.
    pub pooled: Option<Pooled>,
}

/// One for each configuration but the default, in the order in which they came.
pub fn judged(hosts: &[Host]) -> Vec<Judged> {
    let names = names(hosts);
    let periods: Vec<Vec<_>> = hosts
        .iter()
        .map(|host| host.nics.iter().map(|nic| nic.periods(&names)).collect())
        .collect();
    let mut looks = 0;
    let mut all = Vec::new();
    for (number, name) in names
        .iter()
        .enumerate()
        .filter(|(_, name)| *name != "default")
    {
        let each = periods.iter().enumerate();
        let strata = each.flat_map(|(host, nics)| {
            let of = move |periods: &Vec<_>| Stratum::new(host, periods, number);
            nics.iter().filter_map(of)
        });
        let strata: Vec<Stratum> = strata.collect();
        if strata.is_empty() {
            continue;
        }
        looks += 1;
        let pooled = pool(&strata, looks);
        let (kind, text) = said(name, &pooled);
        all.push(Judged {
            configuration: name.clone(),
            kind,
            text,
            pooled: Some(pooled),
        });
    }
    all
}

/// On what most machines have changed to; of two such, on the later.
pub fn overall(hosts: &[Host], judged: &[Judged]) -> Judged {
    let changed = |j: &&Judged| j.pooled.as_ref().map_or(0, |pooled| pooled.hosts);
    if let Some(most) = judged.iter().max_by_key(changed) {
        return most.clone();
    }
    let incidents: usize = by_configuration(hosts)
        .iter()
        .map(|(_, t)| t.incidents)
        .sum();
    let (kind, text) = if incidents == 0 {
        let text = "No incidents on any of the machines.";
        (Kind::NoIncidents, text.to_owned())
    } else {
        let text = format!(
            "Affected: {}, and no machine has changed its settings, so there is nothing to compare.",
            plural(incidents, "incident")
        );
        (Kind::Affected, text)
    };
    Judged {
        configuration: "default".into(),
        kind,
        text,
        pooled: None,
    }
}

fn said(name: &str, pooled: &Pooled) -> (Kind, String) {
    let hosts = plural(pooled.hosts, "host");
    let after = format!(
        "{} in {} with {name} on {hosts}",
        match pooled.bursts_after {
            0 => "none".into(),
            n => plural(n, "burst"),
        },
        days(pooled.days_after)
    );
    let before = format!(
        "Before, on the {} of them that had hung: {} in {}.",
        pooled.weighed,
        plural(pooled.bursts_before, "burst"),
        days(pooled.days_before)
    );
    if pooled.bursts_after > 0 {
        let expected = format!(
            "At their own rates before, {:.1} would have come.",
            pooled.expected
        );
        if pooled.fewer() {
            let chance = wording::chance(pooled.careful);
            let text = format!(
                "Fewer, but not fixed: {after}. {before} {expected} So few would come by chance {chance}, weighed so that no host decides alone."
            );
            return (Kind::Fewer, text);
        }
        let text = format!("Not fixed: {after}. {before} {expected}");
        return (Kind::NotFixed, text);
    }
    if pooled.weighed == 0 {
        let text = format!(
            "Not known: {after}, but none of them had hung before, so there is nothing to compare with."
        );
        return (Kind::Unknown, text);
    }
    if pooled.weighed == 1 {
        let text = format!(
            "Too early to say: {after}. {before} One host does not decide for all; its own report says what it shows."
        );
        return (Kind::TooEarly, text);
    }
    let chance = wording::chance(pooled.careful);
    if pooled.likely_fixed() {
        let text = format!(
            "{before} Now: {after}. If nothing had changed, so long a quiet would come {chance}, weighed so that no host decides alone. Likely fixed."
        );
        return (Kind::LikelyFixed, text);
    }
    let when = match pooled.needed {
        Some(needed) => format!(
            "Ask again after {} more without an incident on any.",
            days(needed)
        ),
        None => "No length of quiet would prove it.".into(),
    };
    let text = format!(
        "Too early to say: {after}. {before} If nothing had changed, such a quiet would come {chance}. {when}"
    );
    (Kind::TooEarly, text)
}
