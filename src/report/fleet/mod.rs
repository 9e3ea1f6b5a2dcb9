//! Several machines: what their reports say, taken together. A machine's report is what
//! `unhang report --json` prints of it, be it read from such a file or made from its log
//! (`read`, `reports`); from these come the tables by host, chip and configuration, and the verdict
//! on each configuration over all of them (`pooled`), for a terminal and as a vendor's report
//! (`page`), as JSON, and as a picture.

pub mod json;
pub mod page;
pub mod pooled;
pub mod randomised;
pub mod read;
mod reports;
pub mod svg;

use super::clean;
use super::history::History;
use super::sources::Error;
use super::stats::{Period, bursts};
use super::verdict::Kind;
use randomised::TrialArm;
use serde_json::Value;
use std::collections::BTreeMap;

/// What was read of one machine or of several.
#[derive(Debug, Default)]
pub struct Machines {
    /// The history, if the logs are one machine's.
    pub only: Option<Box<History>>,
    /// Else the machines, in the order of their names.
    pub hosts: Vec<Host>,
    pub errors: Vec<Error>,
}

/// A machine, as its report tells.
#[derive(Clone, Debug)]
pub struct Host {
    pub name: String,
    pub nics: Vec<Nic>,
    /// The report without its incidents.
    pub report: Value,
}

#[derive(Clone, Debug)]
pub struct Nic {
    pub interface: String,
    pub chip: Option<String>,
    pub kind: Option<Kind>,
    pub periods: Vec<PlacedPeriod>,
    pub trials: Vec<TrialArm>,
}

/// A period with its place in time.
#[derive(Clone, Debug)]
pub struct PlacedPeriod {
    pub configuration: Option<String>,
    /// µs since 1970.
    pub since: Option<i64>,
    pub days: f64,
    pub incidents: Vec<f64>,
}

/// A row of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Total {
    pub hosts: usize,
    pub nics: usize,
    pub days: f64,
    pub incidents: usize,
    pub bursts: usize,
}

/// What is not a report is told by what it lacks.
fn of_nic(value: &Value) -> Option<Nic> {
    let text = |value: &Value, key: &str| value.get(key)?.as_str().map(clean);
    let periods = value.get("periods")?.as_array()?;
    let period = |value: &Value| {
        let since = text(value, "since").and_then(|since| since.parse::<jiff::Timestamp>().ok());
        let incidents = value.get("incidents_s")?.as_array()?.iter();
        let mut incidents: Vec<f64> = incidents.map(days).collect::<Option<_>>()?;
        incidents.sort_by(f64::total_cmp);
        Some(PlacedPeriod {
            configuration: text(value, "configuration"),
            since: since.map(jiff::Timestamp::as_microsecond),
            days: days(value.get("exposure_s")?)?,
            incidents,
        })
    };
    let kind = value.get("verdict").and_then(|v| text(v, "kind"));
    let trials = value.get("trials").and_then(Value::as_array);
    Some(Nic {
        interface: text(value, "interface")
            .or_else(|| text(value, "pci_address"))
            .unwrap_or_else(|| "?".into()),
        chip: text(value, "chip"),
        kind: kind.and_then(|kind| Kind::named(&kind)),
        periods: periods.iter().map(period).collect::<Option<_>>()?,
        trials: trials
            .into_iter()
            .flatten()
            .filter_map(TrialArm::new)
            .collect(),
    })
}

/// Seconds, as days.
fn days(value: &Value) -> Option<f64> {
    let seconds = value.as_f64().filter(|s| s.is_finite() && *s >= 0.0)?;
    Some(seconds / 86_400.0)
}

impl Host {
    /// What the report of a machine says; `None` if it lacks what is needed.
    pub fn new(mut report: Value, fallback: &str) -> Option<Host> {
        let host = report.get("host");
        let name = host.and_then(|host| host.get("name")?.as_str());
        let name = name.map_or_else(|| fallback.to_owned(), clean);
        let nics = report.get_mut("nics")?.as_array_mut()?;
        for nic in nics.iter_mut() {
            nic.as_object_mut()?.remove("incidents");
        }
        // Other drivers' NICs are not what this is about.
        let driver = |nic: &Value| Some(nic.get("driver")?.as_str()? == "e1000e");
        let ours = |nic: &&Value| driver(nic) != Some(false);
        let nics = nics
            .iter()
            .filter(ours)
            .map(of_nic)
            .collect::<Option<_>>()?;
        report.as_object_mut()?.remove("boots");
        Some(Host { name, nics, report })
    }

