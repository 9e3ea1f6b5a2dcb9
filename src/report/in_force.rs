//! What was in force on a NIC when, as our own lines tell it: the settings that a line
//! lists, the defaults where the log shows that nothing had been set, somebody's change
//! where drift was left or sudo ran ethtool; else that is not known.

use crate::hang::Settings;
use crate::hang::unhang_lines::{Cause, Said, UnhangLine};
use crate::kernel_log::{Boots, SECOND, Stamp};
use std::collections::{BTreeMap, BTreeSet};

/// Shorter than this is brief (µs).
const BRIEF: i64 = 600 * SECOND;
/// More changes by our own lines than this are not kept.
pub const MAX_OWN: usize = 100_000;
/// Nor more different settings than this.
const MAX_SETTINGS: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InForce {
    Unknown,
    /// Somebody changed something, and it was left so.
    Changed,
    /// Nothing of unhang's.
    Default,
    /// Index into `OwnLines::settings`.
    Set(usize),
}

impl InForce {
    /// Does the log tell what it was?
    pub fn is_known(self) -> bool {
        matches!(self, InForce::Default | InForce::Set(_))
    }
}

#[derive(Clone, Debug)]
pub struct Stretch {
    /// Index into `Boots::list`.
    pub boot: usize,
    pub from: Stamp,
    pub to: Stamp,
    pub state: InForce,
    /// Is all that the rules wanted last in force? `None`: that is not known, or something
    /// else was.
    pub in_force: Option<bool>,
}

impl Stretch {
    /// Its length in µs, by the boot clock if there is one.
    pub fn length(&self) -> i64 {
        self.to.since(&self.from).unwrap_or(0).max(0)
    }

    pub fn is_brief(&self) -> bool {
        self.length() < BRIEF
    }
}

/// One of our lines, with its place.
#[derive(Clone, Debug)]
struct PlacedLine {
    /// Index of the NIC: its name may change from boot to boot.
    nic: usize,
    /// `None`: it is not ours, but sudo's: somebody set something.
    said: Option<Said>,
    cause: Cause,
    /// Index into `OwnLines::settings`.
    settings: usize,
    boot: usize,
    at: Stamp,
    /// Last link-up or line of ours before it: from then on the state was not known.
    since: Stamp,
    /// The last line after it that says the same.
    confirmed: Stamp,
}

#[derive(Clone, Debug, Default)]
pub struct OwnLines {
    list: Vec<PlacedLine>,
    settings: Vec<Settings>,
    /// For each NIC, its last line.
    latest: BTreeMap<usize, usize>,
    /// NICs of which lines beyond `MAX_OWN` are not kept.
    lost: BTreeSet<usize>,
}

impl OwnLines {
    /// Takes a line about a NIC; `link_up` is the link-up just before it, if it was told of
    /// one. Says whether something else may be in force from here on.
    pub(super) fn take(
        &mut self,
        nic: usize,
        line: &UnhangLine,
        at: Stamp,
        link_up: Option<Stamp>,
        boots: &Boots,
    ) -> bool {
        let boot = boots.list.len() - 1;
        let earlier = self.latest.get(&nic).copied();
        let earlier = earlier.filter(|earlier| self.list[*earlier].boot == boot);
        let mut settings = line.settings.clone();
        let mut since = boots.list[boot].first;
        let mut drifted = false;
        if let Some(earlier) = earlier.map(|earlier| &self.list[earlier]) {
            since = earlier.confirmed;
            // What a line does not list stays as it was, but on a new netdev and by a revert.
            if !matches!(line.cause, Cause::Add | Cause::Revert) {
                settings = self.settings[earlier.settings].then(&settings, &line.lost);
            }
            // What was put back was not what is left.
            drifted = earlier.said == Some(Said::Drifted) && line.cause == Cause::Drift;
        }
        let settings = self.settings_index(settings);
        if let (Some(earlier), Said::InForce { changed, whole }) = (earlier, line.said) {
            let earlier = &mut self.list[earlier];
            let same = matches!(earlier.said, Some(Said::InForce { whole: was, .. }) if was == whole)
                && earlier.settings == settings;
            if drifted || same && !changed && line.cause != Cause::Add {
                earlier.confirmed = at;
                return false;
            }
        }
        if let Some(up) = link_up.filter(|up| up.since(&since).is_some_and(|t| t > 0)) {
            since = up;
        }
        self.push(PlacedLine {
            nic,
            said: Some(line.said),
            cause: line.cause,
            settings,
            boot,
            at,
            since,
            confirmed: at,
        });
        true
    }

    /// Somebody set something on a NIC; what, nobody asks.
    pub(super) fn set_by_others(&mut self, nic: usize, at: Stamp, boots: &Boots) {
        let boot = boots.list.len() - 1;
        let latest = self.latest.get(&nic).map(|latest| &self.list[*latest]);
        let settings = match latest.filter(|latest| latest.boot == boot) {
            Some(latest) if latest.said.is_none() => return,
            Some(latest) => latest.settings,
            None => self.settings_index(Settings::default()),
        };
        self.push(PlacedLine {
            nic,
            said: None,
            cause: Cause::Other,
            settings,
            boot,
            at,
            since: at,
            confirmed: at,
        });
    }

