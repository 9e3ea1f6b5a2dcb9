//! What the rules had set on a NIC, as one of our lines lists it; and how it is called.

use crate::features::short_names;
use crate::log::Part;
use crate::text::printable;

/// Offload keys with what they were set to: those that are off first, in ethtool's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(Vec<(String, bool)>);

impl Settings {
    /// What the line says is as the rules want it.
    pub(super) fn of(parts: &[Part]) -> Settings {
        let mut all: Vec<(String, bool)> = Vec::new();
        for part in parts {
            if let Part::Changed(keys, on) | Part::Already(keys, on) | Part::Secured(keys, on) =
                part
            {
                all.extend(keys.iter().map(|key| (printable(key).into_owned(), *on)));
            }
        }
        let place = |key: &str| short_names().position(|name| name.as_str() == key);
        all.sort_by_cached_key(|(key, on)| (*on, place(key).unwrap_or(usize::MAX), key.clone()));
        Settings(all)
    }

    /// Are all of `other` among these?
    pub fn include(&self, other: &Settings) -> bool {
        other.0.iter().all(|setting| self.0.contains(setting))
    }

    /// "tso gso off, gro on".
    pub fn name(&self) -> String {
        self.said("", "", ", ")
    }

    /// "tso gso are off and gro is on".
    pub fn are(&self) -> String {
        self.said(" is", " are", " and ")
    }

    /// "tso gso were off and gro was on".
    pub fn were(&self) -> String {
        self.said(" was", " were", " and ")
    }

    /// The keys, where all of them are off: then the opposite has a name, too.
    pub fn all_off(&self) -> Option<String> {
        let off = self.0.iter().all(|(_, on)| !on);
        off.then(|| self.keys(false))
    }

    /// "tso gso gro off", "tso gso gro on", "tso gso gro not known".
    pub fn state(&self, in_force: Option<bool>) -> String {
        let (what, with, without) = match self.all_off() {
            Some(keys) => (keys, "off", "on"),
            None => (format!("{}:", self.name()), "in force", "not in force"),
        };
        let state = in_force.map_or("not known", |yes| if yes { with } else { without });
        format!("{what} {state}")
    }

    fn keys(&self, on: bool) -> String {
        let keys = self.0.iter().filter(|(_, is)| *is == on);
        let keys: Vec<&str> = keys.map(|(key, _)| key.as_str()).collect();
        keys.join(" ")
    }

    fn said(&self, one: &str, more: &str, and: &str) -> String {
        let groups = [(false, "off"), (true, "on")]
            .into_iter()
            .filter_map(|(on, word)| {
                let verb = match self.0.iter().filter(|(_, is)| *is == on).count() {
                    0 => return None,
                    1 => one,
                    _ => more,
                };
                Some(format!("{}{verb} {word}", self.keys(on)))
            });
        groups.collect::<Vec<_>>().join(and)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_called_alike_however_the_line_lists_them() {
        let words = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
        let one = Settings::of(&[
            Part::Already(words("gro"), true),
            Part::Changed(words("gso tso"), false),
        ]);
        let other = Settings::of(&[
            Part::Changed(words("tso"), false),
            Part::Already(words("gso"), false),
            Part::Secured(words("gro"), true),
        ]);
        assert_eq!(one, other);
        assert_eq!(one.name(), "tso gso off, gro on");
        assert_eq!(one.are(), "tso gso are off and gro is on");
        assert_eq!(one.were(), "tso gso were off and gro was on");
        assert_eq!(one.state(Some(false)), "tso gso off, gro on: not in force");
        let rx = Settings::of(&[Part::Changed(words("rx"), false)]);
        assert_eq!(
            (rx.are(), rx.state(None)),
            ("rx is off".into(), "rx not known".into())
        );
    }
}
