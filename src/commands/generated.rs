//! What `check` and `status` say of generated files, and of a `.link` file that somebody wrote.

use std::path::Path;

use super::check::Counts;
use super::{Output, Status, printable};
use crate::cli::Common;
use crate::generate::link;
use crate::generate::machine::Machine;
use crate::generate::marker::{Marker, fingerprint};
use crate::generate::request::{By, NoRequest, Request, Wanted};
use crate::generate::write;
use crate::rules::{RuleSet, Severity};

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
                "it was changed by hand, so move it away first; then "
            } else {
                ""
            };
            let line = format!(
                "{}: {}; {first}'unhang generate {}' makes it anew",
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

/// `unhang check --link FILE`.
pub fn check_link(file: &Path, root: &Path, common: &Common) -> Output {
    let mut output = Output::default();
    let rules = super::read_rules(common, root);
    let machine = Machine::read(root);
    let findings = match link::check::check(&machine, &rules, file) {
        Ok(findings) => findings,
        Err(refusal) => {
            output.stderr = format!("unhang: {}\n", printable(&refusal.0));
            output.status = Status::Failed;
            return output;
        }
    };
    let mut counts = Counts::default();
    for finding in &findings {
        counts.add(finding.severity);
        let word = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        output.stdout += &format!("{word}: {}\n", printable(&finding.message));
        for line in finding.help.iter().flat_map(|help| help.lines()) {
            output.stdout += &format!("    {}\n", printable(line));
        }
    }
    let file = file.display().to_string();
    output.stdout += &format!("{}: {counts}\n", printable(&file));
    if findings.iter().any(|f| f.severity > Severity::Note) {
        output.status = Status::Failed;
    }
    output
}
