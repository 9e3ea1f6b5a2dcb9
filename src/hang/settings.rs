//! What unhang has set on a NIC, as one of our lines lists it; and how it is called.

use crate::features::{on_off, short_names};
use crate::log::{Part, ValuePart};
use crate::text::printable;

/// Keys with the values that they were set to: what is off first, then what is on, in
/// ethtool's order; then all other values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(Vec<(String, String)>);

impl Settings {
    /// What the line says is as the rules want it.
    pub(super) fn of(parts: &[Part]) -> Settings {
        let mut all = Settings::default();
        for part in parts {
            match part {
                Part::Changed(keys, on) | Part::Already(keys, on) | Part::Secured(keys, on) => {
                    let value =
                        |key: &String| (printable(key).into_owned(), on_off(*on).to_owned());
                    all.0.extend(keys.iter().map(value));
                }
                Part::Value(
                    ValuePart::Changed(name, value, _) | ValuePart::Already(name, value),
                ) => {
                    let name = name.to_string();
                    all.0
                        .push((printable(&name).into_owned(), value.to_string()));
                }
                _ => {}
            }
        }
        all.sorted()
    }

    /// These, but for what `later` sets, and without the keys in `lost`.
    #[must_use]
    pub fn then(&self, later: &Settings, lost: &[String]) -> Settings {
        let mut all = later.clone();
        let kept = |(key, _): &&(String, String)| {
            !lost.contains(key) && !later.0.iter().any(|(other, _)| other == key)
        };
        all.0.extend(self.0.iter().filter(kept).cloned());
        all.sorted()
    }

    fn sorted(mut self) -> Settings {
        let place = |key: &str| short_names().position(|name| name.as_str() == key);
        self.0.sort_by_cached_key(|(key, value)| {
            let group = match value.as_str() {
                "off" => 0,
                "on" => 1,
                _ => 2,
            };
            (group, place(key).unwrap_or(usize::MAX), key.clone())
        });
        self
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// "tso gso off, gro on, ring rx 512".
    pub fn name(&self) -> String {
        let groups = self.0.chunk_by(|(_, one), (_, other)| one == other);
        let groups = groups.map(|group| {
            let keys: Vec<&str> = group.iter().map(|(key, _)| key.as_str()).collect();
            format!("{} {}", keys.join(" "), group[0].1)
        });
        groups.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Value;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(String::from).collect()
    }

    #[test]
    fn settings_are_called_alike_however_the_line_lists_them() {
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
        assert_eq!(Settings::default().name(), "");
    }

    #[test]
    fn what_a_line_does_not_list_stays_unless_it_is_lost() {
        let three = Settings::of(&[Part::Changed(words("tso gso gro"), false)]);
        let later = Settings::of(&[
            Part::Changed(words("rx"), false),
            Part::Changed(words("gro"), true),
        ]);
        let both = three.then(&later, &words("gso"));
        assert_eq!(both.name(), "rx tso off, gro on");
    }

    #[test]
    fn values_other_than_on_and_off_have_a_name_too() {
        let [off, on] = [false, true].map(Value::Switch);
        let part =
            |name: &str, is, was| Part::Value(ValuePart::Changed(name.parse().unwrap(), is, was));
        let settings = Settings::of(&[
            part("ring rx", Value::Number(512), Value::Number(256)),
            part("eee", off, on),
        ]);
        assert_eq!(settings.name(), "eee off, ring rx 512");
    }
}
