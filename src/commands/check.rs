//! `unhang check`: mistakes in rule files, with their place and what to write instead.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{Output, Status};
use crate::cli::{CheckArgs, Common};
use crate::discover::{self, Found};
use crate::features::nearest;
use crate::generate::link;
use crate::generate::machine::Machine;
use crate::generate::stale::stale;
use crate::root_files;
use crate::rules::{
    Diagnostic, Exhausted, FileProblem, Looked, Rule, RuleFile, RuleSet, Severity, decide, lint,
};
use crate::text::{is_unprintable, printable};
use crate::watch::bond::other_port;

const HELPER: &str = "/usr/lib/udev/unhang";
const UDEV_RULE_DIRS: [&str; 5] = [
    "/etc/udev/rules.d",
    "/run/udev/rules.d",
    "/usr/local/lib/udev/rules.d",
    "/usr/lib/udev/rules.d",
    "/lib/udev/rules.d",
];

pub fn run(args: &CheckArgs, common: &Common) -> anyhow::Result<Output> {
    if let Some(link) = &args.link {
        return Ok(check_link(link, &args.root, common));
    }
    let mut output = Output::default();
    let mut counts = Counts::default();
    let set = if args.files.is_empty() {
        super::read_rules(common, &args.root)
    } else {
        let mut set = RuleSet::default();
        for path in &args.files {
            if path.as_os_str() == "-" {
                let file = RuleFile::from_reader("<stdin>", std::io::stdin().lock());
                set.files.push(file);
                continue;
            }
            let (file, distrust) = RuleFile::named(path);
            if let Some(reason) = distrust {
                counts.add(Severity::Note);
                let path = path.display();
                let note = format!("{path} would be refused as a rule file, because {reason}");
                output.result += &format!("note: {}\n\n", printable(&note));
            }
            set.files.push(file);
        }
        set
    };
    for (dir, error) in &set.unreadable_dirs {
        counts.add(Severity::Error);
        output.result += &format!(
            "{}: rule directory skipped: {error}\n\n",
            printable(&dir.display().to_string())
        );
    }
    for (file, found) in set.files.iter().zip(lint(&set)) {
        let diagnostics = match &file.rules {
            Ok(_) => with_calls(&args.root, found, file),
            Err(FileProblem::Invalid(errors)) => errors.clone(),
            Err(problem) => {
                counts.add(Severity::Error);
                let path = file.path.display().to_string();
                output.result += &format!("{}\n\n", printable(&format!("{path} {problem}")));
                continue;
            }
        };
        for diagnostic in &diagnostics {
            counts.add(diagnostic.severity);
            output.result += &render(file, diagnostic);
        }
    }
    if args.files.is_empty() {
        for line in stale(&args.root, &set) {
            counts.add(Severity::Warning);
            output.result += &format!("warning: {line}\n\n");
        }
    }
    let rules = set.rules().count();
    output.result += &format!(
        "{}, {}: {counts}\n",
        number(set.files.len(), "rule file"),
        number(rules, "rule")
    );
    output.status = counts.status();
    Ok(output)
}

fn check_link(file: &Path, root: &Path, common: &Common) -> Output {
    let mut output = Output::default();
    let rules = super::read_rules(common, root);
    let machine = Machine::read(root);
    let findings = match link::check::check(&machine, &rules, file) {
        Ok(findings) => findings,
        Err(refusal) => {
            output.error(&refusal.0);
            output.status = Status::Failed;
            return output;
        }
    };
    let mut counts = Counts::default();
    for finding in &findings {
        counts.add(finding.severity);
        let message = printable(&finding.message);
        output.result += &format!("{}: {message}\n", finding.severity);
        for line in finding.help.iter().flat_map(|help| help.lines()) {
            output.result += &format!("    {}\n", printable(line));
        }
    }
    let file = file.display().to_string();
    output.result += &format!("{}: {counts}\n", printable(&file));
    output.status = counts.status();
    output
}

/// How many findings there are of each severity.
#[derive(Default)]
struct Counts([usize; 3]);

impl Counts {
    fn add(&mut self, severity: Severity) {
        self.0[severity as usize] += 1;
    }

