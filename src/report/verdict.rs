//! The verdict: one kind for machines, a few sentences for a tired person. Says what was
//! counted over which up-time, how likely that would be by chance, and what to do next.
//! Never claims more than the numbers do.

use super::history::{History, Stretch};
use super::stats::{self, Comparison};
use super::{days, nic_name, plural};
use crate::hang::Settings;

/// The kinds, from bad to good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Incidents with the fix in force.
    NotFixed,
    /// Incidents with the fix in force, but fewer than chance would leave.
    Fewer,
    /// Incidents; the fix has not been in force.
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

/// A verdict on one NIC, or on the machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// For machines.
    pub kind: Kind,
    /// For people.
    pub text: String,
    /// Without the fix.
    pub before: Side,
    /// With the fix in force.
    pub after: Side,
    /// Exposure of unknown state, and the incidents in it.
    pub unknown: Side,
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

pub fn on_nic(history: &History, nic: usize) -> Verdict {
    let (exposure, unknown_days, unknown_incidents) = history.exposure(nic);
    let e = stats::weigh_two(&exposure);
    let side = |incidents: usize, days: f64| Side {
        incidents,
        exposure_s: (days * 86_400.0 * 1000.0).round() / 1000.0,
    };
    let before = side(exposure.before.len(), exposure.before_days);
    let after = side(exposure.after.len(), exposure.after_days);
    let unknown = side(unknown_incidents, unknown_days);
    let all = before.incidents + after.incidents + unknown.incidents;
    let name = nic_name(&history.incidents.nics[nic]);
    let fix = history.fixes[nic].clone().unwrap_or_default();
    let changed = history.changes[nic].is_some();
    let counted = count(before.incidents, e.bursts_before);
    let was = format!(
        "Before: {counted} in {} of up-time.",
        days(exposure.before_days)
    );
    let since = |what: &str| {
        let length = days(exposure.after_days);
        format!("Since {}: {what} in {length}.", fix.are())
    };
    let so_far = |what: &str| {
        let length = days(exposure.after_days);
        format!("{what} in {length} since {}.", fix.are())
    };
    let (kind, text) = if all == 0 {
        no_incidents(&exposure, unknown_days, &fix)
    } else if after.incidents > 0 {
        let kind = if e.fewer() {
            Kind::Fewer
        } else {
            Kind::NotFixed
        };
        let lead = if kind == Kind::Fewer {
            format!(
                "Fewer, but not fixed: so few would come by chance {}.",
                chance(e.careful)
            )
        } else {
            "Not fixed:".to_string()
        };
        let so_far = so_far(&count(after.incidents, e.bursts_after));
        let next = NEXT.replace("NIC eee", &format!("{name} eee"));
        let next = next.replace("-K NIC", &format!("-K {name}"));
        let was = if before.incidents > 0 || exposure.before_days > 1.0 / 24.0 {
            was
        } else {
            "There is nothing before to compare with.".into()
        };
        (kind, format!("{lead} {so_far} {was} {next}"))
    } else if !changed {
        affected(
            all,
            before,
            unknown_days + exposure.before_days,
            history.spoken[nic],
        )
    } else if before.incidents == 0 {
        let text = format!(
            "Not known: {} came while it is not known whether {}, so there is nothing to compare with. {}",
            plural(unknown.incidents, "incident"),
            fix.were(),
            since("none")
        );
        (Kind::Unknown, text)
    } else if exposure.before_days <= 0.0 {
        let text = format!(
            "Too early to say: {} {counted} before, but the log does not tell over which up-time.",
            so_far("none")
        );
        (Kind::TooEarly, text)
    } else if e.likely_fixed() {
        let spell = if e.careful > e.plain {
            " (the last burst before the change is left out, since people act after a bad spell, and such spells end by themselves)"
        } else {
            ""
        };
        let text = format!(
            "{was} {} If nothing had changed, so long a quiet would come {}{spell}. Likely fixed.",
            since("none"),
            chance(e.careful)
        );
        (Kind::LikelyFixed, text)
    } else {
        (Kind::TooEarly, too_early(&so_far("none"), &was, &e))
    };
    let mut text = text;
    if unknown_days > 1.0 / 24.0 && kind != Kind::Unknown && all > 0 && changed {
        let other = history.stretches(nic).iter().any(Stretch::is_other);
        text += &left_out(&unknown, unknown_days, &fix, other);
    }
    Verdict {
        kind,
        text,
        before,
        after,
        unknown,
        comparison: (e.bursts_before + e.bursts_after > 0).then_some(e),
    }
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
            comparison: None,
        },
    }
}

/// What counts for neither side.
fn left_out(unknown: &Side, unknown_days: f64, fix: &Settings, other: bool) -> String {
    let what = if other {
        "something else was in force, or it is not known what".to_string()
    } else {
        format!("it is not known whether {}", fix.were())
    };
    let incidents = plural(unknown.incidents, "incident");
    format!(
        " (In {} more, with {incidents}, {what}.)",
        days(unknown_days)
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

fn no_incidents(e: &stats::Exposure, unknown_days: f64, fix: &Settings) -> (Kind, String) {
    let all = e.before_days + e.after_days + unknown_days;
    let text = if all <= 0.0 {
        "No incident in this log; over which up-time it does not tell.".to_string()
    } else if e.after_days > 0.0 && e.before_days <= 0.0 {
        format!(
            "No incident in {} of up-time, {} of it with {}. Whether there would be any without, the log cannot tell.",
            days(all),
            days(e.after_days),
            fix.name()
        )
    } else {
        let quiet = if all < 14.0 {
            " A quiet week proves nothing."
        } else {
            ""
        };
        format!("No incident in {} of up-time.{quiet}", days(all))
    };
    (Kind::NoIncidents, text)
}

fn affected(all: usize, before: Side, up_days: f64, spoken: bool) -> (Kind, String) {
    let over = if up_days > 0.0 {
        format!(" in {} of up-time", days(up_days))
    } else {
        "; over which up-time the log does not tell".into()
    };
    let why = if before.incidents > 0 {
        "What the rules want was not in force."
    } else if spoken {
        "What was in force is not known."
    } else {
        "The log has no line of unhang's: what was in force is not known."
    };
    let text = format!("Affected: {}{over}. {why}", plural(all, "incident"));
    (Kind::Affected, text)
}

fn too_early(so_far: &str, was: &str, e: &Comparison) -> String {
    let needed = e.needed.unwrap_or(f64::INFINITY);
    let reason = if e.careful <= stats::ALPHA {
        format!(
            "A quiet of {} had come before the change, too.",
            days(e.longest_quiet)
        )
    } else {
        format!(
            "If nothing had changed, so long a quiet would come {}.",
            chance(e.careful)
        )
    };
    let ask = if needed > 3650.0 {
        "So little happened before that no quiet will ever prove it.".to_string()
    } else {
        let whole = needed.ceil().max(1.0);
        let unit = if whole < 2.0 { "day" } else { "days" };
        format!("Ask again after {whole} more {unit} of up-time.")
    };
    format!("Too early to say: {so_far} {was} {reason} {ask}")
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
