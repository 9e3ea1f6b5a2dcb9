//! `unhang revert`: restore the settings that NICs had before unhang changed them.

use super::apply::{Applied, Document, status};
use super::{Output, SCHEMA, Status, all_nics, load_rules};
use crate::cli::{Common, RevertArgs};
use crate::features::KernelError;
use crate::log::{Event, Level, Line, Log};
use crate::rules::decide;
use crate::running_kernel::revert_all;
use crate::saved_state::{Saved, SavedState};
use crate::text::printable;

pub fn run(args: &RevertArgs, common: &Common) -> anyhow::Result<Output> {
    let (rules, mut output) = load_rules(common, &common.root);
    let state = SavedState::below(&common.root);
    let log = Log::below(&common.root);
    let found = all_nics(common)?;
    let mut concerned = output.named(&args.nics, &found);
    if args.nics.is_empty() {
        concerned.extend(found.into_iter().map(|found| found.nic));
        concerned.retain(|nic| {
            state.read(nic) != Saved::default() || !decide(rules.rules(), nic).is_empty()
        });
    }
    let reverted = revert_all(concerned.iter().cloned(), &state);
    let mut json = Vec::new();
    for (nic, reverted) in concerned.iter().zip(reverted) {
        let reverted = reverted.map(|done| done.map_err(|error| error.to_string()));
        let reverted = reverted.map_err(|error| error.to_string());
        let mut outcome = match reverted.and_then(|done| done) {
            Ok(outcome) => outcome,
            Err(problem) => {
                output.status = output.status.worst(Status::Failed);
                output.error(&format!("{}: {problem}", nic.name));
                continue;
            }
        };
        output.status = output.status.worst(status(outcome.summary()));
        let concerned =
            !outcome.keys.is_empty() || !outcome.values.is_empty() || outcome.error.is_some();
        outcome.rules = decide(rules.rules(), nic).rules();
        let text = match Line::new(&outcome, &Event::revert()) {
            Some((level, line)) if concerned => {
                if level > Level::Debug && outcome.error != Some(KernelError::NotPermitted) {
                    log.write(level, &line.to_string());
                }
                line.to_string()
            }
            _ => format!(
                "{}: nothing to restore: no original settings are saved",
                nic.name
            ),
        };
        if args.json {
            json.push(Applied::new(&outcome, text));
        } else {
            output.result += &format!("{}\n", printable(&text));
        }
        if outcome.error.is_none() {
            output.notice(&format!(
                "{0} is left alone from now on, until 'unhang apply {0}' or the next boot",
                nic.name
            ));
        }
    }
    if args.json {
        output.result = super::to_json(&Document {
            schema: SCHEMA,
            nics: json,
        });
    }
    Ok(output)
}