    fn status(&self) -> Status {
        let mistakes = self.0[Severity::Warning as usize..].iter().sum::<usize>();
        if mistakes > 0 {
            Status::Failed
        } else {
            Status::Done
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severities = [Severity::Error, Severity::Warning, Severity::Note];
        let counts = severities.map(|severity| (self.0[severity as usize], severity));
        let said: Vec<String> = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, severity)| number(count, &severity.to_string()))
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
    let lines = file.text.lines(&diagnostic.span);
    let shown = |range: Range<usize>| {
        let unprintable = |c| is_unprintable(c) && c != '\n' && c != '\t';
        file.text[range].replace(unprintable, "\u{fffd}")
    };
    let before = shown(lines.start..diagnostic.span.start);
    let marked = shown(diagnostic.span.clone());
    let span = before.len()..before.len() + marked.len();
    let after = shown(diagnostic.span.end..lines.end);
    let snippet = Snippet::source(before + &marked + &after)
        .line_start(file.text.line(lines.start))
        .path(path)
        .annotation(AnnotationKind::Primary.span(span));
    let message = printable(&diagnostic.message);
    let mut group = level.primary_title(message.as_ref()).element(snippet);
    if let Some(help) = &diagnostic.help {
        let help: Vec<_> = help.lines().map(printable).collect();
        group = group.element(Level::HELP.message(help.join("\n")));
    }
    Renderer::styled().render(&[group]) + "\n\n"
}

/// Adds what there is to say about rules for which udev does not call the helper.
fn with_calls(root: &Path, mut diagnostics: Vec<Diagnostic>, file: &RuleFile) -> Vec<Diagnostic> {
    let rules = file
        .rules
        .iter()
        .flatten()
        .filter(|rule| rule.sets_anything());
    diagnostics.extend(rules.flat_map(|rule| uncalled(root, rule)));
    let rules = file.rules.iter().flatten();
    let taking_down = rules.filter(|rule| rule.exhausted == Some(Exhausted::LinkDown));
    diagnostics.extend(taking_down.flat_map(|rule| no_link_down(root, rule)));
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
    diagnostics
}

/// The NICs of this machine for which `exhausted = "link-down"` would do nothing.
fn no_link_down(root: &Path, rule: &Rule) -> Vec<Diagnostic> {
    let net = root.join("sys/class/net");
    let found = discover::all(root).unwrap_or_default();
    let nics = found.into_iter().filter(|found| {
        let matched = |nic| decide([rule], nic).looked.iter().all(Looked::matched);
        found.physical && matched(&found.nic)
    });
    let note = |found: Found| {
        let name = found.nic.name;
        let reason = other_port(&net, &name).err()?;
        let message = format!(
            "rule '{}': link-down does nothing for {name} now: {reason}",
            rule.name
        );
        Some(Diagnostic::note(rule.span.clone(), message))
    };
    nics.filter_map(note).collect()
}

fn uncalled(root: &Path, rule: &Rule) -> Vec<Diagnostic> {
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
        .filter(|driver| *driver != "e1000e" && !is_called_for(root, driver));
    let warning = |driver: &String| {
        let message = format!(
            "udev does not call unhang for NICs of driver {driver}, so nothing applies rule '{}' to them",
            rule.name
        );
        let help = match driver_meant(driver) {
            Some(meant) => format!("did you mean '{meant}'?"),
            None => format!(
                "put this line into /etc/udev/rules.d/85-unhang-local.rules:\n{}",
                udev_line(driver)
            ),
        };
        Diagnostic::warning(span.clone(), message).help(help)
    };
    others.map(warning).collect()
}

/// Drivers' names are in lower case.
fn driver_meant(driver: &str) -> Option<String> {
    let lower = driver.to_ascii_lowercase();
    match nearest(&lower, ["e1000e", "e1000", "e100"]) {
        Some(near) if near != driver => Some(near.to_owned()),
        _ => (lower != driver).then_some(lower),
    }
}

fn udev_line(driver: &str) -> String {
    format!(
        r#"ACTION=="add|move", SUBSYSTEM=="net", ENV{{ID_NET_DRIVER}}=="{driver}", RUN+="{HELPER}", TAG+="systemd", ENV{{SYSTEMD_WANTS}}+="unhang-watch.service""#
    )
}

/// Whether some udev rule calls the helper for this driver.
fn is_called_for(root: &Path, driver: &str) -> bool {
    let paths = root_files::drop_ins(root, &UDEV_RULE_DIRS.map(PathBuf::from), "rules");
    let mut texts = paths
        .iter()
        .filter_map(|path| root_files::read(root, path).ok());
    texts.any(|text| {
        let joined = text.replace("\\\n", "");
        joined.lines().any(|line| calls(line, driver))
    })
}

/// Whether a udev rule calls the helper, and its conditions on the driver hold.
fn calls(rule: &str, driver: &str) -> bool {
    // What is in quotes is every second part.
    let parts: Vec<&str> = rule.split('"').collect();
    let mut conditions = parts
        .chunks_exact(2)
        .filter(|part| part[0].contains("DRIVER"));
    let holds = |part: &[&str]| {
        let mut values = part[1].split('|');
        let fits = values.any(|value| fast_glob::glob_match(value, driver));
        fits != part[0].trim_end().ends_with("!=")
    };
    !rule.trim_start().starts_with('#') && rule.contains(HELPER) && conditions.all(holds)
}
