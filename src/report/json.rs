//! `unhang report --json`, schema 1. Keys are added, never changed; what a text does not
//! tell is `null`. Times are ISO 8601 in UTC; lengths are seconds.
//!
//! - `schema`: 1
//! - `host`: `name`, `machine_id` (null: its name is all that is known); null where the log does
//!   not tell
//! - `nics[]`: `interface`, `pci_address`, `driver`, `pci` (its ID), `chip` (each may be null); `blocks`, `resets`,
//!   `recoveries`; `settings`: the last that unhang had in force, such as "tso gso off, gro
//!   on"; `in_force` at the end of the log (true, false, null: not known);
//!   `verdict` (as below); `configurations[]`, in the order of time: `name` (such as "tso gso
//!   off", "default", "changed by somebody", "not known"), `since`, `settings` {key: value},
//!   `exposure_s`, `incidents`, `bursts`, `verdict` on the change (null: there is nothing to
//!   weigh; the latest 20 changes are weighed): `kind`, `before` (the name of what it is
//!   weighed against), `chance`, `bursts_before`, `bursts_after`, `ask_again_after_s`,
//!   `sent_per_day_before`, `sent_per_day_after` (bytes; null: it is weighed by up-time);
//!   `trials[]`: `setting`, `since`, `needed_days`, `days` and `incidents` of up-time with it,
//!   `result` ("running", "refuted", "kept", "stopped", "control": it is compared with the
//!   trial on others), `ended`; whatever became of it, `observed_s` of up-time until the first
//!   incident (`hung`), at most what was asked for; `periods[]`, what the verdict weighs, in
//!   the order of time: `configuration` (null: it counts for neither side), `since`,
//!   `exposure_s`, `incidents_s` (from the period's beginning); `incidents[]`:
//!   - `start`, `end` (null: until power-off, or the log ends before it), and the same by
//!     the boot clock, `start_uptime_s`, `end_uptime_s`; `boot`: counts the log's boots from 0
//!   - `times`: 1, or how many incidents share the entry: beyond 20,000 entries those that
//!     began within an hour do
//!   - `blocks`; `speed` in Mb/s; `in_force`: was all that the rules want last in force when
//!     it began? `configuration`: what was in force, by its name
//!   - `ended_by`: "reset" (by the driver), "unhang" (restarted by the watcher), "link" (put
//!     down and up), "quiet" (stopped by itself), "never" (until power-off), null (log ends)
//!   - `registers` of its first whole block, by the names in the log in lower case with
//!     underscores, as numbers or null; `words[]`: what they say; `stuck_s`, `waiting`
//! - `lookalikes[]`: `kind`, `count`, `text`
//! - `verdict`: `kind` ("not-fixed", "fewer", "affected", "unknown", "too-early",
//!   "likely-fixed", "no-incidents"), `text`, `configuration` (the last that is known:
//!   it is judged), `after` (in it), `before` (in the one before it), `unknown` (in all
//!   others) {`incidents`, `exposure_s`}, `chance` (of so few after, had nothing changed),
//!   `bursts_before`, `bursts_after`, `ask_again_after_s`, `sent_per_day_before`,
//!   `sent_per_day_after`; null where there is nothing to weigh
//! - `boots[]`: `first`, `last`, `uptime_s`, `kernel`; `notes[]`: what the log does not tell
//!
//! Of several machines (`fleet`), instead of `nics`, `lookalikes` and `boots`:
//!
//! - `hosts[]`: each with `name` and the above, but for `boots` and `incidents`
//! - `chips[]`, `configurations[]`: `name`, `hosts`, `nics`, `exposure_s`, `incidents`, `bursts`;
//!   of a configuration also `verdict`, on the change to it on all machines that made it (null:
//!   nobody did): `kind`, `text`, `hosts`, `weighed` (how many of them have something to compare
//!   with), `chance` (so that no machine decides alone), `bursts_before`, `exposure_before_s`,
//!   `bursts_after`, `exposure_after_s`, `bursts_expected`, `ask_again_after_s`
//! - `trials[]` for which machines were drawn by lot: `setting`, `kind` ("running", "helps", "harms",
//!   "no-difference-seen"), `text`, `trial` and `control` {`nics`, `hung`, `exposure_s`}, `open` (how many
//!   NICs have time to go), `chance_fewer`, `chance_more` (by the lot alone; null while it is open)
//! - `verdict`: the one on the configuration that most machines have changed to

