//! Metrics for Prometheus, in the text format that `node_exporter`'s textfile collector
//! reads. What is counted by what was in force goes on over restarts where there is a file for
//! it (`totals`); all other counters count since the boot of the machine: they then start
//! at 0 together with it, and never fall when the journal drops old entries, which
//! `increase()` would take for new incidents.

use super::history::History;
use super::nic_name;
use super::totals::Totals;
use crate::replace::replace;
use std::fmt::Write;
use std::io;
use std::path::Path;

/// A NIC's features as the kernel reports them now, by whoever has the connection to it.
#[derive(Clone, Debug, Default)]
pub struct NicOffloads {
    pub interface: String,
    /// Its PCI ID and chip, driver and firmware; empty where not known.
    pub pci: String,
    pub chip: String,
    pub driver: String,
    pub firmware: String,
    /// Does a rule set anything on it?
    pub has_rule: bool,
    /// Is it an e1000e NIC? If nothing is logged of it, nothing happened.
    pub e1000e: bool,
    /// Is every feature as the rules want it? `None`: not known.
    pub in_force: Option<bool>,
    /// Offload key, and whether it is as wanted.
    pub features: Vec<(String, bool)>,
}

/// The running kernel.
#[derive(Clone, Debug, Default)]
pub struct Kernel {
    pub release: String,
    /// Does it turn TSO back on at link-up? `None`: not known.
    pub undoes_offloads: Option<bool>,
}

/// Names, kinds and helps, in the order in which they are written.
const FAMILIES: [(&str, &str, &str); 18] = [
    (
        EXPOSURE,
        "counter",
        "Up-time of the NIC, by what was in force.",
    ),
    (
        INCIDENTS,
        "counter",
        "Incidents of a hanging transmitter, by what was in force.",
    ),
    (
        BURSTS,
        "counter",
        "Bursts of incidents (within six hours), by what was in force.",
    ),
    (
        BLOCKS,
        "counter",
        "Hang blocks printed by the e1000e driver since boot.",
    ),
    (
        RECOVERIES,
        "counter",
        "Times that the watcher brought a hanging NIC back since boot.",
    ),
    (
        STORMS,
        "counter",
        "Times that hang and reset came in quick turns since boot.",
    ),
    (
        EXHAUSTED,
        "counter",
        "Times that the watcher could not bring the NIC back and left it alone since boot.",
    ),
    (REFUTED, "counter", "Trials that a hang ended since boot."),
    (
        RESETS,
        "counter",
        "Adapter resets by the e1000e driver since boot.",
    ),
    (
        ONGOING,
        "gauge",
        "1 while the NIC hangs, by the kernel log.",
    ),
    (
        LAST,
        "gauge",
        "When the last incident of this boot began, in seconds since 1970.",
    ),
    (
        CONFIGURATION,
        "gauge",
        "1 for what is in force now, by the log.",
    ),
    (
        LOG_READ,
        "gauge",
        "1 if the kernel log could be read, 0 if not: then nothing is known of hangs.",
    ),
    (
        IN_FORCE,
        "gauge",
        "1 if all offloads are as the rules want them, 0 if not.",
    ),
    (
        FEATURE,
        "gauge",
        "1 if this offload is as the rules want it, 0 if not.",
    ),
    (
        RULE,
        "gauge",
        "1 if a rule sets something on this NIC, 0 if none does.",
    ),
    (
        UNDOES,
        "gauge",
        "1 if this kernel turns TSO back on at link-up, 0 if not.",
    ),
    (INFO, "gauge", "The NIC and what runs it."),
];
const EXPOSURE: &str = "unhang_exposure_seconds_total";
const INCIDENTS: &str = "unhang_hang_incidents_total";
const BURSTS: &str = "unhang_hang_bursts_total";
const BLOCKS: &str = "unhang_hang_blocks_total";
const RECOVERIES: &str = "unhang_recoveries_total";
const STORMS: &str = "unhang_storms_total";
const EXHAUSTED: &str = "unhang_recoveries_exhausted_total";
const REFUTED: &str = "unhang_trials_refuted_total";
const RESETS: &str = "unhang_adapter_resets_total";
const ONGOING: &str = "unhang_hang_ongoing";
const LAST: &str = "unhang_last_incident_timestamp_seconds";
const CONFIGURATION: &str = "unhang_configuration";
const LOG_READ: &str = "unhang_kernel_log_read";
const IN_FORCE: &str = "unhang_in_force";
const FEATURE: &str = "unhang_feature_in_force";
const RULE: &str = "unhang_rule";
const UNDOES: &str = "unhang_kernel_undoes_offloads";
const INFO: &str = "unhang_nic_info";

/// The samples, by family.
struct Samples([Vec<(String, f64)>; FAMILIES.len()]);

impl Samples {
    /// A name may have moved from one card to another: then counters add up.
    fn put(&mut self, name: &str, labels: &str, value: f64) {
        let Some(place) = FAMILIES.iter().position(|(known, ..)| *known == name) else {
            return;
        };
        let counts = FAMILIES[place].1 == "counter";
        let same = |(known, _): &&mut (String, f64)| known == labels;
        match self.0[place].iter_mut().find(same) {
            Some((_, sum)) if counts => *sum += value,
            Some((_, known)) => *known = known.max(value),
            None => self.0[place].push((labels.to_owned(), value)),
        }
    }

