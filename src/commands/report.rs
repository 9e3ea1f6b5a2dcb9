//! `unhang report`: am I affected, did it help? Reads files, standard input or the journal
//! and prints a page, JSON, a picture or a vendor's report.

use std::io::Write;
use std::process::Command;

use anyhow::Context;
use jiff::tz::TimeZone;

use super::{Output, all_nics, load_rules, plan_view};
use crate::cli::{Common, ReportArgs};
use crate::nic::Nic;
use crate::plan::Plan;
use crate::report::history::History;
use crate::report::journal::Scope;
use crate::report::reading::Reading;
use crate::report::vendor::{self, NicSettings};
use crate::report::{clean, json, svg, terminal};
use crate::rules::decide;
use crate::running_kernel::read_nics;

/// The page's width where standard output is no terminal and `COLUMNS` doesn't say.
const WIDTH: usize = 100;

/// Runs the command. A file that can't be read is told, and the others still count.
pub fn run(args: &ReportArgs, common: &Common) -> anyhow::Result<Output> {
    let zone = TimeZone::system();
    let Reading { history, errors } = if args.files.is_empty() {
        Reading::of_journal(&zone, &Scope::All)
    } else {
        Reading::of_files(&args.files, &zone)
    };
    let mut output = Output::of(&errors);
    let Some(history) = history else {
        return Ok(output);
    };
    if let Some(path) = &args.svg {
        std::fs::write(path, svg::picture(&history, &zone))
            .with_context(|| format!("{}: cannot be written", path.display()))?;
    }
    if args.json {
        print_json(&history).context("standard output")?;
    } else if args.vendor {
        // Another system's files say nothing about this machine's NICs.
        let settings = if args.root == common.root {
            settings(common)
        } else {
            Vec::new()
        };
        let options = vendor::Options {
            root: &args.root,
            identify: args.identify,
            settings: &settings,
        };
        output.result = vendor::report(&history, &zone, options);
    } else {
        output.result = terminal::page(&history, &zone, width());
    }
    Ok(output)
}

/// What the kernel says now of the e1000e NICs; what it doesn't say is left out.
fn settings(common: &Common) -> Vec<NicSettings> {
    let (rules, _) = load_rules(common, &common.root);
    let found = all_nics(common).unwrap_or_default();
    let e1000e = found
        .iter()
        .map(|found| &found.nic)
        .filter(|nic| nic.driver.as_deref() == Some("e1000e"));
    let of_nic = |nic: &Nic| {
        let decision = decide(rules.rules(), nic);
        let mut now = vec![("Rule".to_owned(), decision.rules().join(" "))];
        let asked = (nic.clone(), decision.families().collect());
        if let Some(Ok(read)) = read_nics([asked].into_iter()).pop() {
            let plan = Plan::new(&decision, &read);
            now.push(("Offloads".into(), plan_view::now(&plan)));
            for (name, active) in [("On", true), ("Off", false)] {
                let list = read.features.list.iter();
                let list = list.filter(|f| f.active == active && (active || f.changeable));
                let list: Vec<&str> = list.map(|f| f.name.as_str()).collect();
                now.push((name.into(), list.join(" ")));
            }
        }
        now.retain(|(_, value)| !value.is_empty());
        NicSettings {
            interface: nic.name.clone(),
            firmware: firmware(&nic.name),
            now,
        }
    };
    e1000e.map(of_nic).collect()
}

/// As `ethtool -i` tells it, if it is there: netlink has no message for it.
fn firmware(interface: &str) -> Option<String> {
    // No option of ethtool's.
    let name = Some(interface).filter(|name| !name.starts_with('-'))?;
    let output = Command::new("ethtool").args(["-i", name]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text
        .lines()
        .find_map(|line| line.strip_prefix("firmware-version:"))?;
    Some(clean(version.trim())).filter(|version| !version.is_empty())
}

/// `COLUMNS`, else the terminal's width.
fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok();
    let columns = columns.and_then(|columns| columns.parse().ok());
    let terminal = || terminal_size::terminal_size().map(|(width, _)| width.0.into());
    columns.or_else(terminal).unwrap_or(WIDTH)
}

fn print_json(history: &History) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = serde_json::to_writer_pretty(&mut out, &json::Report(history));
    let written = written.map_err(std::io::Error::from);
    match written
        .and_then(|()| writeln!(out))
        .and_then(|()| out.flush())
    {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
