//! The history of a machine as its log tells it: boots, incidents, and for every NIC the
//! up-time with the fix in force, without it, and where that is not known. Feeds on events
//! in the order of time; what the log cannot tell is said in `notes`, never guessed.

use super::DAY;
use super::configurations::{InForce, before_end};
use super::stats::Exposure;
use crate::hang::incidents::Incidents;
use crate::hang::unhang_lines::{Cause, Said, UnhangLine};
use crate::hang::{Incident, Settings};
use crate::kernel_log::{Boots, Device, Hosts, KernelEvent, Seen, Stamp};
use std::collections::BTreeSet;
use std::iter::repeat_n;

/// More changes by our own lines than this are not kept.
pub const MAX_OWN: usize = 100_000;
/// Nor more different settings than this.
const MAX_SETTINGS: usize = 1000;

/// One of our lines, with its place.
#[derive(Clone, Debug)]
struct PlacedLine {
    /// Index of the NIC: its name may change from boot to boot.
    nic: usize,
    said: Said,
    cause: Cause,
    /// Index into `History::settings`.
    settings: usize,
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
    /// Is in force what was last in force? `None`: that is not known, or it was something else.
    pub in_force: Option<bool>,
    state: State,
}

/// What is in force, by index into `History::settings`; `None` inside: nothing is.
type State = Option<Option<usize>>;

impl Stretch {
    /// Was something else in force?
    pub fn is_other(&self) -> bool {
        self.in_force.is_none() && self.state.is_some()
    }

    /// Its length in µs, by the boot clock if there is one.
    pub fn length(&self) -> i64 {
        self.to.since(&self.from).unwrap_or(0).max(0)
    }
}

