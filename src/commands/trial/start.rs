//! `unhang try SETTING=VALUE`: the beginning of a trial.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::Timestamp;

use super::{Output, Status, apply, history, refuse, say};
use crate::apply::{KeyResult, Outcome};
use crate::cli::{Common, TryArgs};
use crate::commands::{all_nics, load_rules, read_rules};
use crate::discover::Found;
use crate::log::{Level, Line, TrialPart, TrialStep};
use crate::nic::Nic;
use crate::replace::replace;
use crate::rules::{Criterion, RuleSet, decide};
use crate::running_kernel::read_nics;
use crate::saved_state::SavedState;
use crate::trial::{Setting, Trial, criterion, file, tenths};

pub(super) fn run(setting: &str, args: &TryArgs, common: &Common) -> anyhow::Result<Output> {
    let (rules, mut output) = load_rules(common, &common.root);
    let setting: Setting = match setting.parse() {
        Ok(setting) => setting,
        Err(problem) => {
            output.error(&format!("{problem}"));
            output.status = Status::Usage;
            return Ok(output);
        }
    };
    if let Some(other) = Trial::running(&rules) {
        let setting = &other.setting;
        refuse(
            &mut output,
            &format!(
                "a trial of {setting} is running, and of two at once nobody knows which one it was: end it with 'unhang try --keep' or 'unhang try --stop'"
            ),
        );
        return Ok(output);
    }
    let found = all_nics(common)?;
    let Some(nic) = the_nic(args, &found, &mut output) else {
        return Ok(output);
    };
    let asked = match may_start(&nic, &setting, args, common) {
        Ok(asked) => asked,
        Err(why) => {
            refuse(&mut output, &format!("{}: {why}", nic.name));
            return Ok(output);
        }
    };
    if args.control {
        let step = TrialStep::Control {
            tenths: asked.tenths,
        };
        log(&nic, &setting, step, None, common, &mut output);
        output.result += &format!(
            "{} is what the trial of {setting} on other machines is compared with, for {} days of up-time: nothing is changed\n",
            nic.name,
            tenths(asked.tenths)
        );
        return Ok(output);
    }
    let criterion = Criterion {
        since: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        tenths: asked.tenths,
    };
    let evidence = match &asked.before {
        Some(before) => format!("a trial, after {before}"),
        None => "a trial over many hosts".to_owned(),
    };
    let Some((name, text)) = file(&nic, &setting, &criterion, &evidence) else {
        refuse(&mut output, "this NIC can't be told again after a reboot");
        return Ok(output);
    };
    let dir = rule_dir(common);
    if !dir.exists() {
        // systemd lets it write only in directories that were there when it started.
        output.notice(&format!(
            "{} is new: 'systemctl restart unhang-watch', so that the watcher can end the trial",
            dir.display()
        ));
    }
    fs::create_dir_all(&dir).with_context(|| format!("{} can't be made", dir.display()))?;
    let path = dir.join(name);
    replace(&path, text.as_bytes(), 0o644)
        .with_context(|| format!("{} can't be written", path.display()))?;
    let rules = read_rules(common, &common.root);
    let outcome = match overriding(&rules, &nic) {
        Some(why) => Err(why),
        None => took(&apply(&nic, rules, &common.root, &mut output), &setting),
    };
    if let Err(why) = outcome {
        fs::remove_file(&path).with_context(|| format!("{} can't be removed", path.display()))?;
        refuse(&mut output, &format!("{}: no trial: {why}", nic.name));
        return Ok(output);
    }
    let rules = read_rules(common, &common.root);
    let rule = Trial::running(&rules).map_or(String::new(), |trial| trial.rule.name.clone());
    let step = TrialStep::Started {
        tenths: asked.tenths,
    };
    log(&nic, &setting, step, Some(&rule), common, &mut output);
    let days = tenths(asked.tenths);
    output.result += &match &asked.before {
        Some(before) => format!(
            "trial of {setting} on {}, after {before}: {days} more days of up-time without an incident, and it helps; one incident before then refutes it\n",
            nic.name
        ),
        None => format!(
            "trial of {setting} on {}: for {days} days of up-time; an incident ends it\n",
            nic.name
        ),
    };
    Ok(output)
}

