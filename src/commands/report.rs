//! `unhang report`: am I affected, did it help? Reads files, standard input or the journal
//! and prints a page, JSON, a picture or a vendor's report.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use jiff::tz::TimeZone;

use super::{Output, all_nics, firmware, load_rules, plan_view, width};
use crate::cli::{Common, ReportArgs};
use crate::kernel_log::Hosts;
use crate::nic::Nic;
use crate::plan::Plan;
use crate::report::fleet::{self, Host};
use crate::report::fleet::{Machines, read};
use crate::report::journal::Scope;
use crate::report::reading::Reading;
use crate::report::vendor::{self, NicSettings};
use crate::report::{json, svg, terminal};
use crate::rules::decide;
use crate::running_kernel::read_nics;

/// The page's width where there is no terminal and `COLUMNS` doesn't say.
const WIDTH: usize = 100;

/// Runs the command. A file that can't be read is told, and the others still count.
pub fn run(args: &ReportArgs, common: &Common) -> anyhow::Result<Output> {
    let zone = TimeZone::system();
    let Machines {
        only,
        hosts,
        errors,
    } = match &args.directory {
        Some(directory) => read::of_directory(directory, &zone),
        None if args.files.is_empty() => {
            let Reading {
                mut history,
                errors,
            } = Reading::of_journal(&zone, &Scope::All);
            if let Some(history) = &mut history {
                history.hosts = this_machine(&args.root);
            }
            Machines {
                only: history.map(Box::new),
                errors,
                ..Machines::default()
            }
        }
        None => read::of_files(&args.files, &zone),
    };
    let mut output = Output::of(&errors);
    let Some(history) = only else {
        if !hosts.is_empty() {
            of_several(args, &hosts, &mut output)?;
        }
        return Ok(output);
    };
    if let Some(path) = &args.svg {
        write_picture(path, &svg::picture(&history, &zone))?;
    }
    if args.json {
        print_json(&json::Report(&history)).context("standard output")?;
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
        output.result = terminal::page(&history, &zone, page_width());
    }
    Ok(output)
}

/// Whose journal it is.
fn this_machine(root: &Path) -> Hosts {
    let read = |name: &str| {
        let text = std::fs::read_to_string(root.join(name)).unwrap_or_default();
        text.trim().to_owned()
    };
    let id = Some(read("etc/machine-id")).filter(|id| !id.is_empty());
    Hosts::of(&read("proc/sys/kernel/hostname"), id.as_deref())
}

/// The same of several machines.
fn of_several(args: &ReportArgs, hosts: &[Host], output: &mut Output) -> anyhow::Result<()> {
    if let Some(path) = &args.svg {
        write_picture(path, &fleet::svg::picture(hosts))?;
    }
    if args.json {
        return print_json(&fleet::json::report(hosts)).context("standard output");
    }
    let private = args.vendor && !args.identify;
    output.result = fleet::page::page(hosts, page_width(), private);
    Ok(())
}

fn write_picture(path: &Path, picture: &str) -> anyhow::Result<()> {
    std::fs::write(path, picture).with_context(|| format!("{}: cannot be written", path.display()))
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

/// With a pager behind standard output, the width of the terminal that is left.
fn page_width() -> usize {
    let terminal = || terminal_size::terminal_size().map(|(width, _)| width.0.into());
    width().or_else(terminal).unwrap_or(WIDTH)
}

fn print_json(report: &impl serde::Serialize) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = serde_json::to_writer_pretty(&mut out, report);
    let written = written.map_err(std::io::Error::from);
    match written
        .and_then(|()| writeln!(out))
        .and_then(|()| out.flush())
    {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
