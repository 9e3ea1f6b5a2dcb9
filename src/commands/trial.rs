//! `unhang try`: one change at a time, with its criterion written down before.

mod end;
mod list;
mod start;

use std::path::Path;

use jiff::tz::TimeZone;

use super::{Output, Status, load_rules};
use crate::apply::{IfReverted, Outcome};
use crate::cli::{Common, TryArgs};
use crate::log::{Event, Level, Line, Log};
use crate::nic::Nic;
use crate::report::history::History;
use crate::report::journal::Scope;
use crate::report::reading::{Reading, Started};
use crate::rules::RuleSet;
use crate::running_kernel::apply_all;
use crate::saved_state::SavedState;
use crate::text::printable;
use crate::trial::Trial;
use std::sync::Arc;

pub fn run(args: &TryArgs, common: &Common) -> anyhow::Result<Output> {
    if args.keep || args.stop {
        let (rules, mut output) = load_rules(common, &common.root);
        match Trial::running(&rules) {
            Some(trial) if args.keep => end::keep(&trial, args, common, &mut output)?,
            Some(trial) => end::stop(&trial, common, &mut output)?,
            None => refuse(
                &mut output,
                "no trial is running: 'unhang try' shows what is worth one",
            ),
        }
        return Ok(output);
    }
    match &args.setting {
        Some(setting) => start::run(setting, args, common),
        None => list::run(args, common),
    }
}

fn refuse(output: &mut Output, why: &str) {
    output.error(why);
    output.status = output.status.worst(Status::Failed);
}

/// What the machine's log, or the files that are named instead, say of these NICs.
fn history(args: &TryArgs, nics: &[&Nic]) -> Result<History, String> {
    let reading = if args.log.is_empty() {
        let asked = Started::about(nics.iter().copied(), Scope::Devices);
        asked.map(Started::finish).unwrap_or_default()
    } else {
        Reading::of_files(&args.log, &TimeZone::system())
    };
    if let Some(error) = reading.errors.first() {
        return Err(format!("what happened before is not known: {error}"));
    }
    // Without an e1000e NIC there is nothing about one.
    Ok(reading.history.unwrap_or_default())
}

/// Applies the rules to the NIC, and says and logs what came of it.
fn apply(nic: &Nic, rules: RuleSet, root: &Path, output: &mut Output) -> Outcome {
    let nics = [nic.clone()];
    let state = SavedState::below(root);
    let mut done = apply_all(&nics, &Arc::new(rules), &state, IfReverted::Leave);
    let outcome = done.remove(0);
    if let Some((level, line)) = Line::new(&outcome, &Event::trial()) {
        say(level, &line, root, output);
    }
    outcome
}

/// A line for the log, and for whoever asked.
fn say(level: Level, line: &Line, root: &Path, output: &mut Output) {
    let line = line.to_string();
    if level > Level::Debug {
        Log::below(root).write(level, &line);
    }
    output.result += &format!("{}\n", printable(&line));
}
