//! `unhang try --keep` and `--stop`: the end of a trial.

use std::fs;
use std::sync::Arc;

use anyhow::Context;

use super::{Output, apply, history, refuse, say};
use crate::apply::Outcome;
use crate::cli::{Common, TryArgs};
use crate::commands::{all_nics, read_rules};
use crate::log::{Event, Level, Line, TrialPart, TrialStep};
use crate::nic::Nic;
use crate::replace::replace;
use crate::report::{days, plural};
use crate::rules::decide;
use crate::running_kernel::restore_nic_after;
use crate::saved_state::SavedState;
use crate::trial::{Trial, criterion, tenths};

/// Makes it an ordinary rule, if it helped.
pub(super) fn keep(
    trial: &Trial<'_>,
    args: &TryArgs,
    common: &Common,
    output: &mut Output,
) -> anyhow::Result<()> {
    let Some(nic) = nic_of(trial, common)? else {
        refuse(output, "the trial's NIC is not there");
        return Ok(());
    };
    let setting = &trial.setting;
    let progress = match history(args, &[&nic]) {
        Ok(history) => criterion::progress(&history, criterion::find(&history, &nic), trial),
        Err(why) => {
            refuse(output, &why);
            return Ok(());
        }
    };
    let up = days(progress.days);
    if progress.incidents > 0 {
        let many = plural(progress.incidents, "incident");
        refuse(
            output,
            &format!(
                "{setting} did not help: {many} in {up} of up-time; 'unhang try --stop' ends the trial"
            ),
        );
        return Ok(());
    }
    if !criterion::is_reached(&progress, trial) {
        let needed = tenths(trial.criterion.tenths);
        refuse(
            output,
            &format!(
                "too early: {up} of {needed} days of up-time; 'unhang try --stop' ends the trial"
            ),
        );
        return Ok(());
    }
    let before = trial.rule.evidence.as_deref().unwrap_or("a trial");
    let (name, text) = trial.kept(&format!(
        "{before}: no incident in {up} of up-time with {setting}"
    ));
    let path = trial.path.with_file_name(name);
    if path.exists() {
        refuse(
            output,
            &format!("{} is there already: move it away", path.display()),
        );
        return Ok(());
    }
    replace(&path, text.as_bytes(), 0o644)
        .with_context(|| format!("{} can't be written", path.display()))?;
    remove(trial)?;
    log(
        trial,
        TrialStep::Kept,
        &Outcome::new(nic, Vec::new(), None),
        common,
        output,
    );
    output.result += &format!("kept in {}\n", path.display());
    Ok(())
}

/// Ends it, and restores what was before.
pub(super) fn stop(trial: &Trial<'_>, common: &Common, output: &mut Output) -> anyhow::Result<()> {
    remove(trial)?;
    let Some(nic) = nic_of(trial, common)? else {
        output.result += &format!("trial of {} stopped; its NIC is not there\n", trial.setting);
        return Ok(());
    };
    let rules = Arc::new(read_rules(common, &common.root));
    let state = SavedState::below(&common.root);
    let restored = restore_nic_after(&nic, &state, trial.rule, &rules);
    log(trial, TrialStep::Stopped, &restored, common, output);
    if restored.error.is_some() {
        if let Some((level, line)) = Line::new(&restored, &Event::trial()) {
            say(level, &line, &common.root, output);
        }
    }
    let applied = apply(&nic, read_rules(common, &common.root), &common.root, output);
    for outcome in [&restored, &applied] {
        let status = crate::commands::apply::status(outcome.summary());
        output.status = output.status.worst(status);
    }
    Ok(())
}

fn remove(trial: &Trial<'_>) -> anyhow::Result<()> {
    fs::remove_file(trial.path)
        .with_context(|| format!("{} can't be removed", trial.path.display()))
}

fn nic_of(trial: &Trial<'_>, common: &Common) -> anyhow::Result<Option<Nic>> {
    let is_its = |nic: &Nic| decide([trial.rule], nic).looked[0].matched();
    let mut nics = all_nics(common)?.into_iter().map(|found| found.nic);
    Ok(nics.find(is_its))
}

fn log(
    trial: &Trial<'_>,
    step: TrialStep,
    restored: &Outcome,
    common: &Common,
    output: &mut Output,
) {
    let setting = trial.setting.to_string();
    let part = TrialPart { setting, step };
    let line = Line::of_trial(part, Some(&trial.rule.name), restored);
    say(Level::Info, &line, &common.root, output);
}
