//! The keys of `.link` files: since which systemd, and which feature they switch.
//!
//! The table is a data file, taken from systemd.link(5) and compared with the keys that
//! systemd 252, 257 and 262 really have. An older systemd warns about a key and goes on.

use std::sync::OnceLock;

use crate::settings::Name;

const TABLE: &str = include_str!("keys.csv");

/// The section of energy-efficient Ethernet.
pub const EEE: &str = "EnergyEfficientEthernet";

/// One key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkKey {
    /// The section that it stands in.
    pub section: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The systemd version that introduced it.
    pub since: u32,
    /// The feature that it switches, as a pattern; empty for all others.
    pub feature: &'static str,
    /// The setting beside the features that it sets; empty for all others.
    pub setting: &'static str,
}

/// All keys known to this version.
pub fn all() -> &'static [LinkKey] {
    static KEYS: OnceLock<Vec<LinkKey>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#')).skip(1);
        lines.filter_map(parse_line).collect()
    })
}

/// The key of this name.
pub fn find(section: &str, name: &str) -> Option<&'static LinkKey> {
    all()
        .iter()
        .find(|key| key.section == section && key.name == name)
}

/// The keys that switch features, in the order in which they are written.
pub fn of_features() -> impl Iterator<Item = &'static LinkKey> {
    all().iter().filter(|key| !key.feature.is_empty())
}

/// The key that sets this setting.
pub fn of_setting(name: &Name) -> Option<&'static LinkKey> {
    let name = name.to_string();
    all().iter().find(|key| key.setting == name)
}

/// Whether the values of this key of [Link] add up until an empty one.
pub fn is_list(name: &str) -> bool {
    [
        "AlternativeName",
        "Property",
        "ImportProperty",
        "UnsetProperty",
        "Advertise",
        "WakeOnLan",
        "ReceivePacketSteeringCPUMask",
        "IRQAffinity",
    ]
    .contains(&name)
}

fn parse_line(line: &'static str) -> Option<LinkKey> {
    let mut fields = line.split(',');
    Some(LinkKey {
        section: fields.next()?,
        name: fields.next()?,
        since: fields.next()?.parse().ok()?,
        feature: fields.next()?,
        setting: fields.next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Key, known_names};
    use crate::settings::Family;

    #[test]
    fn every_line_of_the_table_is_a_key() {
        assert_eq!(all().len(), TABLE.lines().count() - 2);
        assert_eq!(
            find("Link", "TCP6SegmentationOffload").map(|k| k.since),
            Some(235)
        );
        assert_eq!(find("Link", "Driver"), None);
    }

    #[test]
    fn every_setting_of_the_table_is_one_of_ours() {
        let of_settings = all().iter().filter(|key| !key.setting.is_empty());
        for key in of_settings {
            let name: Name = key.setting.parse().unwrap();
            assert_eq!(of_setting(&name), Some(key));
        }
        let without: Vec<Name> = [Family::Eee, Family::Pause, Family::Ring, Family::Coalesce]
            .into_iter()
            .flat_map(|family| family.settable().map(move |key| Name::new(family, key)))
            .filter(|name| of_setting(name).is_none())
            .collect();
        assert!(
            without.iter().all(|name| name.key.starts_with("cqe-mode")),
            "{without:?}"
        );
    }

    #[test]
    fn every_feature_of_the_table_is_one_of_the_kernels() {
        for key in of_features() {
            assert!(Key::new(key.feature).is_known(), "{}", key.feature);
        }
        let covered = |name: &&&str| of_features().any(|key| Key::new(key.feature).covers(name));
        assert!(known_names().iter().filter(covered).count() > 20);
    }
}