use super::DAY;
use super::changes::{Change, changes};
use super::configurations::{self, Configuration, Configurations, Side};
use super::history::{History, stretch_of};
use super::in_force::InForce;
use super::stats::{Comparison, Period};
use super::trials;
use super::verdict::{self, Verdict};
use super::{clean, in_seconds, iso};
use crate::hang::{EndedBy, Incident, Settings};
use crate::kernel_log::{FIELDS, SECOND, Stamp};
use crate::nic::PciId;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value, json};

/// The whole report: serialises itself incident by incident, so that a log full of them
/// does not have to fit in memory as JSON.
pub struct Report<'a>(pub &'a History);

/// The report without its incidents, of which a history may have many.
pub fn summary(history: &History) -> Value {
    let nics = 0..history.incidents.nics.len();
    let named = |(key, value): (&str, Value)| (key.to_owned(), value);
    let nic = |nic| nic_value(history, nic).into_iter().map(named);
    let nics: Vec<Value> = nics.map(|index| nic(index).collect()).collect();
    let notes: Vec<&String> = history.empty_files.iter().chain(&history.notes).collect();
    json!({
        "host": host(history),
        "nics": nics,
        "lookalikes": lookalikes(history),
        "verdict": verdict_value(&verdict::overall(history)),
        "notes": notes,
    })
}

/// Whose log it is, if it tells.
fn host(history: &History) -> Value {
    let Some(key) = history.hosts.only() else {
        return Value::Null;
    };
    let name = history.hosts.name_of(key).unwrap_or(key);
    let id = Some(clean(key)).filter(|key| key != name);
    json!({"name": clean(name), "machine_id": id})
}

fn lookalikes(history: &History) -> Vec<Value> {
    let seen = history.incidents.lookalikes.iter();
    seen.map(|(kind, count)| json!({"kind": kind.name(), "count": count, "text": kind.advice()}))
        .collect()
}

impl Serialize for Report<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let history = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schema", &1)?;
        map.serialize_entry("host", &host(history))?;
        map.serialize_entry("nics", &Nics(history))?;
        map.serialize_entry("lookalikes", &lookalikes(history))?;
        map.serialize_entry("verdict", &verdict_value(&verdict::overall(history)))?;
        map.serialize_entry("boots", &BootRows(history))?;
        let notes: Vec<&String> = history.empty_files.iter().chain(&history.notes).collect();
        map.serialize_entry("notes", &notes)?;
        map.end()
    }
}

struct Nics<'a>(&'a History);

impl Serialize for Nics<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..self.0.incidents.nics.len()).map(|nic| OneNic(self.0, nic)))
    }
}

struct OneNic<'a>(&'a History, usize);

impl Serialize for OneNic<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let OneNic(history, index) = *self;
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in nic_value(history, index) {
            map.serialize_entry(key, &value)?;
        }
        map.serialize_entry("incidents", &Incidents(history, index))?;
        map.end()
    }
}

/// What there is to say of a NIC but for its incidents.
fn nic_value(history: &History, index: usize) -> Vec<(&'static str, Value)> {
    let nic = &history.incidents.nics[index];
    let text = |field: &Option<String>| field.as_deref().map(clean);
    let now = history.stretches(index).last().and_then(|s| s.in_force);
    let last = history.own.last_settings(index).map(Settings::name);
    let configurations = configurations::of_nic(history, index);
    let changes = changes(&configurations);
    let value = |one| configuration_value(history, &changes, one);
    let values: Vec<Value> = configurations.list.iter().map(value).collect();
    let id = history.pci_ids.get(&index);
    let chip = id.and_then(PciId::chip);
    vec![
        ("interface", json!(text(&nic.device.name))),
        ("pci_address", json!(text(&nic.device.pci))),
        ("driver", json!(text(&nic.device.driver))),
        ("pci", json!(id.map(ToString::to_string))),
        ("chip", json!(chip.map(|chip| chip.name))),
        ("blocks", json!(nic.blocks)),
        ("resets", json!(nic.resets)),
        ("recoveries", json!(nic.recoveries)),
        ("settings", json!(last)),
        ("in_force", json!(now)),
        ("verdict", verdict_value(&verdict::on_nic(history, index))),
        ("configurations", values.into()),
        ("trials", trials::values(history, index).into()),
        ("periods", periods(history, &configurations).into()),
    ]
}

/// What the verdict weighs.
fn periods(history: &History, all: &Configurations) -> Vec<Value> {
    let value = |(since, state, period): (&Stamp, InForce, &Period)| {
        let known = period.configuration.map(|_| history.own.name(state));
        json!({
            "configuration": known,
            "since": iso(since),
            "exposure_s": in_seconds(period.days),
            "incidents_s": period.incidents.iter().map(|days| in_seconds(*days)).collect::<Vec<_>>(),
        })
    };
    all.periods().map(value).collect()
}

