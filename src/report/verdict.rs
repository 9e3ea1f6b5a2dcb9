//! The verdict: one kind for machines, a few sentences for a tired person. Says what was
//! counted over which up-time, how likely that would be by chance, and what to do next.
//! Never claims more than the numbers do.

use super::configurations::{self, Configuration, Configurations, Side};
use super::history::History;
use super::in_force::InForce;
use super::stats::Comparison;
use super::wording::{
    affected, by_chance, by_load, chance, counted, next, no_incidents, nothing, too_early, with,
};
use super::{days, nic_name, plural};

/// The kinds, from bad to good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Incidents with what unhang has set in force.
    NotFixed,
    /// The same, but fewer than chance would leave.
    Fewer,
    /// Incidents; nothing that unhang sets is in force.
    Affected,
    /// Incidents, and nothing to compare them with.
    Unknown,
    /// None since, but that may be chance.
    TooEarly,
    /// None since, and that is hardly chance.
    LikelyFixed,
    NoIncidents,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::NotFixed => "not-fixed",
            Kind::Fewer => "fewer",
            Kind::Affected => "affected",
            Kind::Unknown => "unknown",
            Kind::TooEarly => "too-early",
            Kind::LikelyFixed => "likely-fixed",
            Kind::NoIncidents => "no-incidents",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Kind> {
        let all = [
            Kind::NotFixed,
            Kind::Fewer,
            Kind::Affected,
            Kind::Unknown,
            Kind::TooEarly,
            Kind::LikelyFixed,
            Kind::NoIncidents,
        ];
        all.into_iter().find(|kind| kind.name() == name)
    }

    /// In a word or two, for `status`.
    pub fn word(self) -> &'static str {
        match self {
            Kind::NotFixed => "not fixed",
            Kind::Fewer => "fewer, not fixed",
            Kind::Affected => "affected",
            Kind::Unknown => "unknown",
            Kind::TooEarly => "too early to say",
            Kind::LikelyFixed => "likely fixed",
            Kind::NoIncidents => "no incidents",
        }
    }
}

/// A verdict on one NIC, or on the machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// For machines.
    pub kind: Kind,
    /// For people.
    pub text: String,
    /// In the configuration before the one that is judged.
    pub before: Side,
    /// In the one that is judged: the last that is known.
    pub after: Side,
    /// In all others, and where it is not known what was in force.
    pub unknown: Side,
    /// What is judged: the last that is known to have been in force.
    pub configuration: Option<String>,
    /// `None` where there is nothing to weigh.
    pub comparison: Option<Comparison>,
}

/// What is judged: the configuration in force now, against the one before it, each with all
/// the time that it was in force. Where neither has had an incident, a quiet goes on: then
/// they are judged together, against what was before.
struct Judged<'a> {
    before: Vec<&'a Configuration>,
    after: Vec<&'a Configuration>,
    comparison: Option<Comparison>,
}

