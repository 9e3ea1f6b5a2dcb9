//! The sentences of a verdict, for a tired person: what was counted over which up-time, how
//! likely that would be by chance, and what to do next.

use super::configurations::{Configuration, Configurations, Side};
use super::history::History;
use super::in_force::InForce;
use super::stats::Comparison;
use super::{days, plural};
use crate::hang::Settings;

/// What to try when that was not it: only what has helped somebody and is not in force yet,
/// and by whose word it is known.
pub(super) fn next(nic: &str, settings: Option<&Settings>) -> String {
    let is_off = |key| settings.is_some_and(|s| s.iter().any(|set| set == (key, "off")));
    let mut things = Vec::new();
    if !is_off("eee") {
        things.push(format!(
            "energy-efficient Ethernet off (ethtool --set-eee {nic} eee off), which on one \
            I219-V, with these offloads off too, turned 6 days of hangs into 12 without \
            (counted), and helped on two more I219 by their owners' word"
        ));
    }
    if !is_off("rx") || !is_off("tx") {
        things.push(format!(
            "checksum offload off (ethtool -K {nic} rx off tx off, which drops the link for \
            seconds), by one owner's word about an I217-V"
        ));
    }
    let things = match things.join("; ") {
        none if none.is_empty() => none,
        things => format!(
            "Next things to try, one at a time, so that you know which one it was: {things}; \
            'unhang explain {nic}' says which tips are void there. "
        ),
    };
    format!(
        "{things}Until then, link down and up brings a hanging NIC back for now (many owners' word)."
    )
}

/// What a sentence calls a configuration, after "with".
pub fn with(one: &Configuration) -> &str {
    match one.in_force {
        InForce::Default => "the default settings",
        _ => &one.name,
    }
}

/// "7 incidents (6 bursts) in 10.4 days of up-time".
pub(super) fn counted(all: &[&Configuration], bursts: Option<usize>) -> String {
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

pub(super) fn nothing(history: &History) -> String {
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

pub(super) fn no_incidents(all: &Configurations) -> String {
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
pub(super) fn affected(all: &Configurations, is_told: bool) -> String {
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
pub(super) fn by_chance(e: &Comparison) -> String {
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

pub(super) fn too_early(so_far: &str, was: &str, e: &Comparison) -> String {
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
            let load = e
                .sent_per_day
                .map_or("", |_| ", if it sends as much as before");
            format!("Ask again after {whole} more {unit} of up-time{load}.")
        }
    };
    format!(
        "Too early to say: {so_far} {was} {}.{spell} {ask}",
        by_chance(e)
    )
}

/// What else than up-time it was weighed by.
pub(super) fn by_load(e: &Comparison) -> String {
    let Some((before, after)) = e.sent_per_day else {
        return String::new();
    };
    format!(
        " Weighed by what the NIC sent: {} a day before, {} a day since.",
        bytes(before),
        bytes(after)
    )
}

/// "31.0 GB"
fn bytes(bytes: f64) -> String {
    let units = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    match units.into_iter().find(|(size, _)| bytes >= *size) {
        Some((size, unit)) => format!("{:.1} {unit}", bytes / size),
        None => plural(bytes as usize, "byte"),
    }
}

pub(super) fn count(incidents: usize, bursts: usize) -> String {
    if incidents > bursts {
        let unit = if bursts == 1 { "burst" } else { "bursts" };
        format!("{} ({bursts} {unit})", plural(incidents, "incident"))
    } else {
        plural(incidents, "incident")
    }
}

/// "1 time in 46"; never rounded to the favourable side.
pub(super) fn chance(p: f64) -> String {
    match 1.0 / p {
        n if n < 1.2 => "nearly always".into(),
        n if n < 10.0 => format!("1 time in {:.1}", (n * 10.0).floor() / 10.0),
        n if n < 1e6 => format!("1 time in {}", n.floor()),
        _ => "less than 1 time in a million".into(),
    }
}
