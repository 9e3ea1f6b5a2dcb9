//! Names of netdev features: what people write, what the kernel calls them.
//!
//! A rule writes an offload [`Key`]: one of ethtool's short names (`tso`), a kernel name
//! (`tx-tcp6-segmentation`) or a pattern (`tx-tcp*-segmentation`). A short name *is* a
//! pattern: newer kernels have more features under it than older ones, so a key is always
//! expanded against the names that the running kernel reports, never against a list.

use std::fmt;

/// ethtool's short names and the kernel names that they stand for.
const SHORT_NAMES: [(&str, &str); 12] = [
    ("rx", "rx-checksum"),
    ("tx", "tx-checksum-*"),
    ("sg", "tx-scatter-gather*"),
    ("tso", "tx-tcp*-segmentation"),
    ("ufo", "tx-udp-fragmentation"),
    ("gso", "tx-generic-segmentation"),
    ("gro", "rx-gro"),
    ("lro", "rx-lro"),
    ("rxvlan", "rx-vlan-hw-parse"),
    ("txvlan", "tx-vlan-hw-insert"),
    ("ntuple", "rx-ntuple-filter"),
    ("rxhash", "rx-hashing"),
];

/// The headings under which `ethtool -k` shows the short names' groups.
const HEADINGS: [(&str, &str); 12] = [
    ("rx-checksumming", "rx"),
    ("tx-checksumming", "tx"),
    ("scatter-gather", "sg"),
    ("tcp-segmentation-offload", "tso"),
    ("udp-fragmentation-offload", "ufo"),
    ("generic-segmentation-offload", "gso"),
    ("generic-receive-offload", "gro"),
    ("large-receive-offload", "lro"),
    ("rx-vlan-offload", "rxvlan"),
    ("tx-vlan-offload", "txvlan"),
    ("ntuple-filters", "ntuple"),
    ("receive-hashing", "rxhash"),
];

/// Kernel names known when this was written (`netdev_features_strings`, Linux 2.6.39 to 7.2).
/// Used to recognise a misspelled name, never to decide what a kernel has.
const KERNEL_NAMES: [&str; 64] = [
    "esp-hw-offload",
    "esp-tx-csum-hw-offload",
    "fcoe-mtu",
    "highdma",
    "hsr-dup-offload",
    "hsr-fwd-offload",
    "hsr-tag-ins-offload",
    "hsr-tag-rm-offload",
    "hw-tc-offload",
    "l2-fwd-offload",
    "loopback",
    "macsec-hw-offload",
    "netns-local",
    "rx-all",
    "rx-checksum",
    "rx-fcs",
    "rx-gro",
    "rx-gro-hw",
    "rx-gro-list",
    "rx-hashing",
    "rx-lro",
    "rx-ntuple-filter",
    "rx-udp-gro-forwarding",
    "rx-udp_tunnel-port-offload",
    "rx-vlan-filter",
    "rx-vlan-hw-parse",
    "rx-vlan-stag-filter",
    "rx-vlan-stag-hw-parse",
    "tls-hw-record",
    "tls-hw-rx-offload",
    "tls-hw-tx-offload",
    "tx-checksum-fcoe-crc",
    "tx-checksum-ip-generic",
    "tx-checksum-ipv4",
    "tx-checksum-ipv6",
    "tx-checksum-sctp",
    "tx-esp-segmentation",
    "tx-fcoe-segmentation",
    "tx-generic-segmentation",
    "tx-gre-csum-segmentation",
    "tx-gre-segmentation",
    "tx-gso-list",
    "tx-gso-partial",
    "tx-gso-robust",
    "tx-ipxip4-segmentation",
    "tx-ipxip6-segmentation",
    "tx-lockless",
    "tx-nocache-copy",
    "tx-scatter-gather",
    "tx-scatter-gather-fraglist",
    "tx-sctp-segmentation",
    "tx-tcp-accecn-segmentation",
    "tx-tcp-ecn-segmentation",
    "tx-tcp-mangleid-segmentation",
    "tx-tcp-segmentation",
    "tx-tcp6-segmentation",
    "tx-tunnel-remcsum-segmentation",
    "tx-udp-fragmentation",
    "tx-udp-segmentation",
    "tx-udp_tnl-csum-segmentation",
    "tx-udp_tnl-segmentation",
    "tx-vlan-hw-insert",
    "tx-vlan-stag-hw-insert",
    "vlan-challenged",
];

/// Features whose change makes e1000e re-initialise the adapter, so that the link drops for
/// seconds (`e1000_set_features`, drivers/net/ethernet/intel/e1000e/netdev.c).
const E1000E_RESETTING: [&str; 6] = [
    "rx-all",
    "rx-checksum",
    "rx-fcs",
    "rx-hashing",
    "rx-vlan-hw-parse",
    "tx-vlan-hw-insert",
];

/// An offload key as a rule writes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(String);