    /// What tells it from others.
    pub fn key(&self) -> &str {
        let id = self
            .report
            .get("host")
            .and_then(|host| host.get("machine_id")?.as_str());
        id.unwrap_or(&self.name)
    }
}

impl Nic {
    /// What was in force last.
    pub fn now(&self) -> Option<&str> {
        self.periods.last()?.configuration.as_deref()
    }

    pub fn total(&self) -> Total {
        self.under(|_| true)
    }

    /// What came in the periods of some configurations.
    fn under(&self, wanted: impl Fn(Option<&str>) -> bool) -> Total {
        let mut total = Total::default();
        // A burst may go over the end of a period.
        let mut times = Vec::new();
        for period in &self.periods {
            if wanted(period.configuration.as_deref()) {
                times.extend(period.incidents.iter().map(|at| total.days + at));
                total.days += period.days;
            }
        }
        total.incidents = times.len();
        total.bursts = bursts(&times).len();
        total.nics = usize::from(total.days > 0.0 || total.incidents > 0);
        total.hosts = total.nics;
        total
    }

    /// As it is weighed, with the configurations by their places in `names`.
    fn periods(&self, names: &[String]) -> Vec<Period> {
        let number = |name: &String| names.iter().position(|known| known == name);
        let period = |period: &PlacedPeriod| Period {
            configuration: period.configuration.as_ref().and_then(number),
            days: period.days,
            incidents: period.incidents.clone(),
        };
        self.periods.iter().map(period).collect()
    }
}

impl Total {
    fn add(&mut self, other: Total) {
        self.hosts += other.hosts;
        self.nics += other.nics;
        self.days += other.days;
        self.incidents += other.incidents;
        self.bursts += other.bursts;
    }

    /// Bursts in a hundred days.
    pub fn rate(&self) -> Option<f64> {
        (self.days > 0.0).then(|| self.bursts as f64 * 100.0 / self.days)
    }
}

/// The configurations' names in the order in which the machines changed to them.
pub fn names(hosts: &[Host]) -> Vec<String> {
    let mut first: BTreeMap<&str, i64> = BTreeMap::new();
    for period in hosts.iter().flat_map(|h| &h.nics).flat_map(|n| &n.periods) {
        let Some(name) = period.configuration.as_deref() else {
            continue;
        };
        let since = period.since.unwrap_or(i64::MAX);
        let known = first.entry(name).or_insert(since);
        *known = since.min(*known);
    }
    let mut names: Vec<(&str, i64)> = first.into_iter().collect();
    // What was there before anything was set is no change.
    names.sort_by_key(|(name, since)| (*name != "default", *since));
    names.into_iter().map(|(name, _)| name.to_owned()).collect()
}

/// A total for each name that `named` gives a NIC's parts, in the names' order.
fn totals<'a>(
    hosts: &'a [Host],
    of: impl Fn(&'a Nic) -> Vec<(&'a str, Total)>,
) -> Vec<(String, Total)> {
    let mut all: BTreeMap<&str, Total> = BTreeMap::new();
    for host in hosts {
        let mut own: BTreeMap<&str, Total> = BTreeMap::new();
        for (name, total) in host.nics.iter().flat_map(&of) {
            own.entry(name).or_default().add(total);
        }
        for (name, mut total) in own {
            total.hosts = total.hosts.min(1);
            all.entry(name).or_default().add(total);
        }
    }
    let named = all
        .into_iter()
        .map(|(name, total)| (name.to_owned(), total));
    named.filter(|(_, total)| total.nics > 0).collect()
}

pub fn by_chip(hosts: &[Host]) -> Vec<(String, Total)> {
    totals(hosts, |nic| {
        vec![(nic.chip.as_deref().unwrap_or("not known"), nic.total())]
    })
}

pub fn by_configuration(hosts: &[Host]) -> Vec<(String, Total)> {
    let mut all = totals(hosts, |nic| {
        let mut names: Vec<Option<&str>> = Vec::new();
        for period in &nic.periods {
            let name = period.configuration.as_deref();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let part = |name: Option<&'_ str>| nic.under(|other| other == name);
        names
            .into_iter()
            .map(|name| (name.unwrap_or("not known"), part(name)))
            .collect()
    });
    let order = names(hosts);
    all.sort_by_key(|(name, _)| {
        order
            .iter()
            .position(|known| known == name)
            .unwrap_or(usize::MAX)
    });
    all
}
