//! `unhang revert`: put back what was there before unhang changed it.

use super::apply::{Applied, Document, status};
use super::{Output, SCHEMA, Status, all_nics, load_rules, no_such_nic, printable};
use crate::apply::{Outcome, PATIENCE, with_connection};
use crate::bounded;
use crate::cli::{Common, RevertArgs};
use crate::features::KernelError;
use crate::log::{Event, Level, Line, Log};
use crate::memory::{Memory, Remembered};
use crate::nic::Nic;
use crate::revert::{RevertError, revert};
use crate::rules::decide;

/// Runs the command.
pub fn run(args: &RevertArgs, common: &Common) -> anyhow::Result<Output> {
    let (rules, stderr) = load_rules(common, std::path::Path::new("/"));
    let mut output = Output {
        stderr,
        ..Output::default()
    };
    let memory = Memory::default();
    let log = Log::default();
    let found = all_nics()?;
    let asked_for = |nic: &Nic| {
        if args.nics.is_empty() {
            memory.read(nic) != Remembered::default() || !decide(rules.rules(), nic).is_empty()
        } else {
            args.nics.contains(&nic.name)
        }
    };
    for name in &args.nics {
        if !found.iter().any(|found| found.nic.name == *name) {
            output.stderr += &no_such_nic(name, &found);
            output.status = output.status.worst(Status::NoSuchNic);
        }
    }
    let mut json = Vec::new();
    for nic in found
        .iter()
        .map(|found| &found.nic)
        .filter(|nic| asked_for(nic))
    {
        let mut outcome = match put_back(nic, &memory) {
            Ok(outcome) => outcome,
            Err(problem) => {
                output.status = output.status.worst(Status::Failed);
                output.stderr += &format!("unhang: {}: {problem}\n", printable(&nic.name));
                continue;
            }
        };
        output.status = output.status.worst(status(outcome.summary()));
        let changed = !outcome.rules.is_empty();
        outcome.rules = decide(rules.rules(), nic).rules();
        let text = match Line::new(&outcome, &Event::revert()) {
            Some((level, line)) if changed => {
                if level > Level::Debug && outcome.error != Some(KernelError::NotPermitted) {
                    log.write(level, &line.to_string());
                }
                line.to_string()
            }
            _ => format!("{}: nothing to put back: unhang changed nothing", nic.name),
        };
        if args.json {
            json.push(Applied::new(&outcome, text));
        } else {
            output.stdout += &format!("{}\n", printable(&text));
        }
        if outcome.error.is_none() {
            output.stderr += &format!(
                "unhang: {0} is left alone from now on, until 'unhang apply {0}' or the next boot\n",
                printable(&nic.name)
            );
        }
    }
    if args.json {
        output.stdout = super::to_json(&Document {
            schema: SCHEMA,
            nics: json,
        });
    }
    Ok(output)
}

/// Waits no longer than `unhang apply` does.
fn put_back(nic: &Nic, memory: &Memory) -> anyhow::Result<Outcome> {
    let (nic, memory) = (nic.clone(), memory.clone());
    let mut work = bounded::start(PATIENCE, move |sender| {
        let reverted = with_connection(async |kernel| revert(kernel, &memory, &nic).await);
        // Nobody waits any more after a time-out.
        let _ = sender.send(reverted);
    });
    let reverted: Option<Result<Result<Outcome, RevertError>, KernelError>> = work.next_result()?;
    Ok(reverted.unwrap_or(Err(KernelError::Gone))??)
}
