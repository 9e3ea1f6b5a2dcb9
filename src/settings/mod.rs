//! Settings beside the offloads: one value of one family of ethtool's netlink interface.
//!
//! A [`Family`] is data ([`families`]): its numbers, its keys and their kinds. One codec
//! ([`message`]) reads and writes all of them, on the parts that every message of that
//! interface has ([`wire`]). A setting is called by its [`Name`], in rules, log lines and saved
//! states alike.

mod families;
pub mod message;
pub(crate) mod wire;

pub use families::{Family, Kind};

use std::fmt;
use std::str::FromStr;

/// A setting's name: `eee`, `ring rx`, `private-flag disable-k1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    pub family: Family,
    /// ethtool's word for it, or the driver's for a private flag.
    pub key: String,
}

/// What a setting is, or shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Value {
    Switch(bool),
    Number(u32),
}

/// What the kernel says of one family of one NIC. A key that is not there is one that the driver
/// does not have.
pub type Reading = Vec<(String, Value)>;

impl Name {
    pub fn new(family: Family, key: impl Into<String>) -> Name {
        let key = key.into();
        Name { family, key }
    }

    /// What it is in a reading of its family.
    pub fn of(&self, reading: &Reading) -> Option<Value> {
        let mut found = reading.iter().filter(|(key, _)| *key == self.key);
        found.next().map(|(_, value)| *value)
    }

    /// What e1000e makes of this value, which it then reports for ever.
    pub fn made_of(&self, wanted: Value) -> Value {
        match (self.family, self.key.as_str(), wanted) {
            // e1000_set_coalesce: it keeps interrupts a second, a multiple of 4.
            (Family::Coalesce, "rx-usecs", Value::Number(usecs @ 10..=10000)) => {
                Value::Number(1_000_000 / ((1_000_000 / usecs) & !3))
            }
            // e1000_set_ringparam, REQ_TX_DESCRIPTOR_MULTIPLE
            (Family::Ring, "rx" | "tx", Value::Number(size @ 0..=4096)) => {
                Value::Number(size.max(64).next_multiple_of(8))
            }
            _ => wanted,
        }
    }

    /// Whether changing it makes e1000e re-initialise the adapter, so that the link drops for about
    /// three seconds. Pause does with autonegotiation on only; that may have changed meanwhile.
    pub fn drops_link(&self) -> bool {
        match self.family {
            Family::Eee | Family::Pause | Family::Ring => true,
            Family::Coalesce | Family::Wol => false,
            Family::PrivateFlags => self.key != "s0ix-enabled",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.family.word())?;
        if self.family.only_key() == Some(&self.key) {
            return Ok(());
        }
        write!(f, " {}", self.key)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is neither the name nor the value of a setting")]
pub struct NotASetting;

impl FromStr for Name {
    type Err = NotASetting;

    fn from_str(text: &str) -> Result<Name, NotASetting> {
        let (word, key) = text.split_once(' ').unwrap_or((text, ""));
        let of_word = |family: &Family| family.word() == word;
        let family = Family::ALL.into_iter().find(of_word).ok_or(NotASetting)?;
        let key = match family.only_key() {
            Some(only) if key.is_empty() => only,
            _ => key,
        };
        let named = family.only_key().is_none() == text.contains(' ');
        if named && family.kind_of(key).is_some() {
            Ok(Name::new(family, key))
        } else {
            Err(NotASetting)
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Switch(true) => f.write_str("on"),
            Value::Switch(false) => f.write_str("off"),
            Value::Number(number) => write!(f, "{number}"),
        }
    }
}

impl FromStr for Value {
    type Err = NotASetting;

    fn from_str(text: &str) -> Result<Value, NotASetting> {
        match text {
            "on" => Ok(Value::Switch(true)),
            "off" => Ok(Value::Switch(false)),
            _ if text.starts_with('+') => Err(NotASetting),
            _ => text.parse().map(Value::Number).map_err(|_| NotASetting),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_every_family_is_read_as_it_is_written() {
        for family in Family::ALL {
            let keys: Vec<&str> = family.settable().collect();
            for key in keys
                .into_iter()
                .chain(family.names_any().then_some("VF true"))
            {
                let name = Name::new(family, key);
                assert_eq!(name.to_string().parse(), Ok(name));
            }
        }
        let text = |family, key| Name::new(family, key).to_string();
        assert_eq!(text(Family::Eee, "enabled"), "eee");
        assert_eq!(text(Family::Ring, "rx"), "ring rx");
        let k1 = text(Family::PrivateFlags, "disable-k1");
        assert_eq!(k1, "private-flag disable-k1");
        for not_one in [
            "",
            "eee ",
            "eee enabled",
            "eee active",
            "ring",
            "ring rxx",
            "tso",
            "wol ",
        ] {
            assert_eq!(not_one.parse::<Name>(), Err(NotASetting), "{not_one}");
        }
    }

    #[test]
    fn what_the_driver_makes_of_a_number_it_leaves_as_it_is() {
        let made = |name: &str, number| {
            let name: Name = name.parse().unwrap();
            match name.made_of(Value::Number(number)) {
                Value::Number(made) => made,
                Value::Switch(_) => panic!("{name} is a number"),
            }
        };
        let usecs = [0, 2, 3, 10, 3000, 10_000, 20_000];
        let made_of = usecs.map(|usecs| made("coalesce rx-usecs", usecs));
        assert_eq!(made_of, [0, 2, 3, 10, 3012, 10_000, 20_000]);
        let sizes = [0, 64, 100, 256, 4095, 9999].map(|size| made("ring rx", size));
        assert_eq!(sizes, [64, 64, 104, 256, 4096, 9999]);
        for usecs in 10..=10_000 {
            let once = made("coalesce rx-usecs", usecs);
            assert!(once >= usecs);
            if once <= 10_000 {
                assert_eq!(made("coalesce rx-usecs", once), once, "{usecs}");
            }
        }
    }

    #[test]
    fn values_are_read_as_they_are_written() {
        for value in [true, false]
            .map(Value::Switch)
            .into_iter()
            .chain([0, u32::MAX].map(Value::Number))
        {
            assert_eq!(value.to_string().parse(), Ok(value));
        }
        for not_one in ["", "On", "-1", "+1", "4294967296", "1 "] {
            assert_eq!(not_one.parse::<Value>(), Err(NotASetting), "{not_one}");
        }
    }
}