    fn push(&mut self, line: PlacedLine) {
        if self.list.len() >= MAX_OWN || self.settings.len() > MAX_SETTINGS {
            self.lost.insert(line.nic);
            return;
        }
        self.latest.insert(line.nic, self.list.len());
        self.list.push(line);
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

    fn of_nic(&self, nic: usize) -> Vec<&PlacedLine> {
        self.list.iter().filter(|own| own.nic == nic).collect()
    }

    /// Whether the log has a line of ours that says what is in force.
    pub fn has(&self, nic: usize) -> bool {
        let ours = |own: &PlacedLine| own.nic == nic && own.said.is_some();
        self.list.iter().any(ours)
    }

    pub(super) fn are_lost(&self) -> bool {
        !self.lost.is_empty()
    }

    /// The last settings that came into force.
    pub fn last_settings(&self, nic: usize) -> Option<&Settings> {
        self.last(&self.of_nic(nic))
            .map(|last| &self.settings[last])
    }

    fn last(&self, own: &[&PlacedLine]) -> Option<usize> {
        let set = |own: &&PlacedLine| match self.state(own) {
            InForce::Set(settings) => Some(settings),
            _ => None,
        };
        own.iter().rev().find_map(set)
    }

    /// "tso gso off", "default", "changed by somebody", "not known".
    pub fn name(&self, state: InForce) -> String {
        match state {
            InForce::Set(settings) => self.settings[settings].name(),
            InForce::Default => "default".into(),
            InForce::Changed => "changed by somebody".into(),
            InForce::Unknown => "not known".into(),
        }
    }

    pub fn settings(&self, state: InForce) -> Option<&Settings> {
        match state {
            InForce::Set(settings) => Some(&self.settings[settings]),
            _ => None,
        }
    }

    /// The stretches of the NIC, in order.
    pub(super) fn stretches(&self, nic: usize, boots: &Boots) -> Vec<Stretch> {
        let own = self.of_nic(nic);
        let wanted = self.last(&own);
        let set = |own: &PlacedLine| matches!(self.state(own), InForce::Set(_));
        let changed =
            |own: &PlacedLine| matches!(own.said, Some(Said::InForce { changed: true, .. }));
        let first = own.iter().find(|own| own.said.is_some());
        let adds = || own.iter().filter(|own| own.cause == Cause::Add);
        let always = adds().next().is_some() && adds().all(|own| changed(own));
        let lost = self.lost.contains(&nic);
        let mut out = Vec::new();
        let mut lines = own.iter().peekable();
        for (index, boot) in boots.list.iter().enumerate() {
            let default = match first {
                // A new boot starts from the defaults.
                Some(first) if index > first.boot => always && !(lost && lines.peek().is_none()),
                // Nothing was in force until our first line, if that is how it found the NIC.
                // Where a boot's beginning is not in the log, an earlier line may have gone
                // with it; but a person's command then finds nothing to change.
                Some(first) => {
                    let kept = first.cause == Cause::Manual || boot.has_beginning();
                    changed(first) && set(first) && kept
                }
                None => false,
            };
            let mut state = if default {
                InForce::Default
            } else {
                InForce::Unknown
            };
            let mut whole = false;
            let mut from = boot.first;
            let mut cut = |to: Stamp, state: InForce, whole: bool| {
                let stretch = Stretch {
                    boot: index,
                    from,
                    to,
                    state,
                    in_force: match state {
                        InForce::Set(settings) => (Some(settings) == wanted).then_some(whole),
                        InForce::Default | InForce::Changed => Some(false),
                        InForce::Unknown => None,
                    },
                };
                from = to;
                if stretch.length() > 0 {
                    out.push(stretch);
                }
            };
            while let Some(own) = lines.next_if(|own| own.boot == index) {
                let again = state == self.state(own) && changed(own);
                if again && !matches!(own.cause, Cause::Add | Cause::Drift) {
                    // Somebody or the driver had changed it, at a time unknown.
                    cut(own.since, state, whole);
                    cut(own.at, InForce::Unknown, false);
                } else {
                    cut(own.at, state, whole);
                }
                state = match own.said {
                    // A new netdev has the defaults; else nobody knows whether it is as it was.
                    Some(Said::Failed) if own.cause == Cause::Add => InForce::Default,
                    Some(Said::Failed) if matches!(state, InForce::Set(_)) => InForce::Unknown,
                    Some(Said::Failed) => state,
                    _ => self.state(own),
                };
                whole = matches!(own.said, Some(Said::InForce { whole: true, .. }));
                if lost && lines.peek().is_none() {
                    state = InForce::Unknown;
                }
            }
            cut(boot.last, state, whole);
        }
        out
    }

    /// What a line says is in force.
    fn state(&self, own: &PlacedLine) -> InForce {
        match own.said {
            None | Some(Said::Drifted) => InForce::Changed,
            Some(Said::InForce { .. }) if !self.settings[own.settings].is_empty() => {
                InForce::Set(own.settings)
            }
            Some(Said::InForce { .. }) => InForce::Default,
            _ => InForce::Unknown,
        }
    }
}
