//! What a person should know about rules that parse: names that no kernel has, PCI IDs that
//! cannot be, rules that another one hides, settings whose change drops the link.

mod values;

use std::collections::HashMap;

use super::diagnostic::Diagnostic;
use super::{Match, Rule, RuleFile, RuleSet, Wanted, WantedValue};
use crate::chip;
use crate::features::on_off;

/// What has a meaning of its own in a pattern.
const SPECIAL: [char; 6] = ['*', '?', '[', '{', '!', '\\'];

/// So much of a pattern's beginning tells it from most others.
const MAX_STEM: usize = 32;

/// What there is to say about the rules of each file of `set`, in the order of their places.
pub fn lint(set: &RuleSet) -> Vec<Vec<Diagnostic>> {
    let all = All::new(set);
    let mut index = 0;
    let files = set.files.iter().map(|file| {
        let mut found = Vec::new();
        for rule in file.rules.iter().flatten() {
            found.extend(impossible_pci(rule));
            found.extend(all.same_name(file, index));
            found.extend(all.hidden(file, index));
            found.extend(rule.offload.iter().flat_map(|wanted| offload(rule, wanted)));
            found.extend(values::lint(rule));
            index += 1;
        }
        found.sort_by_key(|diagnostic| diagnostic.span.start);
        found
    });
    files.collect()
}

/// All rules in order, so that a rule is not compared with each of the others.
struct All<'r> {
    set: &'r RuleSet,
    rules: Vec<&'r Rule>,
    /// The first of each name.
    by_name: HashMap<&'r str, usize>,
    /// Rules by a value of their match that whatever they hide has too.
    by_value: HashMap<(&'static str, String), Vec<usize>>,
}

