//! The one setting that a trial is about, as the command line, a rule and a log line have it.

use std::fmt;
use std::str::FromStr;

use crate::features::{Key, on_off};
use crate::rules::Rule;
use crate::settings::{Family, Name, Value};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    Offload(Key, bool),
    Other(Name, Value),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotASetting(String);

/// `tso=on`, `eee=off`, `ring.rx=512`
impl FromStr for Setting {
    type Err = NotASetting;

    fn from_str(text: &str) -> Result<Setting, NotASetting> {
        let wrong = |why: String| Err(NotASetting(format!("'{text}' is no setting: {why}")));
        let Some((name, value)) = text.split_once('=') else {
            return wrong("write one such as eee=off, tso=on or ring.rx=512".into());
        };
        let Ok(value) = value.parse::<Value>() else {
            return wrong("write on, off or a number after the '='".into());
        };
        let (word, key) = name.split_once('.').unwrap_or((name, ""));
        let called = |family: &Family| family.word() == word || family.table() == word;
        if let Some(family) = Family::ALL.into_iter().find(called) {
            let key = if key.is_empty() {
                family.only_key().unwrap_or_default()
            } else {
                key
            };
            let flag = |c: char| c.is_ascii_alphanumeric() || "-_.:+/".contains(c);
            return match family.kind_of(key).filter(|_| key.chars().all(flag)) {
                Some(kind) if kind.fits(value) => Ok(Setting::Other(Name::new(family, key), value)),
                Some(_) => wrong(format!("{name} takes another kind of value")),
                None => {
                    let keys: Vec<&str> = family.settable().collect();
                    wrong(format!("{word} has {}", keys.join(", ")))
                }
            };
        }
        let key = Key::new(name);
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_*?[]".contains(c);
        if !name.chars().all(allowed) {
            return wrong("write one such as eee=off, tso=on or ring.rx=512".into());
        }
        match value {
            Value::Switch(on) if key.is_known() => Ok(Setting::Offload(key, on)),
            Value::Number(_) if key.is_known() => wrong("an offload is on or off".into()),
            _ => match key.suggestion() {
                Some(meant) => wrong(format!("did you mean '{meant}'?")),
                None => wrong("write one such as eee=off, tso=on or ring.rx=512".into()),
            },
        }
    }
}

impl Setting {
    /// What a rule sets, if that is one thing.
    pub fn of(rule: &Rule) -> Option<Setting> {
        match (&rule.offload[..], &rule.values[..]) {
            ([wanted], []) => Some(Setting::Offload(wanted.key.clone(), wanted.on)),
            ([], [wanted]) => Some(Setting::Other(wanted.name.clone(), wanted.value)),
            _ => None,
        }
    }

    /// Its name and its value, as log lines have them.
    pub fn name(&self) -> String {
        match self {
            Setting::Offload(key, _) => key.to_string(),
            Setting::Other(name, _) => name.to_string(),
        }
    }

    pub fn value(&self) -> String {
        match self {
            Setting::Offload(_, on) => on_off(*on).to_owned(),
            Setting::Other(_, value) => value.to_string(),
        }
    }

    /// For names of rules and files.
    pub(super) fn slug(&self) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        self.to_string().replace(|c| !plain(c), "-")
    }

    /// Its table in a rule.
    pub(super) fn toml(&self) -> String {
        match self {
            Setting::Offload(key, on) => format!("[rule.offload]\n\"{key}\" = {on}\n"),
            Setting::Other(name, value) => {
                let value = match value {
                    Value::Switch(on) => on.to_string(),
                    Value::Number(number) => number.to_string(),
                };
                format!(
                    "[rule.{}]\n\"{}\" = {value}\n",
                    name.family.table(),
                    name.key
                )
            }
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name(), self.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_setting_says_what_to_write() {
        for (text, why) in [
            ("eee", "write one such as"),
            ("eee=maybe", "write on, off or a number"),
            ("eee=7", "eee takes another kind of value"),
            ("ring=7", "ring has rx,"),
            ("ring.rxx=7", "ring has rx,"),
            ("private-flag.a\"b=on", "private-flag has"),
            ("tso=7", "an offload is on or off"),
            ("{tso,\"}=on", "write one such as"),
            ("tcp-segmentation-offload=on", "did you mean 'tso'?"),
        ] {
            let error = text.parse::<Setting>().unwrap_err().to_string();
            assert!(error.contains(&format!("is no setting: {why}")), "{error}");
        }
    }
}
