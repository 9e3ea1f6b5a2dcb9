//! Taking over what the file in force says, so that only what the rule sets changes.

use super::ini::Ini;
use super::keys::{self, EEE};
use super::link_files::LinkFile;
use super::matching::CONDITIONS;
use crate::generate::Refusal;

/// Assignments in order.
pub type Lines = Vec<(String, String)>;

/// Of the file in force: its [Match], its [Link] without the keys that are set anew, and its
/// other sections, with what is set of [`EnergyEfficientEthernet`].
pub fn take_over(
    file: Option<&LinkFile>,
    offloads: &Lines,
    eee: &Lines,
) -> (Lines, Lines, Vec<(String, Lines)>) {
    let own = (!eee.is_empty()).then(|| (EEE.to_owned(), eee.clone()));
    let Some(file) = file else {
        return (Lines::new(), Lines::new(), own.into_iter().collect());
    };
    let mut link = effective(&file.ini, "Link", keys::is_list);
    link.retain(|(key, _)| offloads.iter().all(|(set, _)| set != key));
    let mut other = Vec::new();
    for section in &file.ini.sections {
        if section.name != "Match" && section.name != "Link" {
            let entries = section.entries.iter();
            let mut lines: Lines = entries.map(|e| (e.key.clone(), e.value.clone())).collect();
            if section.name == EEE {
                lines.retain(|(key, _)| eee.iter().all(|(set, _)| set != key));
            }
            other.push((section.name.clone(), lines));
        }
    }
    other.extend(own);
    other.retain(|(name, lines)| name != EEE || !lines.is_empty());
    (effective(&file.ini, "Match", |_| true), link, other)
}

/// What counts in the end: of a list all since its last reset, of another key the last value.
/// A reset is kept, as an empty value may say something of its own (`MACAddressPolicy=` is "none").
fn effective(ini: &Ini, section: &str, is_list: impl Fn(&str) -> bool) -> Lines {
    let mut lines = Lines::new();
    for entry in ini.entries(section) {
        if entry.value.is_empty() || !is_list(&entry.key) {
            lines.retain(|(key, _)| *key != entry.key);
        }
        if !entry.value.is_empty() || !is_list(&entry.key) {
            lines.push((entry.key.clone(), entry.value.clone()));
        }
    }
    lines
}

/// Our [Match] and theirs, so that the new file matches no NIC that the displaced one does not.
/// For a single NIC, known by its address, only their conditions on the machine are needed.
pub fn combine(own: &Lines, theirs: &Lines, for_rule: bool) -> Result<Lines, Refusal> {
    let mut all = own.clone();
    for (key, value) in theirs {
        let is_condition = CONDITIONS.contains(&key.as_str());
        if !(for_rule || is_condition) || (key == "OriginalName" && value == "*") {
            continue;
        }
        match own.iter().find(|(other, _)| other == key) {
            Some((_, same)) if same == value => {}
            // The words of Property= must all hold, so these add up.
            Some(_) if key == "Property" => all.push((key.clone(), value.clone())),
            // The rule's drivers are among theirs: these NICs do match the displaced file.
            Some(_) if key == "Driver" => {}
            Some((_, ours)) => {
                return Refusal::new(format!(
                    "the rule goes by {key}={ours} and the file in force by {key}={value}, and a file can't ask for both; name the NIC itself"
                ));
            }
            None => all.push((key.clone(), value.clone())),
        }
    }
    Ok(all)
}

pub fn written(lines: &Lines) -> String {
    let lines = lines.iter().map(|(key, value)| format!("{key}={value}\n"));
    lines.collect::<Vec<_>>().concat()
}
