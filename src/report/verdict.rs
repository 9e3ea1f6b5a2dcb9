//! The verdict: one kind for machines, a few sentences for a tired person. Says what was
//! counted over which up-time, how likely that would be by chance, and what to do next.
//! Never claims more than the numbers do.

use super::configurations::{self, Configuration, Configurations};
use super::history::History;
use super::in_force::InForce;
use super::stats::Comparison;
use super::{days, nic_name, plural, when};
use jiff::tz::TimeZone;

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

/// Incidents and exposure on one side of the change.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Side {
    pub incidents: usize,
    /// Up-time in seconds.
    pub exposure_s: f64,
}

impl Side {
    fn new(incidents: usize, days: f64) -> Side {
        Side {
            incidents,
            exposure_s: (days * 86_400.0 * 1000.0).round() / 1000.0,
        }
    }

    fn of<'a>(configurations: impl Iterator<Item = &'a Configuration>) -> Side {
        let (incidents, days) = configurations.fold((0, 0.0), |(incidents, days), one| {
            (incidents + one.incidents(), days + one.days)
        });
        Side::new(incidents, days)
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

/// What to try when the offloads were not it: only what has helped somebody, and by whose
/// word it is known.
const NEXT: &str = "Next things to try, one at a time, so that you know which one it was: \
    energy-efficient Ethernet off (ethtool --set-eee NIC eee off), which on one I219-V, with \
    these offloads off too, turned 6 days of hangs into 12 without (counted), and helped on two \
    more I219 by their owners' word; \
    checksum offload off (ethtool -K NIC rx off tx off, which drops the link for seconds), by \
    one owner's word about an I217-V. \
    Until then, link down and up brings a hanging NIC back for now (many owners' word).";

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

/// What a sentence calls a configuration, after "with".
fn with(one: &Configuration) -> &str {
    match one.in_force {
        InForce::Default => "the default settings",
        _ => &one.name,
    }
}

/// A change of configuration, and what came of it.
pub struct Change<'a> {
    pub from: &'a Configuration,
    pub to: &'a Configuration,
    pub kind: Kind,
    pub comparison: Comparison,
}

/// The changes on which there is something to say.
pub fn changes(all: &Configurations) -> Vec<Change<'_>> {
    let change = |(to, comparison): (_, Comparison)| {
        let to: &Configuration = to;
        let from = all.numbered(comparison.from).next()?;
        let kind = match (comparison.bursts_before, comparison.bursts_after) {
            (0, 0) => return None,
            (_, 0) if comparison.likely_fixed() => Kind::LikelyFixed,
            (_, 0) => Kind::TooEarly,
            _ if to.in_force == InForce::Default => Kind::Affected,
            _ if comparison.fewer() => Kind::Fewer,
            _ => Kind::NotFixed,
        };
        Some(Change {
            from,
            to,
            kind,
            comparison,
        })
    };
    all.changes().into_iter().filter_map(change).collect()
}