    fn flag(&mut self, name: &str, labels: &str, value: bool) {
        self.put(name, labels, f64::from(u8::from(value)));
    }
}

/// What counts since boot: the last boot in `history`; what is counted over restarts: `totals`.
pub fn text(history: &History, now: &[NicOffloads], totals: &Totals, kernel: &Kernel) -> String {
    let mut all = Samples(std::array::from_fn(|_| Vec::new()));
    for total in &totals.list {
        let labels = labels(&[
            ("interface", &total.interface),
            ("chip", &total.chip),
            ("configuration", &total.configuration),
        ]);
        all.put(EXPOSURE, &labels, total.exposure_s);
        all.put(INCIDENTS, &labels, total.incidents as f64);
        all.put(BURSTS, &labels, total.bursts as f64);
    }
    logged(&mut all, history, now);
    for nic in now {
        let named = |n: &crate::hang::LoggedNic| n.device.name.as_ref() == Some(&nic.interface);
        let boot_known = !history.boots.list.is_empty();
        let interface = labels(&[("interface", &nic.interface)]);
        // A journal without a line of it has none of its hangs.
        if nic.e1000e && boot_known && !history.incidents.nics.iter().any(named) {
            for name in [
                BLOCKS, RECOVERIES, STORMS, EXHAUSTED, REFUTED, RESETS, ONGOING,
            ] {
                all.put(name, &interface, 0.0);
            }
        }
        if nic.e1000e {
            all.flag(LOG_READ, &interface, boot_known);
            all.flag(RULE, &interface, nic.has_rule);
            if let Some(undoes) = kernel.undoes_offloads {
                all.flag(UNDOES, &interface, undoes);
            }
            let info = [
                ("interface", nic.interface.as_str()),
                ("chip", &nic.chip),
                ("pci", &nic.pci),
                ("driver", &nic.driver),
                ("firmware", &nic.firmware),
                ("kernel", &kernel.release),
                ("version", env!("CARGO_PKG_VERSION")),
            ];
            all.put(INFO, &labels(&info), 1.0);
        }
        if let Some(in_force) = nic.in_force {
            all.flag(IN_FORCE, &interface, in_force);
        }
        for (feature, right) in &nic.features {
            let labels = labels(&[("interface", nic.interface.as_str()), ("feature", feature)]);
            all.flag(FEATURE, &labels, *right);
        }
    }
    let mut out = String::new();
    for ((name, kind, help), samples) in FAMILIES.iter().zip(all.0) {
        if !samples.is_empty() {
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        }
        for (labels, value) in samples {
            let _ = writeln!(out, "{name}{{{labels}}} {value}");
        }
    }
    out
}

/// What the log says of each NIC.
fn logged(all: &mut Samples, history: &History, now: &[NicOffloads]) {
    let boot = history.boots.list.len().saturating_sub(1);
    for (index, nic) in history.incidents.nics.iter().enumerate() {
        if nic.device.driver.as_deref().is_some_and(|d| d != "e1000e") {
            continue;
        }
        let name = nic_name(nic);
        let interface = labels(&[("interface", &name)]);
        let mine = || history.incidents.of(index).filter(|i| i.boot == boot);
        let told = history.told.get(&index).copied().unwrap_or_default();
        all.put(BLOCKS, &interface, mine().map(|i| i.blocks as f64).sum());
        all.put(RECOVERIES, &interface, nic.boot_recoveries as f64);
        all.put(STORMS, &interface, f64::from(told.storms));
        all.put(EXHAUSTED, &interface, f64::from(told.exhausted));
        all.put(REFUTED, &interface, f64::from(told.refuted));
        all.put(RESETS, &interface, nic.boot_resets as f64);
        all.flag(ONGOING, &interface, mine().any(|i| i.ended_by.is_none()));
        if let Some(wall) = mine().filter_map(|i| i.start.wall).next_back() {
            all.put(LAST, &interface, wall as f64 / 1e6);
        }
        let known = now
            .iter()
            .any(|f| Some(&f.interface) == nic.device.name.as_ref());
        let Some(last) = history.stretches(index).pop() else {
            continue;
        };
        let configuration = history.own.name(last.state);
        let by_name = labels(&[("interface", &name), ("configuration", &configuration)]);
        all.put(CONFIGURATION, &by_name, 1.0);
        if known {
            continue;
        }
        if let Some(in_force) = last.in_force {
            all.flag(IN_FORCE, &interface, in_force);
        }
        // Of another machine's log, what it tells.
        if let Some(id) = history.pci_ids.get(&index) {
            let chip = id.chip().map_or("", |chip| chip.name);
            let kernel = history.boots.list[boot].kernel;
            let kernel = kernel.map(|(major, minor)| format!("{major}.{minor}"));
            let info = [
                ("interface", name.as_str()),
                ("chip", chip),
                ("pci", &id.to_string()),
                ("driver", "e1000e"),
                ("firmware", ""),
                ("kernel", kernel.as_deref().unwrap_or_default()),
                ("version", env!("CARGO_PKG_VERSION")),
            ];
            all.put(INFO, &labels(&info), 1.0);
        }
    }
}

fn labels(all: &[(&str, &str)]) -> String {
    let each = all.iter();
    let each = each.map(|(name, value)| format!("{name}=\"{}\"", escape(value)));
    each.collect::<Vec<_>>().join(",")
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
