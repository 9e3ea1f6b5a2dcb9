//! The parts of a log line: each is one thing that is said of a NIC.

use std::fmt;
use std::time::Duration;

use super::trial::TrialPart;
use super::value::{ValuePart, one_part};
use crate::apply::{KeyOutcome, KeyResult};
use crate::features::on_off;

const UNSAVED: &str = "original settings not saved: ";
const SENT: &str = " bytes sent";
const STALLED: &str = "stalled: nothing transmitted for ";

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// `tso gso gro off (were on)`: switched.
    Changed(Vec<String>, bool),
    /// `tso gso gro already off`.
    Already(Vec<String>, bool),
    /// `tso stays off (on was requested)`: off for the moment before, off for good now.
    Secured(Vec<String>, bool),
    /// `tso still on (fixed: tx-tcp6-segmentation)`: not as wanted, with the reason and the features.
    Still {
        keys: Vec<String>,
        /// What they are, against the rule.
        on: bool,
        /// `fixed` or `refused`.
        reason: String,
        features: Vec<String>,
    },
    /// `ufo unknown to this kernel`.
    Unknown(Vec<String>),
    /// `eee off (was on)`: about a setting beside the offloads.
    Value(ValuePart),
    /// `also tx-tcp-mangleid-segmentation off`: changed without having been asked for.
    Also(String, bool),
    /// `original settings not saved: …`: the reason why 'unhang revert' can't restore them.
    Unsaved(String),
    /// `wedged after 2 hang blocks (offloads in force)`, or `(offloads not in force)`.
    Wedged {
        blocks: u32,
        /// Whether all that the rules want was so.
        in_force: bool,
    },
    /// `storm of 3 hangs within 24 s (offloads in force)`: hang and reset in quick turns.
    Storm {
        hangs: u32,
        seconds: u64,
        in_force: bool,
    },
    /// `recovery 1: autonegotiation restarted`: the number in this incident, and what was done.
    Recovery(u32, String),
    /// `link up 1.4 s after recovery 1`.
    Back {
        /// Tenths of a second since the recovery.
        tenths: u64,
        /// The recovery's number in this incident.
        recovery: u32,
    },
    /// `stalled: nothing transmitted for 15 s while 12 packets wait`
    Stalled { seconds: u64, waiting: u32 },
    /// `123456789 bytes sent`: ever, by the NIC's own count.
    Sent(u64),
    /// `left alone: …`: the reason why nothing more is done.
    Left(String),
    /// `trial eee off started (5.8 days)`
    Trial(TrialPart),
    /// `exhausted: link down for 60 s …`: what a rule has done then.
    Exhausted(String),
    /// `not changed: …`: the reason why nothing could be done.
    Failed(String),
}

impl Part {
    pub(super) fn of(outcome: &KeyOutcome) -> Part {
        let keys = vec![outcome.key.to_string()];
        let still = |reason: &str, features: &[String]| Part::Still {
            keys: vec![outcome.key.to_string()],
            on: !outcome.on,
            reason: reason.to_owned(),
            features: features.to_vec(),
        };
        match &outcome.result {
            KeyResult::AlreadyRight => Part::Already(keys, outcome.on),
            KeyResult::Changed => Part::Changed(keys, outcome.on),
            KeyResult::Secured => Part::Secured(keys, outcome.on),
            KeyResult::Fixed(features) => still("fixed", features),
            KeyResult::Refused(features) => still("refused", features),
            KeyResult::Missing => Part::Unknown(keys),
        }
    }

    /// This part's keys, if `other` says the same of its own.
    pub(super) fn keys_if_alike(&mut self, other: &Part) -> Option<&mut Vec<String>> {
        match (self, other) {
            (Part::Changed(keys, on), Part::Changed(_, other))
            | (Part::Already(keys, on), Part::Already(_, other))
            | (Part::Secured(keys, on), Part::Secured(_, other))
                if on == other =>
            {
                Some(keys)
            }
            (Part::Unknown(keys), Part::Unknown(_)) => Some(keys),
            _ => None,
        }
    }

    /// Whether it says that something is not as the rules want it.
    pub fn is_amiss(&self) -> bool {
        match self {
            Part::Still { .. } | Part::Unknown(_) | Part::Failed(_) => true,
            Part::Value(value) => !value.is_right(),
            _ => false,
        }
    }

    pub(super) fn parse(text: &str) -> Option<Part> {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        if let Some(keys) = text.strip_suffix(" unknown to this kernel") {
            return Some(Part::Unknown(words(keys)));
        }
        if let Some(rest) = text.strip_prefix("also ") {
            let (feature, on) = strip_on_off(rest)?;
            return Some(Part::Also(feature.to_owned(), on));
        }
        if let Some(trial) = TrialPart::parse(text) {
            return Some(Part::Trial(trial));
        }
        if let Some(part) = Part::parse_recovery(text) {
            return Some(part);
        }
        if let Some(value) = ValuePart::parse(text) {
            return Some(Part::Value(value));
        }
        let Some((said, remark)) = text.split_once(" (") else {
            let (said, on) = strip_on_off(text)?;
            return Some(Part::Already(words(said.strip_suffix(" already")?), on));
        };
        let (said, on) = strip_on_off(said)?;
        let remark = remark.strip_suffix(')')?;
        if let Some(keys) = said.strip_suffix(" still") {
            let (reason, features) = remark.split_once(": ")?;
            return Some(Part::Still {
                keys: words(keys),
                on,
                reason: reason.to_owned(),
                features: words(features),
            });
        }
        if let Some(keys) = said
            .strip_suffix(" stays")
            .or_else(|| said.strip_suffix(" stay"))
        {
            return Some(Part::Secured(words(keys), on));
        }
        let was = remark
            .strip_prefix("was ")
            .or_else(|| remark.strip_prefix("were "))?;
        (was == on_off(!on)).then(|| Part::Changed(words(said), on))
    }
}