/// Logs that a trial begins.
fn log(
    nic: &Nic,
    setting: &Setting,
    step: TrialStep,
    rule: Option<&str>,
    common: &Common,
    output: &mut Output,
) {
    let setting = setting.to_string();
    let part = TrialPart { setting, step };
    let nothing = Outcome::new(nic.clone(), Vec::new(), None);
    let line = Line::of_trial(part, rule, &nothing);
    say(Level::Info, &line, &common.root, output);
}

/// Where the machine's owner has rules.
fn rule_dir(common: &Common) -> PathBuf {
    let dirs = common.rule_dirs_below(&common.root);
    dirs.into_iter()
        .next()
        .unwrap_or_else(|| Path::new("/etc/unhang/rules.d").to_owned())
}

fn the_nic(args: &TryArgs, found: &[Found], output: &mut Output) -> Option<Nic> {
    if args.nic.is_some() {
        return output.named(args.nic.as_slice(), found).pop();
    }
    let e1000e = |found: &&Found| found.nic.driver.as_deref() == Some("e1000e");
    let all: Vec<&Found> = found.iter().filter(e1000e).collect();
    match all[..] {
        [one] => Some(one.nic.clone()),
        [] => {
            refuse(output, "this machine has no e1000e NIC: name the NIC");
            None
        }
        _ => {
            let names: Vec<&str> = all.iter().map(|found| found.nic.name.as_str()).collect();
            refuse(
                output,
                &format!("name the NIC: there are {}", names.join(", ")),
            );
            None
        }
    }
}

/// What the trial takes, or why there can be none.
fn may_start(
    nic: &Nic,
    setting: &Setting,
    args: &TryArgs,
    common: &Common,
) -> Result<criterion::Asked, String> {
    if SavedState::below(&common.root).is_reverted(nic) {
        return Err(format!("it is reverted: 'unhang apply {}' first", nic.name));
    }
    let rule = setting.rule();
    let families = decide([&rule], nic).families().collect();
    let now = read_nics([(nic.clone(), families)].into_iter()).remove(0);
    let now = now.map_err(|error| error.to_string())?;
    if let Some(why) = setting.void(nic, &now) {
        return Err(format!("{setting} makes no difference: {why}"));
    }
    if let Some(days) = args.days {
        return Ok(criterion::Asked {
            tenths: days * 10,
            before: None,
        });
    }
    let history = history(args, &[nic])?;
    criterion::ask(&history, criterion::find(&history, nic), setting)
}

/// Why the trial's rule does not count.
fn overriding(rules: &RuleSet, nic: &Nic) -> Option<String> {
    let Some(trial) = Trial::on(rules, nic) else {
        return Some("its rule file does not count: 'unhang check' says why".into());
    };
    let decision = decide(rules.rules(), nic);
    let offload = decision.settings.iter().rfind(|s| match &trial.setting {
        Setting::Offload(key, _) => s.key.includes(key),
        Setting::Other(..) => false,
    });
    let value = decision.values.iter().find(|v| match &trial.setting {
        Setting::Other(name, _) => v.name == name,
        Setting::Offload(..) => false,
    });
    let by = offload.map(|s| s.rule).or(value.map(|v| v.rule));
    let by = by.filter(|rule| rule.trial.is_none())?;
    Some(format!(
        "rule {} ({}) sets it otherwise",
        by.name,
        rules.place_of(by)
    ))
}

/// Whether the setting is in force now.
fn took(outcome: &Outcome, setting: &Setting) -> Result<(), String> {
    if let Some(error) = &outcome.error {
        return Err(error.to_string());
    }
    let is_right = match setting {
        Setting::Offload(key, _) => outcome.keys.iter().any(|k| {
            let result = &k.result;
            k.key == *key
                && matches!(
                    result,
                    KeyResult::AlreadyRight | KeyResult::Changed | KeyResult::Secured
                )
        }),
        Setting::Other(name, value) => {
            let mut values = outcome.values.iter();
            values.any(|v| v.name == *name && v.is.is_right(name, *value))
        }
    };
    if is_right {
        Ok(())
    } else {
        Err(format!("{setting} is not in force"))
    }
}