impl<'a> Judged<'a> {
    fn new(all: &'a Configurations) -> Judged<'a> {
        let runs: Vec<&Configuration> = all.runs().collect();
        let of = |state: InForce| {
            runs.iter()
                .copied()
                .filter(move |run| run.in_force == state)
        };
        let is_quiet = |run: &&&Configuration| of(run.in_force).all(|one| one.incidents() == 0);
        let quiet = runs.iter().rev().take_while(is_quiet).count();
        let judged = if quiet == runs.len() { 1 } else { quiet.max(1) };
        let comparison = all.together(judged);
        let first = runs.len().saturating_sub(judged);
        let before = match comparison.as_ref() {
            Some(c) => all.numbered(c.from).collect(),
            None => Vec::new(),
        };
        let after = if judged > 1 {
            runs[first..].to_vec()
        } else {
            let now = runs.last().map(|now| now.in_force);
            now.into_iter().flat_map(of).collect()
        };
        Judged {
            before,
            after,
            comparison,
        }
    }

    /// "tso gso gro off", "tso off and then tso gso off".
    fn name(&self) -> String {
        let mut names: Vec<&str> = self.after.iter().map(|one| with(one)).collect();
        names.dedup();
        names.join(" and then ")
    }
}

pub fn on_nic(history: &History, nic: usize) -> Verdict {
    let all = configurations::of_nic(history, nic);
    let judged = Judged::new(&all);
    let total = Side::of(all.list.iter());
    let before = Side::of(judged.before.iter().copied());
    let after = Side::of(judged.after.iter().copied());
    let unknown = Side {
        incidents: total.incidents - before.incidents - after.incidents,
        exposure_s: (total.exposure_s - before.exposure_s - after.exposure_s).max(0.0),
    };
    let now = judged.after.last().copied();
    let at_end = history.stretches(nic).pop();
    let drifted = at_end.is_some_and(|end| end.state == InForce::Changed);
    let (kind, mut text) = if total.incidents == 0 {
        (Kind::NoIncidents, no_incidents(&all))
    } else {
        with_incidents(history, nic, &all, &judged)
    };
    if matches!(
        kind,
        Kind::NotFixed | Kind::Fewer | Kind::TooEarly | Kind::LikelyFixed
    ) {
        text += &judged.comparison.as_ref().map_or_else(String::new, by_load);
    }
    text += &left_out(&all, kind, &judged);
    if drifted {
        text += " Somebody has changed the settings since, and they were left so.";
    }
    Verdict {
        kind,
        text,
        before,
        after,
        unknown,
        configuration: now.map(|one| one.name.clone()),
        comparison: judged.comparison,
    }
}

fn with_incidents(
    history: &History,
    nic: usize,
    all: &Configurations,
    judged: &Judged,
) -> (Kind, String) {
    let nic_name = nic_name(&history.incidents.nics[nic]);
    let is_told = history.own.has(nic);
    let Some(now) = judged.after.last().copied() else {
        return (Kind::Affected, affected(all, is_told));
    };
    let was = match judged.before.first() {
        Some(before) => format!(
            "With {}: {}.",
            with(before),
            counted(
                &judged.before,
                judged.comparison.as_ref().map(|c| c.bursts_before)
            )
        ),
        None => "There is nothing before to compare with.".into(),
    };
    let incidents: usize = judged.after.iter().map(|one| one.incidents()).sum();
    if incidents > 0 && now.in_force == InForce::Default {
        return (Kind::Affected, affected(all, is_told));
    }
    if incidents > 0 {
        let next = next(&nic_name, history.own.settings(now.in_force));
        let fewer = judged.comparison.as_ref().filter(|c| c.fewer());
        let (kind, lead) = match fewer {
            Some(c) => (
                Kind::Fewer,
                format!(
                    "Fewer, but not fixed: so few would come by chance {}.",
                    chance(c.careful)
                ),
            ),
            None => (Kind::NotFixed, "Not fixed:".to_string()),
        };
        let bursts = judged.comparison.as_ref().map(|c| c.bursts_after);
        let after = counted(&judged.after, bursts);
        let text = format!("{lead} {after} with {}. {was} {next}", now.name);
        return (kind, text);
    }
    let length = days(judged.after.iter().map(|one| one.days).sum());
    let name = judged.name();
    let since = format!("With {name}: none in {length}.");
    let so_far = format!("none in {length} with {name}.");
    let Some(e) = judged.comparison.as_ref() else {
        let unknown: usize = all.list.iter().map(Configuration::incidents).sum();
        let mut other = all.list.iter().filter(|one| one.incidents() > 0);
        let when = if other.all(|one| one.in_force == InForce::Unknown) {
            "it is not known what was in force"
        } else {
            "something else was in force, or it is not known what"
        };
        let text = format!(
            "Not known: {} came while {when}, so there is nothing to compare with. {since}",
            plural(unknown, "incident")
        );
        return (Kind::Unknown, text);
    };
    if e.bursts_before == 0 {
        let text = format!("Not known: there is nothing to compare with. {was} {since}");
        return (Kind::Unknown, text);
    }
    if judged.before.iter().all(|one| one.days <= 0.0) {
        return (Kind::TooEarly, format!("Too early to say: {so_far} {was}"));
    }
    if e.likely_fixed() {
        let text = format!("{was} {since} {}. Likely fixed.", by_chance(e));
        return (Kind::LikelyFixed, text);
    }
    (Kind::TooEarly, too_early(&so_far, &was, e))
}

/// The verdict on the machine: that on its worst NIC.
pub fn overall(history: &History) -> Verdict {
    let all = (0..history.incidents.nics.len()).map(|nic| (nic, on_nic(history, nic)));
    let many = history
        .incidents
        .nics
        .iter()
        .filter(|n| n.blocks > 0)
        .count()
        > 1;
    let worst = all.min_by_key(|(nic, v)| {
        let quiet = usize::MAX - history.incidents.nics[*nic].blocks as usize;
        (v.kind, quiet)
    });
    match worst {
        Some((nic, mut verdict)) => {
            if many {
                let name = nic_name(&history.incidents.nics[nic]);
                verdict.text = format!("{name}: {}", verdict.text);
            }
            verdict
        }
        None => Verdict {
            kind: Kind::NoIncidents,
            text: nothing(history),
            before: Side::default(),
            after: Side::default(),
            unknown: Side::default(),
            configuration: None,
            comparison: None,
        },
    }
}

/// What counts for neither side.
fn left_out(all: &Configurations, kind: Kind, judged: &Judged) -> String {
    let said = |one: &&Configuration| {
        let mut judged = judged.before.iter().chain(&judged.after);
        judged.any(|other| std::ptr::eq(*other, *one))
    };
    let left = Side::of(all.list.iter().filter(|one| !said(one)));
    let told = matches!(kind, Kind::Unknown | Kind::NoIncidents);
    if left.exposure_s <= 3600.0 || !all.has_set() || told {
        return String::new();
    }
    format!(
        " (In {} more, with {}, something else was in force, or it is not known what.)",
        days(left.exposure_s / 86_400.0),
        plural(left.incidents, "incident")
    )
}
