//! `unhang check`: mistakes in rule files, with their place and what to write instead.

use std::fs;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{Output, Status, printable};
use crate::cli::{CheckArgs, Common};
use crate::rules::{Diagnostic, FileProblem, Rule, RuleFile, RuleSet, Severity, lint};

const HELPER: &str = "/usr/lib/udev/unhang";
const UDEV_RULE_DIRS: [&str; 5] = [
    "/etc/udev/rules.d",
    "/run/udev/rules.d",
    "/usr/local/lib/udev/rules.d",
    "/usr/lib/udev/rules.d",
    "/lib/udev/rules.d",
];

/// Runs the command.
pub fn run(args: &CheckArgs, common: &Common) -> anyhow::Result<Output> {
    if let Some(link) = &args.link {
        return Ok(super::generated::check_link(link, &args.root, common));
    }
    let set = if args.files.is_empty() {
        super::read_rules(common, &args.root)
    } else {
        RuleSet {
            files: args.files.iter().map(|path| RuleFile::read(path)).collect(),
            ..RuleSet::default()
        }
    };
    let mut output = Output::default();
    let mut counts = Counts::default();
    for (dir, error) in &set.unreadable_dirs {
        counts.add(Severity::Error);
        output.stdout += &format!(
            "{}: rule directory skipped: {error}\n\n",
            printable(&dir.display().to_string())
        );
    }
    for file in &set.files {
        let diagnostics = match &file.rules {
            Ok(_) => with_calls(lint(&set, file), file),
            Err(FileProblem::Invalid(errors)) => errors.clone(),
            Err(problem) => {
                counts.add(Severity::Error);
                let path = file.path.display().to_string();
                output.stdout += &format!("{}\n\n", printable(&format!("{path} {problem}")));
                continue;
            }
        };
        for diagnostic in &diagnostics {
            counts.add(diagnostic.severity);
            output.stdout += &render(file, diagnostic);
        }
    }
    if args.files.is_empty() {
        for line in super::generated::stale(&args.root, &set) {
            counts.add(Severity::Warning);
            output.stdout += &format!("warning: {line}\n\n");
        }
    }
    let rules = set.rules().count();
    output.stdout += &format!(
        "{}, {}: {counts}\n",
        number(set.files.len(), "rule file"),
        number(rules, "rule")
    );
    if counts.errors + counts.warnings > 0 {
        output.status = Status::Failed;
    }
    Ok(output)
}

#[derive(Default)]
pub(super) struct Counts {
    errors: usize,
    warnings: usize,
    notes: usize,
}

impl Counts {
    pub(super) fn add(&mut self, severity: Severity) {
        match severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
            Severity::Note => self.notes += 1,
        }
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = [
            (self.errors, "error"),
            (self.warnings, "warning"),
            (self.notes, "note"),
        ];
        let said: Vec<String> = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| number(count, word))
            .collect();
        f.write_str(&if said.is_empty() {
            "no mistakes".to_owned()
        } else {
            said.join(", ")
        })
    }
}

fn number(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

fn render(file: &RuleFile, diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let path = printable(&file.path.display().to_string()).into_owned();
    let annotation = AnnotationKind::Primary.span(diagnostic.span.clone());
    let snippet = Snippet::source(&file.text)
        .path(path)
        .annotation(annotation);
    let message = printable(&diagnostic.message);
    let mut group = level.primary_title(message.as_ref()).element(snippet);
    if let Some(help) = &diagnostic.help {
        let help: Vec<_> = help.lines().map(printable).collect();
        group = group.element(Level::HELP.message(help.join("\n")));
    }
    Renderer::styled().render(&[group]) + "\n\n"
}

/// Adds what there is to say about rules for which udev does not call the helper.
fn with_calls(mut diagnostics: Vec<Diagnostic>, file: &RuleFile) -> Vec<Diagnostic> {
    let rules = file
        .rules
        .iter()
        .flatten()
        .filter(|rule| !rule.offload.is_empty());
    diagnostics.extend(rules.flat_map(uncalled));
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
    diagnostics
}

fn uncalled(rule: &Rule) -> Vec<Diagnostic> {
    let span = rule.span.clone();
    if rule.matches.driver.is_empty() {
        let note = "rule '{}' names no driver: udev calls unhang for e1000e NICs only"
            .replace("{}", &rule.name);
        return vec![Diagnostic::note(span, note).help(format!(
            "for a NIC of another driver, put this line with its driver into /etc/udev/rules.d/85-unhang-local.rules:\n{}",
            udev_line("DRIVER")
        ))];
    }
    let others = rule
        .matches
        .driver
        .iter()
        .filter(|driver| *driver != "e1000e" && !is_called_for(driver));
    let warning = |driver: &String| {
        let message = format!(
            "udev does not call unhang for NICs of driver {driver}, so nothing applies rule '{}' to them",
            rule.name
        );
        Diagnostic::warning(span.clone(), message).help(format!(
            "put this line into /etc/udev/rules.d/85-unhang-local.rules:\n{}",
            udev_line(driver)
        ))
    };
    others.map(warning).collect()
}

fn udev_line(driver: &str) -> String {
    format!(
        r#"ACTION=="add|move", SUBSYSTEM=="net", ENV{{ID_NET_DRIVER}}=="{driver}", RUN+="{HELPER}""#
    )
}

/// Whether some udev rule calls the helper for this driver.
fn is_called_for(driver: &str) -> bool {
    let quoted = format!("\"{driver}\"");
    let calls = |line: &str| {
        let line = line.trim_start();
        !line.starts_with('#') && line.contains(HELPER) && line.contains(&quoted)
    };
    let files = UDEV_RULE_DIRS
        .iter()
        .filter_map(|dir| fs::read_dir(Path::new(dir)).ok())
        .flatten()
        .flatten();
    let rule_files = files
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "rules"));
    rule_files
        .filter_map(|path| fs::read_to_string(path).ok())
        .any(|text| text.lines().any(calls))
}
