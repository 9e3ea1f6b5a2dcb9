//! The families of settings, as data. Numbers are those of `include/uapi/linux/ethtool_netlink.h`.

use super::Value;

/// A family of ethtool's settings, in the order in which they are set: what re-initialises the
/// adapter comes last, so that all of that is one drop of the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    Coalesce,
    Wol,
    Eee,
    Pause,
    Ring,
    PrivateFlags,
}

/// What kind of value a key has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Switch,
    Number,
}

/// How a family's values stand in its messages.
pub(super) enum Layout {
    /// Each in an attribute of its own: a u8 for a switch, a u32 for a number.
    Attributes(&'static [Field]),
    /// Switches in one bitset, by name.
    Bitset(u16),
}

pub(super) struct Field {
    pub key: &'static str,
    pub attribute: u16,
    pub kind: Kind,
    /// Whether it can be set. What can't tells how things are.
    pub settable: bool,
}

pub(super) struct Data {
    /// The name of its table in a rule.
    table: &'static str,
    /// What log lines call a setting of it.
    word: &'static str,
    /// `ETHTOOL_MSG_*_GET` and `_SET`.
    pub get: u8,
    pub set: u8,
    /// `ETHTOOL_MSG_*_GET_REPLY` and `_NTF`, from the kernel.
    pub reply: u8,
    pub notification: u8,
    pub layout: Layout,
}

const fn switch(key: &'static str, attribute: u16) -> Field {
    Field {
        key,
        attribute,
        kind: Kind::Switch,
        settable: true,
    }
}

const fn number(key: &'static str, attribute: u16) -> Field {
    Field {
        kind: Kind::Number,
        ..switch(key, attribute)
    }
}

const COALESCE: Data = Data {
    table: "coalesce",
    word: "coalesce",
    get: 19,
    set: 20,
    reply: 20,
    notification: 21,
    // ETHTOOL_A_COALESCE_*, in the words of ethtool(8)
    layout: Layout::Attributes(&[
        number("rx-usecs", 2),
        number("rx-frames", 3),
        number("rx-usecs-irq", 4),
        number("rx-frames-irq", 5),
        number("tx-usecs", 6),
        number("tx-frames", 7),
        number("tx-usecs-irq", 8),
        number("tx-frames-irq", 9),
        number("stats-block-usecs", 10),
        switch("adaptive-rx", 11),
        switch("adaptive-tx", 12),
        number("pkt-rate-low", 13),
        number("rx-usecs-low", 14),
        number("rx-frames-low", 15),
        number("tx-usecs-low", 16),
        number("tx-frames-low", 17),
        number("pkt-rate-high", 18),
        number("rx-usecs-high", 19),
        number("rx-frames-high", 20),
        number("tx-usecs-high", 21),
        number("tx-frames-high", 22),
        number("sample-interval", 23),
        switch("cqe-mode-tx", 24),
        switch("cqe-mode-rx", 25),
    ]),
};

const WOL: Data = Data {
    table: "wol",
    word: "wol",
    get: 9,
    set: 10,
    reply: 9,
    notification: 10,
    layout: Layout::Bitset(2), // ETHTOOL_A_WOL_MODES
};

/// `wol_mode_names` (net/ethtool/common.c).
const WOL_MODES: [&str; 8] = [
    "magic",
    "phy",
    "ucast",
    "mcast",
    "bcast",
    "arp",
    "magicsecureon",
    "filter",
];

const EEE: Data = Data {
    table: "eee",
    word: "eee",
    get: 23,
    set: 24,
    reply: 24,
    notification: 25,
    // ETHTOOL_A_EEE_*
    layout: Layout::Attributes(&[
        Field {
            settable: false,
            ..switch("active", 4)
        },
        switch("enabled", 5),
    ]),
};

const PAUSE: Data = Data {
    table: "pause",
    word: "pause",
    get: 21,
    set: 22,
    reply: 22,
    notification: 23,
    // ETHTOOL_A_PAUSE_*
    layout: Layout::Attributes(&[switch("autoneg", 2), switch("rx", 3), switch("tx", 4)]),
};

const RING: Data = Data {
    table: "ring",
    word: "ring",
    get: 15,
    set: 16,
    reply: 16,
    notification: 17,
    // ETHTOOL_A_RINGS_*
    layout: Layout::Attributes(&[
        number("rx", 6),
        number("rx-mini", 7),
        number("rx-jumbo", 8),
        number("tx", 9),
    ]),
};

const PRIVATE_FLAGS: Data = Data {
    table: "private-flags",
    word: "private-flag",
    get: 13,
    set: 14,
    reply: 14,
    notification: 15,
    layout: Layout::Bitset(2), // ETHTOOL_A_PRIVFLAGS_FLAGS
};

impl Family {
    pub const ALL: [Family; 6] = [
        Family::Coalesce,
        Family::Wol,
        Family::Eee,
        Family::Pause,
        Family::Ring,
        Family::PrivateFlags,
    ];

    pub(super) fn data(self) -> &'static Data {
        match self {
            Family::Coalesce => &COALESCE,
            Family::Wol => &WOL,
            Family::Eee => &EEE,
            Family::Pause => &PAUSE,
            Family::Ring => &RING,
            Family::PrivateFlags => &PRIVATE_FLAGS,
        }
    }

