//! What a person should know about rules that parse: names that no kernel has, PCI IDs that
//! cannot be, rules that another one hides, offloads whose change drops the link.

use super::diagnostic::Diagnostic;
use super::{Match, Rule, RuleFile, RuleSet, Wanted};
use crate::chip;
use crate::features::on_off;

/// What there is to say about the rules of `file`, one of `set`'s files, in the order of their places.
pub fn lint(set: &RuleSet, file: &RuleFile) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for rule in file.rules.iter().flatten() {
        found.extend(impossible_pci(rule));
        found.extend(same_name(set, file, rule));
        found.extend(hidden(set, file, rule));
        found.extend(rule.offload.iter().flat_map(|wanted| offload(rule, wanted)));
    }
    found.sort_by_key(|diagnostic| diagnostic.span.start);
    found
}

fn heading(file: &RuleFile, rule: &Rule) -> std::ops::Range<usize> {
    let line_end = file.text[rule.span.start..].find('\n');
    rule.span.start..line_end.map_or(rule.span.end, |length| rule.span.start + length)
}

/// e1000e drives no such device, so the rule can never match.
fn impossible_pci(rule: &Rule) -> Vec<Diagnostic> {
    let only_e1000e =
        !rule.matches.driver.is_empty() && rule.matches.driver.iter().all(|d| d == "e1000e");
    let ids = rule.matches.pci.iter().zip(&rule.matches.pci_spans);
    let unknown = ids.filter(|(pci, _)| only_e1000e && pci.chip().is_none());
    unknown
        .map(|(pci, span)| {
            let message = format!("driver e1000e has no PCI ID {pci}, so this can never match");
            Diagnostic::warning(span.clone(), message).help(near_id(*pci))
        })
        .collect()
}

/// The IDs of the driver that differ from `device` in one hex digit.
fn near_id(pci: crate::nic::PciId) -> String {
    let one_digit = |other: u16| {
        (0..4)
            .filter(|i| (pci.device ^ other) >> (4 * i) & 0xf != 0)
            .count()
            == 1
    };
    let near: Vec<String> = chip::all()
        .iter()
        .filter(|chip| chip.vendor == pci.vendor && one_digit(chip.device))
        .take(3)
        .map(|chip| format!("8086:{:04x} ({})", chip.device, chip.name))
        .collect();
    if near.is_empty() {
        "'lspci -nn' shows the ID of a card in brackets".into()
    } else {
        format!("one digit away: {}", near.join(", "))
    }
}

/// Log lines and reports tell rules apart by their names.
fn same_name(set: &RuleSet, file: &RuleFile, rule: &Rule) -> Option<Diagnostic> {
    let first = set.rules().find(|other| other.name == rule.name)?;
    (!std::ptr::eq(first, rule)).then(|| {
        Diagnostic::warning(
            heading(file, rule),
            format!(
                "another rule is called '{}' too: {}",
                rule.name,
                set.place_of(first)
            ),
        )
        .help("give it a name of its own, so that log lines can be told apart")
    })
}

/// A later rule is for all the NICs that this one is for, and sets all that it sets.
fn hidden(set: &RuleSet, file: &RuleFile, rule: &Rule) -> Option<Diagnostic> {
    let later = set
        .rules()
        .skip_while(|other| !std::ptr::eq(*other, rule))
        .skip(1);
    let mut later = later.filter(|other| !rule.offload.is_empty() && hides(other, rule));
    let other = later.next()?;
    let message = format!(
        "rule '{}' has no effect: a later rule, '{}' ({}), is for all of its NICs and sets all of its offloads",
        rule.name,
        other.name,
        set.place_of(other)
    );
    let same_file = set
        .file_of(other)
        .is_some_and(|its| std::ptr::eq(its, file));
    Some(if same_file {
        Diagnostic::warning(heading(file, rule), message).help("drop one of the two")
    } else {
        // That is how an admin's file overrides a shipped one.
        Diagnostic::note(heading(file, rule), message)
    })
}

fn hides(later: &Rule, rule: &Rule) -> bool {
    let sets = |wanted: &Wanted| {
        later
            .offload
            .iter()
            .any(|other| other.key.includes(&wanted.key))
    };
    later.matches.includes(&rule.matches) && rule.offload.iter().all(sets)
}

impl Match {
    /// Whether every NIC that `other` is for is one that `self` is for, as far as can be told.
    fn includes(&self, other: &Match) -> bool {
        fn all<T>(ours: &[T], theirs: &[T], holds: impl Fn(&T, &T) -> bool) -> bool {
            let covered = |their: &T| ours.iter().any(|our| holds(our, their));
            ours.is_empty() || (!theirs.is_empty() && theirs.iter().all(covered))
        }
        let glob = |our: &String, their: &String| our == their || fast_glob::glob_match(our, their);
        all(&self.driver, &other.driver, |our, their| our == their)
            && all(&self.pci, &other.pci, crate::nic::PciId::covers)
            && all(&self.mac, &other.mac, |our, their| our == their)
            && all(&self.interface, &other.interface, glob)
            && all(&self.path, &other.path, glob)
    }
}

fn offload(rule: &Rule, wanted: &Wanted) -> Vec<Diagnostic> {
    let Wanted { key, on, span } = wanted;
    let for_e1000e =
        rule.matches.driver.is_empty() || rule.matches.driver.iter().any(|d| d == "e1000e");
    let mut found = Vec::new();
    if !key.is_known() {
        let help = match key.suggestion() {
            Some(meant) => format!("did you mean '{meant}'?"),
            None => "'ethtool -k NIC' lists the features that a kernel has".into(),
        };
        found.push(
            Diagnostic::warning(
                span.clone(),
                format!("no kernel known to unhang has a feature '{key}'"),
            )
            .help(help),
        );
    }
    if for_e1000e && key.resets_e1000e() {
        let message = format!(
            "changing {key} makes e1000e re-initialise the adapter: the link drops for seconds"
        );
        found.push(Diagnostic::note(span.clone(), message));
    }
    if for_e1000e && !on && key.carries_tso() {
        let message = format!(
            "with {key} {}, tso goes off too: it depends on it",
            on_off(*on)
        );
        found.push(Diagnostic::note(span.clone(), message));
    }
    found
}
