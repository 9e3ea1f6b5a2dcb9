//! Generated files that are out of date, or do not count.

use std::path::Path;

use super::machine::Machine;
use super::marker::{Marker, fingerprint};
use super::request::{By, NoRequest, Request, Wanted};
use super::{link, write};
use crate::rules::RuleSet;
use crate::text::printable;

/// A line for each generated file that is out of date, or does not count.
pub fn stale(root: &Path, rules: &RuleSet) -> Vec<String> {
    let mut machine = None;
    let mut lines = Vec::new();
    for (path, marker) in write::find_all(root) {
        let machine = machine.get_or_insert_with(|| Machine::read(root));
        let mut reasons: Vec<String> = rules_changed(machine, rules, &marker).into_iter().collect();
        if marker.command.starts_with("link ") {
            reasons.extend(link::stale(machine, &path, &marker));
        }
        if !reasons.is_empty() {
            let first = if marker.edited {
                "it was edited, so move it away first; then "
            } else {
                ""
            };
            let line = format!(
                "{}: {}; {first}'unhang generate {}' regenerates it",
                path.display(),
                reasons.join("; "),
                marker.command
            );
            lines.push(printable(&line).into_owned());
        }
    }
    lines
}

fn rules_changed(machine: &Machine, rules: &RuleSet, marker: &Marker) -> Option<String> {
    let (format, wanted) = Wanted::parse_command(&marker.command)?;
    match Request::new(machine, rules, &format, &wanted, By::Mac) {
        Ok(request) => {
            let settings = fingerprint(&request.settings.summary());
            (settings != marker.settings).then(|| {
                let now = request.settings.for_people();
                format!("the rules have changed since, they now want {now}")
            })
        }
        // A NIC that is not there now may come back.
        Err(NoRequest::NoSuchNic(..)) => None,
        Err(problem) => Some(problem.to_string()),
    }
}