impl<'r> All<'r> {
    fn new(set: &'r RuleSet) -> All<'r> {
        let mut all = All {
            set,
            rules: set.rules().collect(),
            by_name: HashMap::new(),
            by_value: HashMap::new(),
        };
        for (index, rule) in all.rules.iter().enumerate() {
            all.by_name.entry(&rule.name).or_insert(index);
            for value in rule.matches.narrowest() {
                all.by_value.entry(value).or_default().push(index);
            }
        }
        all
    }

    /// Log lines and reports tell rules apart by their names.
    fn same_name(&self, file: &RuleFile, index: usize) -> Option<Diagnostic> {
        let rule = self.rules[index];
        let first = self.by_name[rule.name.as_str()];
        (first != index).then(|| {
            let place = self.set.place_of(self.rules[first]);
            let message = format!("another rule is called '{}' too: {place}", rule.name);
            Diagnostic::warning(heading(file, rule), message)
                .help("give it a name of its own, so that log lines can be told apart")
        })
    }

    /// A later rule matches all the NICs that this one matches, and sets all that it sets.
    fn hidden(&self, file: &RuleFile, index: usize) -> Option<Diagnostic> {
        let rule = self.rules[index];
        let first_later = |value| {
            let indexes = self.by_value.get(&value)?;
            let later = &indexes[indexes.partition_point(|other| *other <= index)..];
            let mut later = later.iter().copied();
            later.find(|other| hides(self.rules[*other], rule))
        };
        if !rule.sets_anything() {
            return None;
        }
        let values = rule.matches.first_values().into_iter();
        let other = self.rules[values.filter_map(first_later).min()?];
        let message = format!(
            "rule '{}' has no effect: a later rule, '{}' ({}), matches all of its NICs and sets all that it sets",
            rule.name,
            other.name,
            self.set.place_of(other)
        );
        let same_file = self.set.file_of(other);
        let same_file = same_file.is_some_and(|its| std::ptr::eq(its, file));
        Some(if same_file {
            Diagnostic::warning(heading(file, rule), message).help("drop one of the two")
        } else {
            // That is how an admin's file overrides a shipped one.
            Diagnostic::note(heading(file, rule), message)
        })
    }
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
            .filter(|i| ((pci.device ^ other) >> (4 * i)) & 0xf != 0)
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

fn hides(later: &Rule, rule: &Rule) -> bool {
    let sets = |wanted: &Wanted| {
        later
            .offload
            .iter()
            .any(|other| other.key.includes(&wanted.key))
    };
    let sets_value = |wanted: &WantedValue| later.values.iter().any(|o| o.name == wanted.name);
    later.matches.includes(&rule.matches)
        && rule.offload.iter().all(sets)
        && rule.values.iter().all(sets_value)
}

impl Match {
    /// The lists of values, those that tell most NICs apart first, of each PCI ID the device.
    fn values(&self) -> [(&'static str, Vec<String>); 5] {
        let devices = self.pci.iter().map(|pci| format!("{pci}")).collect();
        [
            ("mac", self.mac.clone()),
            ("pci", devices),
            ("interface", self.interface.clone()),
            ("path", self.path.clone()),
            ("driver", self.driver.clone()),
        ]
    }

    /// Values of which a match that is included in this one has one: a pattern as it begins.
    fn narrowest(&self) -> Vec<(&'static str, String)> {
        let stem = |value: String| match value.find(SPECIAL) {
            Some(end) => value[..end].chars().take(MAX_STEM).collect::<String>() + "*",
            None => value,
        };
        let mut lists = self.values().into_iter();
        let list = lists.find(|(_, values)| !values.is_empty());
        let (key, values) = list.unwrap_or_default();
        values.into_iter().map(|value| (key, stem(value))).collect()
    }

    /// The first value of each key, and all ways in which a pattern that fits it may begin. One of
    /// them is among the narrowest of what includes this.
    fn first_values(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        for (key, values) in self.values() {
            let Some(value) = values.into_iter().next() else {
                continue;
            };
            let ends = value.char_indices().map(|(end, _)| end);
            for end in ends.chain([value.len()]).take(MAX_STEM + 1) {
                found.push((key, value[..end].to_owned() + "*"));
            }
            found.push((key, value));
        }
        found
    }

    /// Whether `self` matches every NIC that `other` matches, as far as can be told.
    fn includes(&self, other: &Match) -> bool {
        fn all<T>(ours: &[T], theirs: &[T], holds: impl Fn(&T, &T) -> bool) -> bool {
            let covered = |their: &T| ours.iter().any(|our| holds(our, their));
            ours.is_empty() || (!theirs.is_empty() && theirs.iter().all(covered))
        }
        // A pattern that fits another's text includes it only if nothing but its stars fits the other's
        // stars and question marks.
        let glob = |our: &String, their: &String| {
            let plain = !their.contains(SPECIAL);
            let stars = !our.contains(&SPECIAL[1..]) && !their.contains(&SPECIAL[2..]);
            our == their || ((plain || stars) && fast_glob::glob_match(our, their))
        };
        all(&self.driver, &other.driver, |our, their| our == their)
            && all(&self.pci, &other.pci, crate::nic::PciId::covers)
            && all(&self.mac, &other.mac, |our, their| our == their)
            && all(&self.interface, &other.interface, glob)
            && all(&self.path, &other.path, glob)
    }
}

fn for_e1000e(rule: &Rule) -> bool {
    rule.matches.driver.is_empty() || rule.matches.driver.iter().any(|d| d == "e1000e")
}

fn offload(rule: &Rule, wanted: &Wanted) -> Vec<Diagnostic> {
    let Wanted { key, on, span } = wanted;
    let for_e1000e = for_e1000e(rule);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_includes_a_match_is_found_by_its_values() {
        let long = "e".repeat(MAX_STEM + 3);
        let long = [long.clone(), long + "*"];
        let names = [
            "*", "e*", "eno*", "eno?", "eno[12]", "[e]no1", "eno1", "", "é*", "éa",
        ];
        let names = names.map(str::to_owned).into_iter().chain(long);
        let matches: Vec<Match> = names
            .map(|name| Match {
                driver: vec!["e1000e".into()],
                interface: vec![name],
                ..Match::default()
            })
            .collect();
        let mut included = 0;
        for (ours, theirs) in matches
            .iter()
            .flat_map(|a| matches.iter().map(move |b| (a, b)))
        {
            if ours.includes(theirs) {
                included += 1;
                let values = theirs.first_values();
                assert!(ours.narrowest().iter().any(|value| values.contains(value)));
            }
        }
        assert!(included > matches.len() * 2, "{included}");
    }
}
