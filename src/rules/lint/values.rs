//! What a person should know about settings beside offloads, as e1000e takes them.

use super::for_e1000e;
use crate::chip::Chip;
use crate::rules::diagnostic::Diagnostic;
use crate::rules::{Rule, WantedValue};
use crate::settings::{Family, Name, Value};

pub fn lint(rule: &Rule) -> Vec<Diagnostic> {
    if !for_e1000e(rule) {
        return Vec::new();
    }
    let mut found: Vec<Diagnostic> = rule.values.iter().filter_map(impossible).collect();
    found.extend(rule.values.iter().filter_map(|w| lacking(rule, w)));
    found.extend(rule.values.iter().filter_map(|w| negotiated(rule, w)));
    let dropping = rule.values.iter().filter(|w| w.name.drops_link());
    found.extend(dropping.map(|wanted| {
        let name = &wanted.name;
        let message = format!(
            "changing {name} makes e1000e re-initialise the adapter: the link drops for seconds"
        );
        Diagnostic::note(wanted.span.clone(), message)
    }));
    found
}

/// The driver would refuse it, or make something else of it.
fn impossible(wanted: &WantedValue) -> Option<Diagnostic> {
    let Name { family, key } = &wanted.name;
    let warn = |message: String| Diagnostic::warning(wanted.span.clone(), message);
    match (family, key.as_str(), wanted.value) {
        // e1000_set_ringparam: from 64 to 4096 (REQ_TX_DESCRIPTOR_MULTIPLE is 8)
        (Family::Ring, "rx" | "tx", Value::Number(size)) => {
            let fits = (64..=4096).contains(&size) && size % 8 == 0;
            let near = (size.clamp(64, 4096) + 4) / 8 * 8;
            (!fits).then(|| {
                warn(format!("e1000e has no ring of {size} descriptors"))
                    .help(format!("a ring has 64 to 4096, a multiple of 8: {near}"))
            })
        }
        (Family::Ring, ..) => {
            Some(warn(format!("e1000e has no {}", wanted.name)).help("it has rings rx and tx"))
        }
        // e1000_set_coalesce
        (Family::Coalesce, "rx-usecs", Value::Number(0 | 1 | 3 | 4 | 10..=10000)) => {
            let made = wanted.name.made_of(wanted.value);
            (made != wanted.value).then(|| {
                let message = format!("e1000e makes {made} of rx-usecs = {}", wanted.value);
                Diagnostic::note(wanted.span.clone(), message).help("which counts as in place")
            })
        }
        (Family::Coalesce, "rx-usecs", Value::Number(usecs)) => Some(
            warn(format!("e1000e refuses rx-usecs = {usecs}"))
                .help("it takes 0, 1, 3, 4 and 10 to 10000"),
        ),
        (Family::Coalesce, ..) => Some(
            warn(format!("e1000e has no {}", wanted.name)).help("it has coalesce rx-usecs only"),
        ),
        _ => None,
    }
}

/// None of the NICs has it that the rule names.
fn lacking(rule: &Rule, wanted: &WantedValue) -> Option<Diagnostic> {
    let ids = &rule.matches.pci;
    let chips: Vec<_> = ids.iter().filter_map(crate::nic::PciId::chip).collect();
    let none = !chips.is_empty() && chips.len() == ids.len() && !chips.iter().any(Chip::has_eee);
    (wanted.name.family == Family::Eee && none).then(|| {
        let message = "none of these chips has EEE: only 82579 and I217 to I219 have";
        Diagnostic::warning(wanted.span.clone(), message)
    })
}

/// With autonegotiation on, rx and tx are what the link partner agrees to.
fn negotiated(rule: &Rule, wanted: &WantedValue) -> Option<Diagnostic> {
    let autoneg = Name::new(Family::Pause, "autoneg");
    let autoneg = rule.values.iter().find(|other| other.name == autoneg);
    let is_rx_or_tx = wanted.name.family == Family::Pause && wanted.name.key != "autoneg";
    let off = autoneg.is_some_and(|autoneg| autoneg.value == Value::Switch(false));
    (is_rx_or_tx && !off).then(|| {
        let message = format!("{} does not last while pause is negotiated", wanted.name);
        Diagnostic::warning(wanted.span.clone(), message)
            .help("add autoneg = false to [rule.pause]: else the partners agree on rx and tx")
    })
}