    /// The name of its table in a rule, and in JSON.
    pub fn table(self) -> &'static str {
        self.data().table
    }

    /// The family whose table has this name.
    pub fn of_table(table: &str) -> Option<Family> {
        let of_table = |family: &Family| family.table() == table;
        Family::ALL.into_iter().find(of_table)
    }

    /// What log lines call a setting of it.
    pub fn word(self) -> &'static str {
        self.data().word
    }

    /// Whether its keys are the driver's to name.
    pub fn names_any(self) -> bool {
        self == Family::PrivateFlags
    }

    /// The keys that can be set, as far as they are the same for every driver.
    pub fn settable(self) -> impl Iterator<Item = &'static str> {
        let (fields, modes): (&[Field], &[&str]) = match (self, &self.data().layout) {
            (_, Layout::Attributes(fields)) => (fields, &[]),
            (Family::Wol, _) => (&[], &WOL_MODES),
            _ => (&[], &[]),
        };
        let fields = fields.iter().filter(|field| field.settable);
        fields.map(|field| field.key).chain(modes.iter().copied())
    }

    /// The key that can be set, if it is one only: the family's word says it.
    pub fn only_key(self) -> Option<&'static str> {
        let mut keys = self.settable();
        keys.next().filter(|_| keys.next().is_none())
    }

    /// What kind of value this key takes; `None` if there is no such key.
    pub fn kind_of(self, key: &str) -> Option<Kind> {
        match &self.data().layout {
            Layout::Attributes(fields) => {
                let mut fields = fields.iter().filter(|field| field.settable);
                fields
                    .find(|field| field.key == key)
                    .map(|field| field.kind)
            }
            Layout::Bitset(_) if self.names_any() => (!key.is_empty()).then_some(Kind::Switch),
            Layout::Bitset(_) => self
                .settable()
                .any(|mode| mode == key)
                .then_some(Kind::Switch),
        }
    }
}

impl Kind {
    /// Whether a value is of this kind.
    pub fn fits(self, value: Value) -> bool {
        matches!(
            (self, value),
            (Kind::Switch, Value::Switch(_)) | (Kind::Number, Value::Number(_))
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;

    /// The enumerators of the kernel's header, with their numbers. Newer headers have them in a
    /// file of their own.
    fn header() -> BTreeMap<String, u16> {
        let files = ["ethtool_netlink_generated.h", "ethtool_netlink.h"];
        let texts = files.map(|file| fs::read_to_string(format!("/usr/include/linux/{file}")));
        let text: String = texts.into_iter().flatten().collect();
        let mut numbers = BTreeMap::new();
        let mut next = 0;
        for line in text.lines() {
            let word = line.trim().split([',', ' ', '\t', '=']).next().unwrap();
            if line.starts_with("enum") {
                next = 0;
            } else if line.starts_with('\t') && word.starts_with("ETHTOOL_") {
                if line.contains("= 1") {
                    next = 1;
                }
                numbers.insert(word.to_owned(), next);
                next += 1;
            }
        }
        numbers
    }

    #[test]
    fn numbers_are_those_of_the_kernels_header() {
        let header = header();
        let number = |name: String| *header.get(&name).unwrap_or_else(|| panic!("{name}"));
        for family in Family::ALL {
            let data = family.data();
            let word = match family {
                Family::Coalesce => "COALESCE",
                Family::Wol => "WOL",
                Family::Eee => "EEE",
                Family::Pause => "PAUSE",
                Family::Ring => "RINGS",
                Family::PrivateFlags => "PRIVFLAGS",
            };
            let message = |what| number(format!("ETHTOOL_MSG_{word}_{what}"));
            let found = [
                message("GET"),
                message("SET"),
                message("GET_REPLY"),
                message("NTF"),
            ];
            let ours = [data.get, data.set, data.reply, data.notification];
            assert_eq!(ours.map(u16::from), found, "{family:?}");
            assert_eq!(number(format!("ETHTOOL_A_{word}_HEADER")), 1);
            match &data.layout {
                Layout::Bitset(attribute) => {
                    let name = if family == Family::Wol {
                        "MODES"
                    } else {
                        "FLAGS"
                    };
                    assert_eq!(*attribute, number(format!("ETHTOOL_A_{word}_{name}")));
                }
                Layout::Attributes(fields) => {
                    for field in *fields {
                        // ethtool(8) says "frames" and "adaptive-rx" where the kernel is longer.
                        let name = field.key.to_uppercase().replace('-', "_");
                        let name = name.replace("FRAMES", "MAX_FRAMES");
                        let name = match name.as_str() {
                            "SAMPLE_INTERVAL" => "RATE_SAMPLE_INTERVAL".into(),
                            "CQE_MODE_TX" | "CQE_MODE_RX" | "ADAPTIVE_RX" | "ADAPTIVE_TX" => {
                                format!("USE_{name}")
                            }
                            _ => name,
                        };
                        let found = number(format!("ETHTOOL_A_{word}_{name}"));
                        assert_eq!(field.attribute, found, "{family:?} {}", field.key);
                    }
                }
            }
        }
    }
}
