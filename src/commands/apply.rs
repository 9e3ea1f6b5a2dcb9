//! `unhang apply`: apply the rules to NICs and verify the result.

mod brief;

use std::sync::Arc;

use serde::Serialize;

use super::{Output, SCHEMA, Status, all_nics, load_rules, plan_view};
use crate::apply::{IfReverted, Outcome, Summary};
use crate::cli::{ApplyArgs, Common};
use crate::features::KernelError;
use crate::log::{Event, Level, Line, Log};
use crate::nic::Nic;
use crate::rules::{RuleSet, decide};
use crate::running_kernel::{apply_all, read_plans};
use crate::saved_state::SavedState;
use crate::text::printable;

pub fn run(args: &ApplyArgs, common: &Common) -> anyhow::Result<Output> {
    let (rules, mut output) = load_rules(common, &common.root);
    let found = all_nics(common)?;
    let mut nics = Vec::new();
    if args.nics.is_empty() {
        let wanted = |nic: &&Nic| !decide(rules.rules(), nic).is_empty();
        nics.extend(found.iter().map(|found| &found.nic).filter(wanted).cloned());
        if nics.is_empty() && !args.brief {
            output.notice("no rule matches a NIC of this machine; 'unhang status' lists them");
        }
    }
    nics.extend(output.named(&args.nics, &found));
    if args.dry_run {
        dry_run(args, &nics, &rules, &mut output);
    } else {
        let state = SavedState::below(&common.root);
        let stays = |nic: &Nic| args.keep_reverted && state.is_reverted(nic);
        let (left, nics): (Vec<Nic>, Vec<Nic>) = nics.into_iter().partition(stays);
        let outcomes = for_real(args, common, &state, &nics, rules, &mut output);
        if args.brief {
            output.result = brief::line(&found, &outcomes, &left);
        }
    }
    Ok(output)
}

fn for_real(
    args: &ApplyArgs,
    common: &Common,
    state: &SavedState,
    nics: &[Nic],
    rules: RuleSet,
    output: &mut Output,
) -> Vec<Outcome> {
    let log = Log::below(&common.root);
    let mut json = Vec::new();
    let if_reverted = if args.keep_reverted {
        IfReverted::Leave
    } else {
        IfReverted::Apply
    };
    let outcomes = apply_all(nics, &Arc::new(rules), state, if_reverted);
    for outcome in &outcomes {
        output.status = output.status.worst(status(outcome.summary()));
        let name = &outcome.nic.name;
        let text = match Line::new(outcome, &Event::manual()) {
            None => format!("{name}: no rule matches this NIC; 'unhang explain {name}' says why"),
            Some((level, line)) => {
                // That somebody lacks the rights is nobody else's news.
                if level > Level::Debug && outcome.error != Some(KernelError::NotPermitted) {
                    log.write(level, &line.to_string());
                }
                line.to_string()
            }
        };
        if args.json {
            json.push(Applied::new(outcome, text));
        } else {
            output.result += &format!("{}\n", printable(&text));
        }
    }
    if args.json {
        output.result = super::to_json(&Document {
            schema: SCHEMA,
            nics: json,
        });
    }
    outcomes
}

pub(super) fn status(summary: Summary) -> Status {
    match summary {
        Summary::NoRule | Summary::AlreadyRight | Summary::Applied => Status::Done,
        Summary::Partly => Status::Partly,
        Summary::Failed => Status::Failed,
        Summary::Gone => Status::NoSuchNic,
    }
}

fn dry_run(args: &ApplyArgs, nics: &[Nic], rules: &RuleSet, output: &mut Output) {
    let mut json = Vec::new();
    let decisions: Vec<_> = nics.iter().map(|nic| decide(rules.rules(), nic)).collect();
    let plans = read_plans(nics.iter().zip(&decisions));
    for ((nic, decision), plan) in nics.iter().zip(&decisions).zip(plans) {
        if let Err(error) = &plan {
            let gone = *error == KernelError::Gone;
            output.status = output.status.worst(if gone {
                Status::NoSuchNic
            } else {
                Status::Failed
            });
        }
        if args.json {
            json.push(Planned {
                interface: nic.name.clone(),
                rules: decision.rules(),
                offloads: plan.as_ref().ok().map(plan_view::offloads),
                settings: plan.as_ref().ok().map(plan_view::settings),
                cost: plan.as_ref().ok().and_then(plan_view::plan_cost),
                error: plan.as_ref().err().map(ToString::to_string),
            });
            continue;
        }
        let said = match &plan {
            _ if decision.is_empty() => "no rule matches this NIC".to_owned(),
            Ok(_) => format!("{}; rule {}", nic.identity(), decision.rules().join(", ")),
            Err(error) => error.to_string(),
        };
        output.result += &format!("{}\n", printable(&format!("{}: {said}", nic.name)));
        if let (false, Ok(plan)) = (decision.is_empty(), &plan) {
            output.result += &plan_view::plan_lines(plan);
            let cost = plan_view::plan_cost(plan).map(|cost| format!("  {cost}\n"));
            output.result += &cost.unwrap_or_default();
        }
    }
    if args.json {
        output.result = super::to_json(&Document {
            schema: SCHEMA,
            nics: json,
        });
    }
}

#[derive(Serialize)]
pub(super) struct Document<T> {
    pub schema: u32,
    pub nics: Vec<T>,
}

#[derive(Serialize)]
struct Planned {
    interface: String,
    rules: Vec<String>,
    offloads: Option<std::collections::BTreeMap<String, plan_view::Offload>>,
    settings: Option<plan_view::Settings>,
    /// What it costs, if it is more than moments.
    cost: Option<String>,
    error: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Applied {
    interface: String,
    ifindex: u32,
    rules: Vec<String>,
    result: &'static str,
    line: String,
    side_effects: Vec<String>,
    error: Option<String>,
}

impl Applied {
    pub fn new(outcome: &Outcome, line: String) -> Applied {
        Applied {
            interface: outcome.nic.name.clone(),
            ifindex: outcome.nic.ifindex,
            rules: outcome.rules.clone(),
            result: match outcome.summary() {
                Summary::NoRule => "no-rule",
                Summary::AlreadyRight => "already-right",
                Summary::Applied => "applied",
                Summary::Partly => "partly",
                Summary::Failed => "failed",
                Summary::Gone => "gone",
            },
            line,
            side_effects: outcome
                .side_effects
                .iter()
                .map(|(name, _)| name.clone())
                .collect(),
            error: outcome.error.as_ref().map(ToString::to_string),
        }
    }
}
