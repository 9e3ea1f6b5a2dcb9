//! `unhang metrics`: this boot's incidents and the state of the offloads for Prometheus.

use anyhow::Context;
use jiff::tz::TimeZone;

use super::{Output, all_nics, load_rules};
use crate::cli::{Common, MetricsArgs};
use crate::discover::Found;
use crate::features::KernelError;
use crate::nic::Nic;
use crate::plan::{KeyPlan, Plan};
use crate::report::journal::Scope;
use crate::report::metrics::{self, NicOffloads};
use crate::report::reading::{Reading, Started};
use crate::rules::decide;
use crate::running_kernel::read_plans;

pub fn run(args: &MetricsArgs, common: &Common) -> anyhow::Result<Output> {
    let (Reading { history, errors }, now) = if args.files.is_empty() {
        this_machine(common)?
    } else {
        // Another machine's log says nothing of this one's NICs.
        let reading = Reading::of_files(&args.files, &TimeZone::system());
        (reading, Vec::new())
    };
    let mut output = Output::of(&errors);
    // Without a log there still is the state of the features.
    let text = metrics::text(&history.unwrap_or_default(), &now);
    match &args.output {
        Some(path) => metrics::write(path, &text)
            .with_context(|| format!("{}: cannot be written", path.display()))?,
        None => output.result = text,
    }
    Ok(output)
}

/// What the journal says of this boot, and the kernel of now.
fn this_machine(common: &Common) -> anyhow::Result<(Reading, Vec<NicOffloads>)> {
    let nics = all_nics(common)?;
    let asked = Started::about(nics.iter().map(|found| &found.nic), Scope::DevicesThisBoot);
    let now = now(&nics, common);
    let mut reading = asked.map(Started::finish).unwrap_or_default();
    // Counters of half a journal would fall.
    reading.history = reading.history.filter(|_| reading.errors.is_empty());
    Ok((reading, now))
}

/// What the kernel says now of the NICs that a rule matches, and of all e1000e NICs.
fn now(nics: &[Found], common: &Common) -> Vec<NicOffloads> {
    let (rules, _) = load_rules(common, &common.root);
    let e1000e = |nic: &Nic| nic.driver.as_deref() == Some("e1000e");
    let decided = nics.iter().map(|found| {
        let nic = &found.nic;
        (nic, decide(rules.rules(), nic))
    });
    let concerned: Vec<_> = decided
        .filter(|(nic, decision)| !decision.is_empty() || e1000e(nic))
        .collect();
    let plans = read_plans(concerned.iter().map(|(nic, decision)| (*nic, decision)));
    let features = |((nic, _), plan): (&(&Nic, _), Result<Plan, KernelError>)| {
        let keys = plan.map_or_else(|_| Vec::new(), |plan| plan.keys);
        let features = keys.iter();
        let features = features.map(|key| (key.key.to_string(), key.is_right()));
        NicOffloads {
            interface: nic.name.clone(),
            e1000e: e1000e(nic),
            // What can't be read is not known to be so; an e1000e NIC without a rule isn't.
            in_force: Some(!keys.is_empty() && keys.iter().all(KeyPlan::is_right)),
            features: features.collect(),
        }
    };
    concerned.iter().zip(plans).map(features).collect()
}