/// A line for each configuration, and what came of the change to it.
pub fn lines(all: &Configurations, zone: &TimeZone) -> Vec<String> {
    let changes = changes(all);
    let (first, last) = (all.runs().next(), all.runs().next_back());
    let is = |one: &Configuration, other: Option<&Configuration>| {
        other.is_some_and(|other| std::ptr::eq(one, other))
    };
    let line = |one: &Configuration| {
        let mut line = one.name.clone();
        if one.in_force.is_known() && !is(one, first) {
            line += &format!(" from {}", when(&one.since, zone));
        }
        let incidents = count(one.incidents(), one.bursts());
        line += &format!(": {incidents} in {}", days(one.days));
        let change = changes.iter().find(|change| is(one, Some(change.to)));
        match change.map(|change| change.kind) {
            Some(Kind::TooEarly) if !is(one, last) => line += "; too short to tell",
            Some(kind) => line += &format!("; {}", kind.word()),
            None => {}
        }
        line
    };
    all.list.iter().map(line).collect()
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
        let name = nic_name(&history.incidents.nics[nic]);
        with_incidents(&all, &judged, &name, history.own.has(nic))
    };
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
    all: &Configurations,
    judged: &Judged,
    nic: &str,
    is_told: bool,
) -> (Kind, String) {
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
        let next = NEXT.replace("NIC eee", &format!("{nic} eee"));
        let next = next.replace("-K NIC", &format!("-K {nic}"));
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

/// "7 incidents (6 bursts) in 10.4 days of up-time".
fn counted(all: &[&Configuration], bursts: Option<usize>) -> String {
    let incidents = all.iter().map(|one| one.incidents()).sum();
    let bursts = bursts.unwrap_or_else(|| all.iter().map(|one| one.bursts()).sum());
    let length: f64 = all.iter().map(|one| one.days).sum();
    let over = if length > 0.0 {
        format!("in {} of up-time", days(length))
    } else {
        "over an up-time that the log does not tell".into()
    };
    format!("{} {over}", count(incidents, bursts))
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

fn nothing(history: &History) -> String {
    let covered: i64 = history
        .boots
        .list
        .iter()
        .map(crate::kernel_log::Boot::length)
        .sum();
    let covers = match covered {
        0 => "; over which up-time it does not tell".into(),
        covered => format!(", which covers {} of up-time", super::span(covered)),
    };
    format!("No incident in this log{covers}. It has no line of an e1000e NIC's links or hangs.")
}

fn no_incidents(all: &Configurations) -> String {
    let total: f64 = all.list.iter().map(|one| one.days).sum();
    let now = all.runs().next_back();
    let compared = all.list.iter().any(|one| one.in_force == InForce::Default);
    match now {
        _ if total <= 0.0 => {
            "No incident in this log; over which up-time it does not tell.".to_string()
        }
        Some(now) if now.days > 0.0 && !compared => format!(
            "No incident in {} of up-time, {} of it with {}. Whether there would be any without, the log cannot tell.",
            days(total),
            days(now.days),
            now.name
        ),
        _ => {
            let quiet = if total < 14.0 {
                " A quiet week proves nothing."
            } else {
                ""
            };
            format!("No incident in {} of up-time.{quiet}", days(total))
        }
    }
}

/// Nothing of unhang's is in force, or the log does not tell that anything is.
fn affected(all: &Configurations, is_told: bool) -> String {
    let over = |side: Side| {
        let incidents = plural(side.incidents, "incident");
        if side.exposure_s > 0.0 {
            format!(
                "{incidents} in {} of up-time",
                days(side.exposure_s / 86_400.0)
            )
        } else {
            format!("{incidents}; over which up-time the log does not tell")
        }
    };
    let (side, why) = if all.has_set() {
        let default = all
            .list
            .iter()
            .filter(|one| one.in_force == InForce::Default);
        let why = "with the default settings, which are in force again.";
        let text = format!("Affected: {} {why}", over(Side::of(default)));
        return text;
    } else if all.runs().next().is_some() {
        (
            Side::of(all.list.iter()),
            "What the rules want was not in force.",
        )
    } else if is_told {
        (Side::of(all.list.iter()), "What was in force is not known.")
    } else {
        let why = "The log has no line of unhang's: what was in force is not known.";
        (Side::of(all.list.iter()), why)
    };
    format!("Affected: {}. {why}", over(side))
}

/// How likely so long a quiet would be; bad spells, and how often was tried, are taken into account.
fn by_chance(e: &Comparison) -> String {
    let looks = if e.looks > 1 {
        format!(" ({} changes were tried)", e.looks)
    } else {
        String::new()
    };
    format!(
        "If nothing had changed, so long a quiet would come {}{looks}",
        chance(e.careful)
    )
}

fn too_early(so_far: &str, was: &str, e: &Comparison) -> String {
    let spell = if e.one_spell {
        " One bad spell proves nothing: such spells end by themselves."
    } else {
        ""
    };
    let ask = match e.needed.filter(|days| *days <= 3650.0) {
        None => "So little happened before that no quiet will ever prove it.".to_string(),
        Some(days) => {
            let whole = days.ceil().max(1.0);
            let unit = if whole < 2.0 { "day" } else { "days" };
            format!("Ask again after {whole} more {unit} of up-time.")
        }
    };
    format!(
        "Too early to say: {so_far} {was} {}.{spell} {ask}",
        by_chance(e)
    )
}

fn count(incidents: usize, bursts: usize) -> String {
    if incidents > bursts {
        let unit = if bursts == 1 { "burst" } else { "bursts" };
        format!("{} ({bursts} {unit})", plural(incidents, "incident"))
    } else {
        plural(incidents, "incident")
    }
}

/// "1 time in 46"; never rounded to the favourable side.
pub fn chance(p: f64) -> String {
    match 1.0 / p {
        n if n < 1.2 => "nearly always".into(),
        n if n < 10.0 => format!("1 time in {:.1}", (n * 10.0).floor() / 10.0),
        n if n < 1e6 => format!("1 time in {}", n.floor()),
        _ => "less than 1 time in a million".into(),
    }
}
