//! The history of a machine as its log tells it: boots, incidents, and for every NIC the
//! up-time with the fix in force, without it, and where that is not known. Feeds on events
//! in the order of time; what the log cannot tell is said in `notes`, never guessed.

use super::DAY;
use super::stats::Exposure;
use crate::hang::Incident;
use crate::hang::incidents::{Incidents, MAX_LISTED, MAX_NICS};
use crate::hang::unhang_lines::{Cause, Said, UnhangLine};
use crate::kernel_log::{Boots, Device, KernelEvent, SECOND, Seen, Stamp};
use std::collections::BTreeSet;
use std::iter::repeat_n;

/// More changes by our own lines than this are not kept.
pub const MAX_OWN: usize = 100_000;

/// One of our lines, with its place.
#[derive(Clone, Debug)]
struct PlacedLine {
    /// Index of the NIC: its name may change from boot to boot.
    nic: usize,
    line: UnhangLine,
    boot: usize,
    at: Stamp,
    /// Last link-up or line of ours before it: from then on the state was not known.
    since: Stamp,
    /// The last line after it that says the same.
    confirmed: Stamp,
}

#[derive(Clone, Debug)]
pub struct Stretch {
    /// Index into `Boots::list`.
    pub boot: usize,
    pub from: Stamp,
    pub to: Stamp,
    /// Are the offloads off? `None`: not known.
    pub in_force: Option<bool>,
}

impl Stretch {
    /// Its length in µs, by the boot clock if there is one.
    pub fn length(&self) -> i64 {
        self.to.since(&self.from).unwrap_or(0).max(0)
    }
}

#[derive(Clone, Debug, Default)]
pub struct History {
    pub boots: Boots,
    pub incidents: Incidents,
    /// For each NIC of `incidents.nics`, its stretches in order.
    pub stretches: Vec<Vec<Stretch>>,
    /// For each NIC, where the fix first came into force.
    pub changes: Vec<Option<Stamp>>,
    /// What the log does not tell, a sentence each.
    pub notes: Vec<String>,
    own: Vec<PlacedLine>,
    /// NICs of which lines beyond `MAX_OWN` are not kept.
    lost: BTreeSet<usize>,
    last_link_up: Option<(String, Stamp)>,
}

impl History {
    pub fn observe(&mut self, mut seen: Seen) {
        let new_boot = self.boots.observe(&mut seen);
        self.incidents.observe(&seen, &self.boots, new_boot);
        if new_boot {
            self.last_link_up = None;
        }
        match &seen.event {
            KernelEvent::LinkUp { .. } => {
                let name = seen.device.name.clone();
                self.last_link_up = name.map(|name| (name, seen.stamp));
            }
            KernelEvent::Unhang(text) => {
                if let Some(line) = UnhangLine::parse(text) {
                    self.own_line(line, text, seen.stamp);
                }
            }
            _ => {}
        }
    }

    fn own_line(&mut self, line: UnhangLine, text: &str, at: Stamp) {
        let known = self.incidents.by_name(&line.interface);
        let nic = known.or_else(|| {
            self.incidents.nic(&Device {
                driver: text.contains("; e1000e ").then(|| "e1000e".to_string()),
                pci: None,
                name: Some(line.interface.clone()),
            })
        });
        let Some(nic) = nic.filter(|_| !matches!(line.said, Said::Wedged { .. } | Said::Recovered))
        else {
            return;
        };
        let boot = self.boots.list.len() - 1;
        let earlier = self.own.iter_mut().rev().take(64);
        let earlier = earlier
            .filter(|own| own.boot == boot)
            .find(|own| own.nic == nic);
        let mut since = self.boots.list[boot].first;
        if let Some(earlier) = earlier {
            since = earlier.confirmed;
            let already = line.said == Said::InForce { were_on: false };
            if already
                && line.cause != Cause::Add
                && matches!(earlier.line.said, Said::InForce { .. })
            {
                earlier.confirmed = at;
                return;
            }
        }
        self.incidents.state_changed(nic);
        if self.own.len() >= MAX_OWN {
            self.lost.insert(nic);
            return;
        }
        if let (Some((name, up)), Cause::LinkUp) = (&self.last_link_up, line.cause) {
            if *name == line.interface && up.since(&since).is_some_and(|t| t > 0) {
                since = *up;
            }
        }
        self.own.push(PlacedLine {
            nic,
            line,
            boot,
            at,
            since,
            confirmed: at,
        });
    }