impl Part {
    pub fn back(since: Duration, recovery: u32) -> Part {
        let tenths = u64::try_from(since.as_millis() / 100).unwrap_or(u64::MAX);
        Part::Back { tenths, recovery }
    }

    fn parse_recovery(text: &str) -> Option<Part> {
        if let Some(reason) = text.strip_prefix(UNSAVED) {
            return Some(Part::Unsaved(reason.to_owned()));
        }
        if let Some(bytes) = text.strip_suffix(SENT) {
            return Some(Part::Sent(bytes.parse().ok()?));
        }
        if let Some(reason) = text.strip_prefix("left alone: ") {
            return Some(Part::Left(reason.to_owned()));
        }
        if let Some(what) = text.strip_prefix("exhausted: ") {
            return Some(Part::Exhausted(what.to_owned()));
        }
        if let Some(rest) = text.strip_prefix("recovery ") {
            let (number, what) = rest.split_once(": ")?;
            return Some(Part::Recovery(number.parse().ok()?, what.to_owned()));
        }
        if let Some(rest) = text.strip_prefix("link up ") {
            let (seconds, recovery) = rest.split_once(" s after recovery ")?;
            let (whole, tenth) = seconds.split_once('.')?;
            let tenths = whole.parse::<u64>().ok()? * 10 + tenth.parse::<u64>().ok()?;
            return Some(Part::Back {
                tenths,
                recovery: recovery.parse().ok()?,
            });
        }
        if let Some(rest) = text.strip_prefix(STALLED) {
            let (seconds, rest) = rest.split_once(" s while ")?;
            return Some(Part::Stalled {
                seconds: seconds.parse().ok()?,
                waiting: rest.strip_suffix(" packets wait")?.parse().ok()?,
            });
        }
        let (said, remark) = text.split_once(" (offloads ")?;
        let in_force = match remark {
            "in force)" => true,
            "not in force)" => false,
            _ => return None,
        };
        if let Some(rest) = said.strip_prefix("storm of ") {
            let (hangs, seconds) = rest.split_once(" hangs within ")?;
            return Some(Part::Storm {
                hangs: hangs.parse().ok()?,
                seconds: seconds.strip_suffix(" s")?.parse().ok()?,
                in_force,
            });
        }
        let rest = said.strip_prefix("wedged after ")?;
        let blocks = rest.strip_suffix(" hang blocks")?;
        Some(Part::Wedged {
            blocks: blocks.parse().ok()?,
            in_force,
        })
    }
}

fn force(in_force: bool) -> &'static str {
    if in_force {
        "offloads in force"
    } else {
        "offloads not in force"
    }
}

fn strip_on_off(text: &str) -> Option<(&str, bool)> {
    let (rest, word) = text.rsplit_once(' ')?;
    match word {
        "on" => Some((rest, true)),
        "off" => Some((rest, false)),
        _ => None,
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |keys: &[String], one, more| if keys.len() == 1 { one } else { more };
        match self {
            Part::Changed(keys, on) => {
                let were = number(keys, "was", "were");
                write!(
                    f,
                    "{} {} ({were} {})",
                    keys.join(" "),
                    on_off(*on),
                    on_off(!on)
                )
            }
            Part::Already(keys, on) => write!(f, "{} already {}", keys.join(" "), on_off(*on)),
            Part::Secured(keys, on) => {
                let stay = number(keys, "stays", "stay");
                write!(
                    f,
                    "{} {stay} {} ({} was requested)",
                    keys.join(" "),
                    on_off(*on),
                    on_off(!on)
                )
            }
            Part::Still {
                keys,
                on,
                reason,
                features,
            } => {
                write!(
                    f,
                    "{} still {} ({reason}: {})",
                    keys.join(" "),
                    on_off(*on),
                    features.join(" ")
                )
            }
            Part::Unknown(keys) => write!(f, "{} unknown to this kernel", keys.join(" ")),
            Part::Value(value) => value.fmt(f),
            Part::Trial(trial) => trial.fmt(f),
            Part::Unsaved(reason) => write!(f, "{UNSAVED}{}", one_part(reason)),
            Part::Also(feature, on) => write!(f, "also {feature} {}", on_off(*on)),
            Part::Wedged { blocks, in_force } => {
                write!(
                    f,
                    "wedged after {blocks} hang blocks ({})",
                    force(*in_force)
                )
            }
            Part::Storm {
                hangs,
                seconds,
                in_force,
            } => write!(
                f,
                "storm of {hangs} hangs within {seconds} s ({})",
                force(*in_force)
            ),
            Part::Recovery(number, what) => write!(f, "recovery {number}: {}", one_part(what)),
            Part::Back { tenths, recovery } => {
                write!(
                    f,
                    "link up {}.{} s after recovery {recovery}",
                    tenths / 10,
                    tenths % 10
                )
            }
            Part::Stalled { seconds, waiting } => {
                write!(f, "{STALLED}{seconds} s while {waiting} packets wait")
            }
            Part::Sent(bytes) => write!(f, "{bytes}{SENT}"),
            Part::Left(reason) => write!(f, "left alone: {}", one_part(reason)),
            Part::Exhausted(what) => write!(f, "exhausted: {}", one_part(what)),
            Part::Failed(reason) => write!(f, "not changed: {}", reason.replace("; ", ", ")),
        }
    }
}
