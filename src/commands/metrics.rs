//! `unhang metrics`: this boot's incidents and the state of the offloads for Prometheus.

use std::path::Path;

use anyhow::Context;
use jiff::tz::TimeZone;

use super::{Output, Status, all_nics, load_rules, report, view};
use crate::cli::{Common, MetricsArgs};
use crate::plan::KeyPlan;
use crate::report::journal::Scope;
use crate::report::metrics::{self, Features};
use crate::rules::decide;

/// Runs the command.
pub fn run(args: &MetricsArgs, common: &Common) -> anyhow::Result<Output> {
    let zone = TimeZone::system();
    let (history, errors) = report::read(&args.files, &zone, &Scope::ThisBoot)?;
    report::complain(&errors);
    // Without a log there still is the state of the features.
    // Another machine's log says nothing of this one's NICs.
    let now = if args.files.is_empty() {
        now(common)?
    } else {
        Vec::new()
    };
    let text = metrics::text(&history.unwrap_or_default(), &now);
    let stdout = match &args.output {
        Some(path) => {
            metrics::write(path, &text)
                .with_context(|| format!("{}: cannot be written", path.display()))?;
            String::new()
        }
        None => text,
    };
    Ok(Output {
        stdout,
        status: Status::of(&errors),
        ..Output::default()
    })
}

/// What the kernel says now of the NICs that a rule is for, and of all e1000e NICs.
fn now(common: &Common) -> anyhow::Result<Vec<Features>> {
    let (rules, _) = load_rules(common, Path::new("/"));
    let mut now = Vec::new();
    for found in all_nics()? {
        let nic = found.nic;
        let decision = decide(rules.rules(), &nic);
        let e1000e = nic.driver.as_deref() == Some("e1000e");
        if decision.is_empty() && !e1000e {
            continue;
        }
        let keys = match view::read_plan(&nic, &decision) {
            Ok(plan) => plan.keys,
            Err(_) => Vec::new(),
        };
        let features = keys
            .iter()
            .map(|key| (key.key.to_string(), key.is_right()))
            .collect();
        now.push(Features {
            interface: nic.name,
            e1000e,
            // What can't be read is not known to be so; an e1000e NIC without a rule isn't.
            in_force: Some(!keys.is_empty() && keys.iter().all(KeyPlan::is_right)),
            features,
        });
    }
    Ok(now)
}
