//! What came of each change of configuration: the kind of its verdict, and a line.

use super::configurations::{Configuration, Configurations};
use super::in_force::InForce;
use super::stats::Comparison;
use super::verdict::Kind;
use super::wording::count;
use super::{days, when};
use jiff::tz::TimeZone;

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