    pub fn finish(&mut self) {
        self.incidents.finish(&self.boots);
        for nic in 0..self.incidents.nics.len() {
            let stretches = self.stretches_of(nic);
            let first = stretches.iter().find(|s| s.in_force == Some(true));
            self.changes.push(first.map(|s| s.from));
            self.stretches.push(stretches);
        }
        for i in 0..self.incidents.list.len() {
            let incident = &self.incidents.list[i];
            let stretches = &self.stretches[incident.nic];
            let upto = stretches.partition_point(|s| s.boot <= incident.boot);
            let same_boot = stretches[..upto].iter().rev();
            let at = same_boot
                .take_while(|s| s.boot == incident.boot)
                .find(|s| incident.start.since(&s.from).is_some_and(|t| t >= 0));
            let by_time = at.and_then(|s| s.in_force);
            // What the watcher found when it looked counts for more.
            let incident = &mut self.incidents.list[i];
            incident.in_force = incident.in_force.or(by_time);
        }
        self.say_what_is_missing();
    }

    fn stretches_of(&self, nic: usize) -> Vec<Stretch> {
        let own: Vec<&PlacedLine> = self.own.iter().filter(|own| own.nic == nic).collect();
        let were_on = |own: &&&PlacedLine| own.line.said == Said::InForce { were_on: true };
        // Offloads are on by default here if that is how our first line found them; then
        // they were on in every boot before it, too.
        let before_first = own.first().filter(were_on).map(|_| false);
        let adds = || own.iter().filter(|own| own.line.cause == Cause::Add);
        let always = adds().next().is_some() && adds().all(|own| were_on(&own));
        let lost = self.lost.contains(&nic);
        let mut out = Vec::new();
        let mut first_boot = own.first().map_or(usize::MAX, |own| own.boot);
        if own.is_empty() {
            first_boot = usize::MAX;
        }
        let mut lines = own.iter().peekable();
        for (index, boot) in self.boots.list.iter().enumerate() {
            let mut state = match index {
                i if i <= first_boot => before_first,
                // A new boot starts from the defaults.
                _ if always && !(lost && lines.peek().is_none()) => Some(false),
                _ => None,
            };
            let mut from = boot.first;
            let mut cut = |to: Stamp, state: Option<bool>| {
                let stretch = Stretch {
                    boot: index,
                    from,
                    to,
                    in_force: state,
                };
                from = to;
                if stretch.length() > 0 {
                    out.push(stretch);
                }
            };
            while let Some(own) = lines.next_if(|own| own.boot == index) {
                match own.line.said {
                    Said::InForce { were_on: true }
                        if state == Some(true)
                            && !matches!(own.line.cause, Cause::Add | Cause::Drift) =>
                    {
                        // Somebody or the driver had turned them on, at a time unknown.
                        cut(own.since, state);
                        cut(own.at, None);
                    }
                    _ => cut(own.at, state),
                }
                state = match own.line.said {
                    Said::InForce { .. } => Some(true),
                    // A new netdev has them on; else nobody knows whether it is as it was.
                    Said::Failed if own.line.cause != Cause::Add => {
                        state.filter(|in_force| !in_force)
                    }
                    _ => Some(false),
                };
                state = state.filter(|_| !lost || lines.peek().is_some());
            }
            cut(boot.last, state);
        }
        out
    }

