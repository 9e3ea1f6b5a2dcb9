//! Metrics for Prometheus, in the text format that `node_exporter`'s textfile collector
//! reads. Counters count since the boot of the machine: they then start at 0 together with
//! it, and never fall when the journal drops old entries, which `increase()` would take for
//! new incidents.

use super::history::History;
use super::nic_name;
use crate::replace::replace;
use std::fmt::Write;
use std::io;
use std::path::Path;

/// A NIC's features as the kernel reports them now, by whoever has the connection to it.
#[derive(Clone, Debug, Default)]
pub struct NicOffloads {
    pub interface: String,
    /// Is it an e1000e NIC? If nothing is logged of it, nothing happened.
    pub e1000e: bool,
    /// Is every feature as the rules want it? `None`: not known.
    pub in_force: Option<bool>,
    /// Offload key, and whether it is as wanted.
    pub features: Vec<(String, bool)>,
}

struct Family {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    samples: Vec<(String, f64)>,
}

#[allow(clippy::too_many_lines, reason = "a table of names, kinds and helps")]
/// The metrics of this boot: the last boot in `history`.
pub fn text(history: &History, now: &[NicOffloads]) -> String {
    let family = |name, kind, help| Family {
        name,
        kind,
        help,
        samples: Vec::new(),
    };
    let mut incidents = family(
        "unhang_hang_incidents_total",
        "counter",
        "Incidents of a hanging transmitter since boot.",
    );
    let mut blocks = family(
        "unhang_hang_blocks_total",
        "counter",
        "Hang blocks printed by the e1000e driver since boot.",
    );
    let mut recoveries = family(
        "unhang_recoveries_total",
        "counter",
        "Times that the watcher brought a hanging NIC back since boot.",
    );
    let mut resets = family(
        "unhang_adapter_resets_total",
        "counter",
        "Adapter resets by the e1000e driver since boot.",
    );
    let mut wedged = family(
        "unhang_hang_ongoing",
        "gauge",
        "1 while the NIC hangs, by the kernel log.",
    );
    let mut last = family(
        "unhang_last_incident_timestamp_seconds",
        "gauge",
        "When the last incident of this boot began, in seconds since 1970.",
    );
    let mut force = family(
        "unhang_in_force",
        "gauge",
        "1 if all offloads are as the rules want them, 0 if not.",
    );
    let mut features = family(
        "unhang_feature_in_force",
        "gauge",
        "1 if this offload is as the rules want it, 0 if not.",
    );
    let mut log = family(
        "unhang_kernel_log_read",
        "gauge",
        "1 if the kernel log could be read, 0 if not: then nothing is known of hangs.",
    );
    let boot = history.boots.list.len().saturating_sub(1);
    let boot_known = !history.boots.list.is_empty();
    for (index, nic) in history.incidents.nics.iter().enumerate() {
        if nic.device.driver.as_deref().is_some_and(|d| d != "e1000e") {
            continue;
        }
        let name = nic_name(nic);
        let labels = format!("interface=\"{}\"", escape(&name));
        let mine = || history.incidents.of(index).filter(|i| i.boot == boot);
        // A name may have moved from one card to another.
        let put = |family: &mut Family, value: f64| {
            let same = |(known, _): &&mut (String, f64)| *known == labels;
            match family.samples.iter_mut().find(same) {
                Some((_, sum)) if family.kind == "counter" => *sum += value,
                Some((_, known)) => *known = known.max(value),
                None => family.samples.push((labels.clone(), value)),
            }
        };
        put(&mut incidents, mine().map(|i| i.times as f64).sum());
        put(&mut blocks, mine().map(|i| i.blocks as f64).sum());
        put(&mut recoveries, nic.boot_recoveries as f64);
        put(&mut resets, nic.boot_resets as f64);
        let ongoing = mine().any(|i| i.ended_by.is_none());
        put(&mut wedged, f64::from(u8::from(ongoing)));
        if let Some(wall) = mine().filter_map(|i| i.start.wall).next_back() {
            put(&mut last, wall as f64 / 1e6);
        }
        let known = now
            .iter()
            .any(|f| Some(&f.interface) == nic.device.name.as_ref());
        let logged = history.stretches(index).last().and_then(|s| s.in_force);
        if let Some(logged) = logged.filter(|_| !known) {
            put(&mut force, f64::from(u8::from(logged)));
        }
    }
    for nic in now {
        let named = |n: &crate::hang::LoggedNic| n.device.name.as_ref() == Some(&nic.interface);
        // A journal without a line of it has none of its hangs.
        if nic.e1000e && boot_known && !history.incidents.nics.iter().any(named) {
            let labels = format!("interface=\"{}\"", escape(&nic.interface));
            for family in [
                &mut incidents,
                &mut blocks,
                &mut recoveries,
                &mut resets,
                &mut wedged,
            ] {
                family.samples.push((labels.clone(), 0.0));
            }
        }
        let labels = format!("interface=\"{}\"", escape(&nic.interface));
        if nic.e1000e {
            let read = f64::from(u8::from(boot_known));
            log.samples.push((labels.clone(), read));
        }
        if let Some(all) = nic.in_force {
            force
                .samples
                .push((labels.clone(), f64::from(u8::from(all))));
        }
        for (feature, right) in &nic.features {
            let labels = format!("{labels},feature=\"{}\"", escape(feature));
            features.samples.push((labels, f64::from(u8::from(*right))));
        }
    }
    let mut out = String::new();
    for family in [
        incidents, blocks, recoveries, resets, wedged, last, log, force, features,
    ] {
        if family.samples.is_empty() {
            continue;
        }
        let _ = writeln!(out, "# HELP {} {}", family.name, family.help);
        let _ = writeln!(out, "# TYPE {} {}", family.name, family.kind);
        for (labels, value) in family.samples {
            let _ = writeln!(out, "{}{{{labels}}} {value}", family.name);
        }
    }
    out
}

/// Label values: backslash, quote and line end are escaped.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// Replaces the file at `path` atomically: the collector reads the old text or the new one.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    replace(path, text.as_bytes(), 0o644)
}