#[derive(Clone, Debug, Default)]
pub struct History {
    pub boots: Boots,
    pub incidents: Incidents,
    /// For each NIC, where the fix first came into force.
    pub changes: Vec<Option<Stamp>>,
    /// For each NIC, what the fix is: the last settings that came into force.
    pub fixes: Vec<Option<Settings>>,
    /// For each NIC, whether the log has a line of ours that says what is in force.
    pub spoken: Vec<bool>,
    /// What the log does not tell, a sentence each.
    pub notes: Vec<String>,
    /// The same of files with nothing in them.
    pub empty_files: Vec<String>,
    /// Whose lines they are, where they tell.
    pub hosts: Hosts,
    own: Vec<PlacedLine>,
    settings: Vec<Settings>,
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
        let mut settings = self.settings_index(line.settings);
        let earlier = self.own.iter_mut().rev().take(64);
        let earlier = earlier
            .filter(|own| own.boot == boot)
            .find(|own| own.nic == nic);
        let mut since = self.boots.list[boot].first;
        if let Some(earlier) = earlier {
            since = earlier.confirmed;
            let in_force = matches!(earlier.said, Said::InForce { .. });
            // What a line does not list stays as it was.
            if in_force && self.settings[earlier.settings].include(&self.settings[settings]) {
                settings = earlier.settings;
            }
            let same = in_force && earlier.settings == settings;
            let already = line.said == Said::InForce { changed: false };
            if same && already && line.cause != Cause::Add {
                earlier.confirmed = at;
                return;
            }
        }
        self.incidents.state_changed(nic);
        if self.own.len() >= MAX_OWN || self.settings.len() > MAX_SETTINGS {
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
            said: line.said,
            cause: line.cause,
            settings,
            boot,
            at,
            since,
            confirmed: at,
        });
    }

    fn settings_index(&mut self, settings: Settings) -> usize {
        let known = self.settings.iter().position(|known| *known == settings);
        known.unwrap_or_else(|| {
            if self.settings.len() <= MAX_SETTINGS {
                self.settings.push(settings);
            }
            self.settings.len() - 1
        })
    }

    pub fn finish(&mut self) {
        self.incidents.finish(&self.boots);
        let mut incidents = vec![Vec::new(); self.incidents.nics.len()];
        for (index, incident) in self.incidents.list.iter().enumerate() {
            incidents[incident.nic].push(index);
        }
        for (nic, incidents) in incidents.into_iter().enumerate() {
            let stretches = self.stretches(nic);
            let first = stretches.iter().find(|s| s.in_force == Some(true));
            self.changes.push(first.map(|s| s.from));
            let own = self.own_of(nic);
            let spoken = !own.is_empty();
            let fix = last_settings(&own).map(|fix| self.settings[fix].clone());
            self.spoken.push(spoken);
            self.fixes.push(fix);
            for index in incidents {
                let incident = &mut self.incidents.list[index];
                let upto = stretches.partition_point(|s| s.boot <= incident.boot);
                let same_boot = stretches[..upto].iter().rev();
                let at = same_boot
                    .take_while(|s| s.boot == incident.boot)
                    .find(|s| incident.start.since(&s.from).is_some_and(|t| t >= 0));
                let (by_time, other) = at.map_or((None, false), |s| (s.in_force, s.is_other()));
                // What the watcher found when it looked counts for more.
                incident.in_force = incident.in_force.or(by_time).filter(|_| !other);
                incident.other = other;
            }
        }
        self.say_what_is_missing();
    }

    fn own_of(&self, nic: usize) -> Vec<&PlacedLine> {
        self.own.iter().filter(|own| own.nic == nic).collect()
    }

    /// The stretches of the NIC, in order. Made when asked for: those of many NICs in many
    /// boots are too many to keep.
    pub fn stretches(&self, nic: usize) -> Vec<Stretch> {
        let own = self.own_of(nic);
        let fix = last_settings(&own);
        let changed = |own: &PlacedLine| own.said == Said::InForce { changed: true };
        let first = own.first();
        let adds = || own.iter().filter(|own| own.cause == Cause::Add);
        let always = adds().next().is_some() && adds().all(|own| changed(own));
        let lost = self.lost.contains(&nic);
        let mut out = Vec::new();
        let mut lines = own.iter().peekable();
        for (index, boot) in self.boots.list.iter().enumerate() {
            let mut state: State = match first {
                // A new boot starts from the defaults.
                Some(first) if index > first.boot => {
                    (always && !(lost && lines.peek().is_none())).then_some(None)
                }
                // Nothing was in force until our first line, if that is how it found the NIC.
                // Where a boot's beginning is not in the log, an earlier line may have gone
                // with it; but a person's command then finds nothing to change.
                Some(first) => (changed(first)
                    && (first.cause == Cause::Manual || boot.has_beginning()))
                .then_some(None),
                None => None,
            };
            let mut from = boot.first;
            let mut cut = |to: Stamp, state: State| {
                let stretch = Stretch {
                    boot: index,
                    from,
                    to,
                    in_force: match state {
                        Some(Some(settings)) => (Some(settings) == fix).then_some(true),
                        Some(None) => Some(false),
                        None => None,
                    },
                    state,
                };
                from = to;
                if stretch.length() > 0 {
                    out.push(stretch);
                }
            };
            while let Some(own) = lines.next_if(|own| own.boot == index) {
                let again = state == Some(Some(own.settings)) && changed(own);
                if again && !matches!(own.cause, Cause::Add | Cause::Drift) {
                    // Somebody or the driver had changed it, at a time unknown.
                    cut(own.since, state);
                    cut(own.at, None);
                } else {
                    cut(own.at, state);
                }
                state = match own.said {
                    Said::InForce { .. } => Some(Some(own.settings)),
                    // A new netdev has the defaults; else nobody knows whether it is as it was.
                    Said::Failed if own.cause != Cause::Add => state.filter(Option::is_none),
                    _ => Some(None),
                };
                state = state.filter(|_| !lost || lines.peek().is_some());
            }
            cut(boot.last, state);
        }
        out
    }

    /// What was in force then.
    pub(super) fn in_force(&self, stretch: &Stretch) -> InForce {
        match stretch.state {
            Some(Some(index)) => InForce::Set(self.settings[index].clone()),
            Some(None) => InForce::Default,
            None => InForce::Unknown,
        }
    }

    pub(super) fn changes_lost(&self) -> bool {
        !self.lost.is_empty()
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
        for s in &self.stretches(nic) {
            let days = s.length() as f64 / DAY;
            if s.in_force == Some(true) && change.is_none() {
                change = Some(e.before_days);
            }
            while let Some(i) = incidents.next_if(|i| before_end(i, s)) {
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
}

fn last_settings(own: &[&PlacedLine]) -> Option<usize> {
    let in_force = |own: &&&PlacedLine| matches!(own.said, Said::InForce { .. });
    own.iter().rfind(in_force).map(|own| own.settings)
}
