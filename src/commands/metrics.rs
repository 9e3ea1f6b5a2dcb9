//! `unhang metrics`: incidents, exposure and the state of the offloads for Prometheus.

use std::fs;
use std::path::Path;

use anyhow::Context;
use jiff::tz::TimeZone;

use super::{Output, all_nics, firmware, load_rules};
use crate::cli::{Common, MetricsArgs};
use crate::discover::Found;
use crate::features::KernelError;
use crate::nic::Nic;
use crate::plan::{KeyPlan, Plan};
use crate::report::journal::{Scope, this_boot};
use crate::report::kernel::undoes_offloads;
use crate::report::metrics::{self, Kernel, NicOffloads};
use crate::report::reading::{Reading, Started};
use crate::report::totals::{Known, Totals};
use crate::rules::{Decision, decide};
use crate::running_kernel::read_plans;

pub fn run(args: &MetricsArgs, common: &Common) -> anyhow::Result<Output> {
    let (kept, damaged) = args.state.as_deref().map(kept).unzip();
    let (Reading { history, errors }, now) = if args.files.is_empty() {
        this_machine(common, kept.as_ref())?
    } else {
        // Another machine's log says nothing of this one's NICs.
        let reading = Reading::of_files(&args.files, &TimeZone::system());
        (reading, Vec::new())
    };
    let mut output = Output::of(&errors);
    if let Some(damage) = damaged.flatten() {
        output.error(&damage);
    }
    // Without a log there still is the state of the features.
    let read = history.is_some();
    let history = history.unwrap_or_default();
    let e1000e = now.iter().filter(|nic| nic.e1000e);
    let known: Vec<Known> = e1000e
        .map(|nic| Known {
            interface: &nic.interface,
            chip: &nic.chip,
        })
        .collect();
    let totals = match (kept, &args.state) {
        (Some(mut totals), Some(path)) => {
            if read {
                totals.go_on(&history, &known);
                totals
                    .write(path)
                    .with_context(|| format!("{}: cannot be written", path.display()))?;
            }
            totals
        }
        _ => Totals::of_last_boot(&history, &known),
    };
    let text = metrics::text(&history, &now, &totals, &kernel());
    match &args.output {
        Some(path) => metrics::write(path, &text)
            .with_context(|| format!("{}: cannot be written", path.display()))?,
        None => output.result = text,
    }
    Ok(output)
}

/// What was counted until now, and what is wrong with the file.
fn kept(path: &Path) -> (Totals, Option<String>) {
    match Totals::read(path) {
        Ok(totals) => (totals, None),
        Err(error) => {
            let path = path.display();
            let damage = format!(
                "{path}: is damaged ({error}); what it counted is lost, and counting starts anew"
            );
            (Totals::default(), Some(damage))
        }
    }
}

fn kernel() -> Kernel {
    let read = |name: &str| fs::read_to_string(name).ok();
    let release = read("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = release.trim().to_owned();
    let version = read("/proc/version").unwrap_or_default();
    let ubuntu = read("/proc/version_signature");
    Kernel {
        undoes_offloads: undoes_offloads(&release, &version, ubuntu.as_deref()),
        release,
    }
}

/// What the journal says of this boot, or of all since it was counted last, and the kernel of now.
fn this_machine(
    common: &Common,
    kept: Option<&Totals>,
) -> anyhow::Result<(Reading, Vec<NicOffloads>)> {
    let nics = all_nics(common)?;
    let is_counted = kept.is_none_or(|totals| totals.has_boot(this_boot()));
    let scope = if is_counted {
        Scope::DevicesThisBoot
    } else {
        Scope::Devices
    };
    let asked = Started::about(nics.iter().map(|found| &found.nic), scope);
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
    let features = |((nic, decision), plan): (&(&Nic, Decision), Result<Plan, KernelError>)| {
        let keys = plan.map_or_else(|_| Vec::new(), |plan| plan.keys);
        let features = keys.iter();
        let features = features.map(|key| (key.key.to_string(), key.is_right()));
        let is_ours = e1000e(nic);
        NicOffloads {
            interface: nic.name.clone(),
            pci: nic.pci.map_or_else(String::new, |id| id.to_string()),
            chip: nic
                .chip()
                .map_or_else(String::new, |chip| chip.name.to_owned()),
            driver: nic.driver.clone().unwrap_or_default(),
            firmware: Some(&nic.name)
                .filter(|_| is_ours)
                .and_then(|name| firmware(name))
                .unwrap_or_default(),
            has_rule: !decision.is_empty(),
            e1000e: is_ours,
            // What can't be read is not known to be so; an e1000e NIC without a rule isn't.
            in_force: Some(!keys.is_empty() && keys.iter().all(KeyPlan::is_right)),
            features: features.collect(),
        }
    };
    concerned.iter().zip(plans).map(features).collect()
}