struct Incidents<'a>(&'a History, usize);

impl Serialize for Incidents<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Incidents(history, nic) = *self;
        let stretches = history.stretches(nic);
        let value = |incident| {
            let at = stretch_of(&stretches, incident);
            let state = at.map_or(InForce::Unknown, |stretch| stretch.state);
            incident_value(incident, &history.own.name(state))
        };
        serializer.collect_seq(history.incidents.of(nic).map(value))
    }
}

struct BootRows<'a>(&'a History);

impl Serialize for BootRows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.boots.list.iter().map(|boot| {
            json!({
                "first": iso(&boot.first),
                "last": iso(&boot.last),
                "uptime_s": seconds(boot.length()),
                "kernel": boot.kernel.map(|(major, minor)| format!("{major}.{minor}")),
            })
        }))
    }
}

fn configuration_value(history: &History, changes: &[Change], one: &Configuration) -> Value {
    let settings = history.own.settings(one.in_force).into_iter();
    let settings = settings.flat_map(Settings::iter);
    let settings: Map<String, Value> = settings
        .map(|(key, value)| (key.into(), value.into()))
        .collect();
    let change = changes.iter().find(|change| std::ptr::eq(change.to, one));
    let verdict = change.map(|change| {
        let mut verdict = weighed(Some(&change.comparison), true);
        verdict.insert("kind".into(), change.kind.name().into());
        verdict.insert("before".into(), change.from.name.clone().into());
        verdict
    });
    json!({
        "name": one.name,
        "since": iso(&one.since),
        "settings": settings,
        "exposure_s": seconds((one.days * DAY) as i64),
        "incidents": one.incidents(),
        "bursts": one.bursts(),
        "verdict": verdict,
    })
}

fn incident_value(incident: &Incident, configuration: &str) -> Value {
    let registers = &incident.registers;
    let mut values = Map::new();
    for (field, _, key) in FIELDS {
        values.insert(key.to_string(), json!(registers.get(field)));
    }
    let hz = registers.hz(&incident.start);
    let uptime = |stamp: &Stamp| stamp.uptime.map(seconds);
    json!({
        "start": iso(&incident.start),
        "end": incident.end.as_ref().and_then(iso),
        "start_uptime_s": uptime(&incident.start),
        "end_uptime_s": incident.end.as_ref().and_then(uptime),
        "boot": incident.boot,
        "times": incident.times,
        "blocks": incident.blocks,
        "speed": incident.speed,
        "ended_by": incident.ended_by.map(EndedBy::name),
        "in_force": incident.in_force,
        "configuration": configuration,
        "registers": values,
        "words": registers.words(hz),
        "stuck_s": hz.and_then(|hz| Some(registers.age_ticks()? as f64 / hz as f64)),
        "waiting": registers.waiting().map(|(waiting, _)| waiting),
    })
}

fn verdict_value(v: &Verdict) -> Value {
    let side = |s: &Side| json!({"incidents": s.incidents, "exposure_s": s.exposure_s});
    let both = v.before.exposure_s > 0.0 && v.after.exposure_s > 0.0;
    let mut value = weighed(v.comparison.as_ref(), both);
    value.insert("kind".into(), v.kind.name().into());
    value.insert("text".into(), v.text.clone().into());
    value.insert("configuration".into(), json!(v.configuration));
    value.insert("before".into(), side(&v.before));
    value.insert("after".into(), side(&v.after));
    value.insert("unknown".into(), side(&v.unknown));
    value.into()
}

/// The figures of a comparison; null where there is nothing to weigh, or no exposure.
fn weighed(e: Option<&Comparison>, exposed: bool) -> Map<String, Value> {
    let weighed = e.filter(|_| exposed);
    let needed = weighed.and_then(|e| e.needed);
    let needed = needed.map(|days| (days * 86_400.0).ceil());
    let sent = weighed.and_then(|e| e.sent_per_day);
    let figures = [
        ("chance", json!(weighed.map(|e| e.careful))),
        ("bursts_before", json!(e.map(|e| e.bursts_before))),
        ("bursts_after", json!(e.map(|e| e.bursts_after))),
        ("ask_again_after_s", json!(needed.filter(|s| s.is_finite()))),
        (
            "sent_per_day_before",
            json!(sent.map(|(before, _)| before.round())),
        ),
        (
            "sent_per_day_after",
            json!(sent.map(|(_, after)| after.round())),
        ),
    ];
    let figures = figures.into_iter();
    figures
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// Seconds with the precision of the log.
fn seconds(micros: i64) -> f64 {
    micros as f64 / SECOND as f64
}