    /// Exposure and incidents of a NIC on the clocks that `stats` wants, with the up-time
    /// of unknown state in days and the incidents in it.
    pub fn exposure(&self, nic: usize) -> (Exposure, f64, usize) {
        let mut e = Exposure::default();
        let (mut unknown_days, mut unknown) = (0.0, 0);
        let mut change = None;
        let mut incidents = self.incidents.of(nic).peekable();
        let mut count = |e: &mut Exposure, i: &Incident, within: f64| {
            let times = i.times as usize;
            match i.in_force {
                Some(false) => e.before.extend(repeat_n(e.before_days + within, times)),
                Some(true) => e.after.extend(repeat_n(e.after_days + within, times)),
                None => unknown += times,
            }
        };
        for s in &self.stretches[nic] {
            let days = s.length() as f64 / DAY;
            if s.in_force == Some(true) && change.is_none() {
                change = Some(e.before_days);
            }
            while let Some(i) = incidents.next_if(|i| {
                i.boot < s.boot || i.boot == s.boot && i.start.since(&s.to).is_some_and(|t| t < 0)
            }) {
                let within = i.start.since(&s.from).unwrap_or(0).max(0) as f64 / DAY;
                count(&mut e, i, within.min(days));
            }
            match s.in_force {
                Some(false) => e.before_days += days,
                Some(true) => e.after_days += days,
                None => unknown_days += days,
            }
        }
        for i in incidents {
            count(&mut e, i, 0.0);
        }
        e.change = change.unwrap_or(e.before_days);
        (e, unknown_days, unknown)
    }

    fn say_what_is_missing(&mut self) {
        let boots = &self.boots.list;
        let mut notes = Vec::new();
        if let Some(first) = boots.first().filter(|b| !b.from_start) {
            match first.first.uptime {
                Some(up) if up > 120 * SECOND => notes.push(format!(
                    "The log begins {} after the machine had started: what was before is gone.",
                    super::span(up)
                )),
                None if !first.first.is_empty() => notes.push(
                    "The log begins in the middle of a boot: what was before is not known.".into(),
                ),
                _ => {}
            }
        }
        let cut = boots
            .iter()
            .skip(1)
            .filter(|b| !b.from_start && b.first.uptime.is_some_and(|up| up > 120 * SECOND));
        match cut.count() {
            0 => {}
            n => notes.push(format!(
                "The beginning of {} is not in the log.",
                super::plural(n, "boot")
            )),
        }
        let (mut off, mut backwards) = (0, 0);
        for pair in boots.windows(2) {
            match (pair[0].last.wall, pair[1].first.wall) {
                (Some(a), Some(b)) if b >= a => off += b - a,
                (Some(_), Some(_)) => backwards += 1,
                _ => {}
            }
        }
        if off > 3600 * SECOND {
            notes.push(format!(
                "For {} in all the machine was off or its log is missing; that time counts neither way.",
                super::span(off)
            ));
        }
        if backwards > 0 {
            notes.push(format!(
                "The clock went back between boots ({}): dates are as logged, lengths by the boot clock.",
                super::plural(backwards, "time")
            ));
        }
        for jump in boots.iter().filter_map(|b| b.jump).take(3) {
            let way = if jump > 0 { "forward" } else { "back" };
            notes.push(format!(
                "The clock was set {way} by {} while the machine ran: lengths are by the boot clock.",
                super::span(jump.abs())
            ));
        }
        let timeless = self.incidents.list.iter().filter(|i| i.start.is_empty());
        match timeless.count() {
            0 => {}
            1 => notes.push("1 incident bears no time: it cannot be weighed.".into()),
            n => notes.push(format!(
                "{n} incidents bear no time: they cannot be weighed."
            )),
        }
        if self.incidents.list.iter().any(|i| i.times > 1) {
            notes.push(format!(
                "More than {MAX_LISTED} incidents: all are counted, but later ones that began within an hour are listed as one."
            ));
        }
        if self.incidents.left_out > 0 {
            notes.push(format!(
                "More than {MAX_NICS} NICs: {} of further NICs count nowhere; read the log of one machine at a time.",
                super::plural(self.incidents.left_out, "line")
            ));
        }
        if !self.lost.is_empty() {
            notes.push(format!(
                "More than {MAX_OWN} changes of offloads: what was in force after them is not known."
            ));
        }
        self.notes.extend(notes);
    }
}
