//! What a log line says of a setting beside the offloads.

use std::fmt;

use crate::apply::ValueOutcome;
use crate::plan::Is;
use crate::settings::{Family, Name, Value};

const NOT_SUPPORTED: &str = "not supported by this NIC";

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValuePart {
    /// `ring rx 512 (was 256)`
    Changed(Name, Value, Value),
    /// `ring rx already 512`
    Already(Name, Value),
    /// `ring rx still 256 (refused: Invalid argument)`: not as wanted, and why.
    Still(Name, Value, String),
    /// `eee off (not supported by this NIC)`: as wanted. A setting, or all of a family.
    OffAnyway(String),
    /// `ring not supported by this NIC`: not as wanted. A setting, or all of a family.
    Unsupported(String),
    /// `wol magic unknown (the kernel does not permit it)`: it could not be read, and why.
    Unread(Name, String),
}

impl ValuePart {
    pub(super) fn of(outcome: &ValueOutcome) -> ValuePart {
        let name = outcome.name.clone();
        match (&outcome.was, &outcome.is) {
            (Is::Value(was), Is::Value(is)) if outcome.is_right() && was == is => {
                ValuePart::Already(name, *is)
            }
            (Is::Value(was), Is::Value(is)) if outcome.is_right() => {
                ValuePart::Changed(name, *is, *was)
            }
            (_, Is::Value(is)) => {
                let refused = outcome.refused.as_ref();
                let why = match refused {
                    Some(why) => format!("refused: {why}"),
                    None => format!("{} does not last", outcome.wanted),
                };
                ValuePart::Still(name, *is, one_part(&why))
            }
            (_, Is::NoFamily | Is::NoKey) => {
                let what = match outcome.is {
                    Is::NoFamily => name.family.word().to_owned(),
                    _ => name.to_string(),
                };
                if outcome.wanted == Value::Switch(false) {
                    ValuePart::OffAnyway(what)
                } else {
                    ValuePart::Unsupported(what)
                }
            }
            (_, Is::Unread(error)) => ValuePart::Unread(name, one_part(&error.to_string())),
        }
    }

    /// Whether it is as wanted.
    pub fn is_right(&self) -> bool {
        matches!(
            self,
            ValuePart::Changed(..) | ValuePart::Already(..) | ValuePart::OffAnyway(_)
        )
    }

    pub(super) fn parse(text: &str) -> Option<ValuePart> {
        let is_what = |what: &&str| {
            what.parse::<Name>().is_ok() || Family::ALL.iter().any(|family| family.word() == *what)
        };
        if let Some(rest) = text.strip_suffix(NOT_SUPPORTED) {
            let what = rest.strip_suffix(' ').filter(is_what)?;
            return Some(ValuePart::Unsupported(what.to_owned()));
        }
        let Some((said, remark)) = text.split_once(" (") else {
            let (name, value) = text.rsplit_once(" already ")?;
            return Some(ValuePart::Already(name.parse().ok()?, value.parse().ok()?));
        };
        let remark = remark.strip_suffix(')')?;
        if remark == NOT_SUPPORTED {
            let what = said.strip_suffix(" off").filter(is_what)?;
            return Some(ValuePart::OffAnyway(what.to_owned()));
        }
        let (name, value) = said.rsplit_once(' ')?;
        if value == "unknown" {
            return Some(ValuePart::Unread(name.parse().ok()?, remark.to_owned()));
        }
        let value = value.parse().ok()?;
        if let Some(name) = name.strip_suffix(" still") {
            return Some(ValuePart::Still(
                name.parse().ok()?,
                value,
                remark.to_owned(),
            ));
        }
        let was = remark.strip_prefix("was ")?.parse().ok()?;
        Some(ValuePart::Changed(name.parse().ok()?, value, was))
    }
}

impl fmt::Display for ValuePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValuePart::Changed(name, value, was) => write!(f, "{name} {value} (was {was})"),
            ValuePart::Already(name, value) => write!(f, "{name} already {value}"),
            ValuePart::Still(name, value, why) => write!(f, "{name} still {value} ({why})"),
            ValuePart::OffAnyway(what) => write!(f, "{what} off ({NOT_SUPPORTED})"),
            ValuePart::Unsupported(what) => write!(f, "{what} {NOT_SUPPORTED}"),
            ValuePart::Unread(name, why) => write!(f, "{name} unknown ({why})"),
        }
    }
}

/// A text from elsewhere, such as an error's, without what separates parts and clauses.
pub(super) fn one_part(text: &str) -> String {
    text.replace([',', ';'], "")
}