impl Key {
    /// The key with this text; whether it names anything is the kernel's to say.
    pub fn new(text: impl Into<String>) -> Key {
        Key(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The kernel names that it stands for, as a pattern (a plain name is its own).
    pub fn pattern(&self) -> &str {
        let short = SHORT_NAMES.iter().find(|(name, _)| *name == self.0);
        short.map_or(&self.0, |(_, pattern)| pattern)
    }

    /// Whether the kernel's feature `name` is one of those that it stands for.
    pub fn covers(&self, name: &str) -> bool {
        fast_glob::glob_match(self.pattern(), name)
    }

    /// Whether any feature of any kernel known to this version has a name that it stands for.
    pub fn is_known(&self) -> bool {
        KERNEL_NAMES.iter().any(|name| self.covers(name))
    }

    /// Whether it stands for everything that `other` stands for, on any kernel known to this version.
    pub fn includes(&self, other: &Key) -> bool {
        let mut names = KERNEL_NAMES
            .iter()
            .filter(|name| other.covers(name))
            .peekable();
        self == other || (names.peek().is_some() && names.all(|name| self.covers(name)))
    }

    /// What may have been meant, for a key that is not known.
    pub fn suggestion(&self) -> Option<&'static str> {
        if let Some((_, short)) = HEADINGS.iter().find(|(heading, _)| *heading == self.0) {
            return Some(short);
        }
        let short = SHORT_NAMES.iter().map(|(name, _)| *name);
        nearest(&self.0.to_lowercase(), short.chain(KERNEL_NAMES))
    }

    /// Whether changing it makes e1000e drop the link for seconds.
    pub fn resets_e1000e(&self) -> bool {
        E1000E_RESETTING.iter().any(|name| self.covers(name))
    }

    /// Whether e1000e's TSO goes down with it when it is switched off: TSO needs scatter-gather
    /// and checksums (`netdev_fix_features`, net/core/dev.c).
    pub fn carries_tso(&self) -> bool {
        ["tx-scatter-gather", "tx-checksum-ip-generic"]
            .iter()
            .any(|name| self.covers(name))
    }
}

/// Names that only some of the kernels in use have: the oldest of these lack the new ones, the
/// newest lack those that are no features any more.
const NOT_IN_EVERY_KERNEL: [&str; 5] = [
    "fcoe-mtu",
    "netns-local",
    "tx-lockless",
    "tx-tcp-accecn-segmentation",
    "tx-udp-fragmentation",
];

/// Whether every kernel in use has a feature of this name.
pub fn in_every_kernel(name: &str) -> bool {
    !NOT_IN_EVERY_KERNEL.contains(&name)
}

/// The kernel names known when this was written. For what is written for a kernel that can't be
/// asked: a configuration file for another program, or for another machine.
pub fn known_names() -> &'static [&'static str] {
    &KERNEL_NAMES
}

pub fn short_names() -> impl Iterator<Item = Key> {
    SHORT_NAMES.iter().map(|(short, _)| Key::new(*short))
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `on` or `off`, as ethtool writes it.
pub fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// The candidate that a person most likely meant by `word`, if any is near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    candidates
        .into_iter()
        // The distance is at least this, and costs the product of the lengths.
        .filter(|candidate| length.abs_diff(candidate.len()) * 3 <= candidate.len().max(3))
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance * 3 <= candidate.len().max(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tso_covers_a_feature_that_only_newer_kernels_have() {
        let tso = Key::new("tso");
        for name in [
            "tx-tcp-segmentation",
            "tx-tcp-ecn-segmentation",
            "tx-tcp-mangleid-segmentation",
            "tx-tcp6-segmentation",
            "tx-tcp-accecn-segmentation",
        ] {
            assert!(tso.covers(name), "{name}");
        }
        assert!(!tso.covers("tx-udp-segmentation"));
        assert!(!tso.covers("tx-generic-segmentation"));
    }

    #[test]
    fn gro_is_rx_gro_alone() {
        let gro = Key::new("gro");
        assert!(gro.covers("rx-gro"));
        assert!(!gro.covers("rx-gro-hw"));
        assert!(!gro.covers("rx-gro-list"));
    }

    #[test]
    fn every_short_name_stands_for_something() {
        for (short, _) in SHORT_NAMES {
            assert!(Key::new(short).is_known(), "{short}");
        }
        for (heading, short) in HEADINGS {
            assert!(!Key::new(heading).is_known(), "{heading}");
            assert!(
                SHORT_NAMES.iter().any(|(name, _)| *name == short),
                "{short}"
            );
        }
    }

    #[test]
    fn a_misspelled_key_gets_a_suggestion() {
        let suggestion = |text| Key::new(text).suggestion();
        assert_eq!(suggestion("tos"), Some("tso"));
        assert_eq!(
            suggestion("tx-tcp-segmentaton"),
            Some("tx-tcp-segmentation")
        );
        assert_eq!(suggestion("tcp-segmentation-offload"), Some("tso"));
        assert_eq!(suggestion("wake-on-lan"), None);
    }

    #[test]
    fn segmentation_offloads_do_not_reset_the_adapter() {
        for key in ["tso", "gso", "gro", "sg", "tx", "lro"] {
            assert!(!Key::new(key).resets_e1000e(), "{key}");
        }
        for key in ["rx", "rxhash", "rxvlan", "txvlan", "rx-*", "rx-fcs"] {
            assert!(Key::new(key).resets_e1000e(), "{key}");
        }
    }
}
