//! Bytes from a real kernel, bytes from a kernel played here, and bytes from nowhere.

use std::fs;
use std::path::Path;

use netlink_packet_core::{
    DecodeError, Emitable, NetlinkMessage, NetlinkPayload, NlasIterator, ParseableParametrized,
};
use netlink_packet_generic::{GenlFamily, GenlHeader, GenlMessage};
use proptest::prelude::*;

use super::*;
use crate::settings::wire::{
    BIT_NAME, BIT_VALUE, BITS_BIT, BITSET_BITS, HEADER_DEV_INDEX, HEADER_DEV_NAME,
};

/// A netlink message as the kernel sent it, see tests/data/features/README.
fn captured(name: &str) -> Vec<u8> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/features");
    fs::read(dir.join(name)).unwrap()
}

/// The whole way from a datagram to a message.
fn receive(datagram: &[u8]) -> FeaturesMessage {
    let message = NetlinkMessage::<GenlMessage<FeaturesMessage>>::deserialize(datagram).unwrap();
    let NetlinkPayload::InnerMessage(message) = message.payload else {
        panic!("{:?} is no message of a family", message.payload);
    };
    message.payload
}

fn parse(cmd: u8, payload: &[u8]) -> Result<FeaturesMessage, DecodeError> {
    FeaturesMessage::parse_with_param(payload, GenlHeader { cmd, version: 1 })
}

fn get_reply(datagram: &[u8]) -> Features {
    match receive(datagram) {
        FeaturesMessage::GetReply(features) => features,
        other => panic!("{other:?}"),
    }
}

fn set_reply(datagram: &[u8]) -> Changes {
    match receive(datagram) {
        FeaturesMessage::SetReply(changes) => changes,
        other => panic!("{other:?}"),
    }
}

/// Netlink message header and generic netlink header.
const HEADERS: usize = 16 + 4;

mod what_a_real_kernel_said {
    use super::*;

    #[test]
    fn a_get_reply_has_every_feature_that_ethtool_lists() {
        let features = get_reply(&captured("get-reply.bin"));
        assert_eq!(features.interface, "v0");
        let ethtool = String::from_utf8(captured("ethtool-k.txt")).unwrap();
        let mut seen = 0;
        for feature in &features.list {
            let text = match feature.name.as_str() {
                // These stand alone under a heading, which has their value.
                "rx-checksum" => "rx-checksumming",
                "tx-generic-segmentation" => "generic-segmentation-offload",
                "rx-gro" => "generic-receive-offload",
                "rx-lro" => "large-receive-offload",
                "rx-vlan-hw-parse" => "rx-vlan-offload",
                "tx-vlan-hw-insert" => "tx-vlan-offload",
                "rx-ntuple-filter" => "ntuple-filters",
                "rx-hashing" => "receive-hashing",
                name => name,
            };
            let find = |line: &str| {
                Some(
                    line.trim()
                        .strip_prefix(text)?
                        .strip_prefix(": ")?
                        .to_owned(),
                )
            };
            // ethtool leaves out a few that can never be switched by it.
            let Some(shown) = ethtool.lines().find_map(find) else {
                assert!(!feature.changeable, "{feature:?}");
                continue;
            };
            seen += 1;
            let on = if feature.active { "on" } else { "off" };
            let fixed = if feature.changeable { "" } else { " [fixed]" };
            let requested = match (feature.changeable, feature.wanted, feature.active) {
                (true, true, false) => " [requested on]",
                (true, false, true) => " [requested off]",
                _ => "",
            };
            assert_eq!(shown, format!("{on}{fixed}{requested}"), "{}", feature.name);
        }
        let headings = 3; // tx-checksumming, scatter-gather, tcp-segmentation-offload
        assert_eq!(seen, ethtool.lines().count() - 1 - headings);
    }

    #[test]
    fn the_bit_with_index_0_is_not_lost() {
        // Index 0 is tx-scatter-gather; a parser that takes 0 for absence drops it.
        let features = get_reply(&captured("get-reply.bin"));
        let sg = features.get("tx-scatter-gather").unwrap();
        assert!(sg.changeable && sg.wanted && sg.active);
    }

    #[test]
    fn a_set_reply_names_what_was_refused_and_all_that_changed() {
        // Asked for: tx-scatter-gather off, rx-fcs on.
        let changes = set_reply(&captured("set-reply-refused-and-side-effects.bin"));
        assert_eq!(changes.refused, ["rx-fcs"]);
        let off = |name: &str| (name.to_owned(), false);
        assert_eq!(
            changes.changed,
            [
                off("tx-scatter-gather"),
                off("tx-generic-segmentation"),
                off("tx-tcp-segmentation"),
                off("tx-tcp-ecn-segmentation"),
                off("tx-tcp-mangleid-segmentation"),
                off("tx-tcp6-segmentation"),
            ]
        );
    }

    #[test]
    fn a_set_reply_tells_what_went_on() {
        let changes = set_reply(&captured("set-reply-done.bin"));
        assert_eq!(changes.refused, <[String; 0]>::default());
        assert!(
            changes
                .changed
                .contains(&("tx-tcp-segmentation".into(), true))
        );
    }

    #[test]
    fn a_set_that_changes_nothing_is_answered_too() {
        let changes = set_reply(&captured("set-reply-nothing-to-do.bin"));
        assert!(changes.refused.is_empty() && changes.changed.is_empty());
    }

    #[test]
    fn a_notification_says_whom_it_is_about() {
        let FeaturesMessage::Notification { ifindex, interface } =
            receive(&captured("notification.bin"))
        else {
            panic!("no notification");
        };
        let datagram = captured("get-reply.bin");
        let [header] = required(&datagram[HEADERS..], [FEATURES_HEADER]).unwrap();
        assert_eq!((ifindex, interface), addressee(header).unwrap());
        assert_ne!(ifindex, 0);
    }

    #[test]
    fn a_compact_reply_is_an_error_and_not_a_nic_without_features() {
        let datagram = captured("get-reply-compact.bin");
        let error = parse(MSG_FEATURES_GET_REPLY, &datagram[HEADERS..]).unwrap_err();
        assert!(error.to_string().contains("compact"), "{error}");
    }

    #[test]
    fn a_reply_cut_short_anywhere_is_an_error() {
        for name in [
            "get-reply.bin",
            "set-reply-refused-and-side-effects.bin",
            "set-reply-nothing-to-do.bin",
        ] {
            let datagram = captured(name);
            let (command, payload) = (datagram[16], &datagram[HEADERS..]);
            assert!(parse(command, payload).is_ok(), "{name}");
            for length in 0..payload.len() {
                let cut = parse(command, &payload[..length]);
                assert!(cut.is_err(), "{name} cut to {length}: {cut:?}");
            }
        }
    }
}

mod kernel_side;

fn emit(message: &FeaturesMessage) -> Vec<u8> {
    let mut bytes = vec![0xff; message.buffer_len()];
    message.emit(&mut bytes);
    bytes
}

fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_-]{0,30}"
}

prop_compose! {
    fn features_of_a_nic()(
        interface in "[a-z0-9@.;,_-]{1,15}",
        names in prop::collection::hash_set(name(), 0..70),
        states in prop::collection::vec(any::<(bool, bool, bool)>(), 70),
    ) -> Features {
        let list = names.into_iter().zip(states).map(|(name, (changeable, wanted, active))| {
            Feature { name, changeable, wanted, active }
        });
        Features { interface, list: list.collect() }
    }
}

proptest! {
    #[test]
    fn the_kernel_reads_from_a_set_what_was_meant(
        ifindex: u32,
        wanted in prop::collection::vec((name(), any::<bool>()), 0..70),
    ) {
        let request = FeaturesMessage::Set { ifindex, wanted: wanted.clone() };
        prop_assert_eq!(request.command(), 12);
        prop_assert_eq!(kernel_side::read_request(&emit(&request)), (ifindex, wanted));
    }

    #[test]
    fn the_kernel_reads_from_a_get_which_nic_is_meant(ifindex: u32) {
        let request = FeaturesMessage::Get { ifindex };
        prop_assert_eq!(request.command(), 11);
        prop_assert_eq!(kernel_side::read_request(&emit(&request)), (ifindex, Vec::new()));
    }

    #[test]
    fn a_reply_is_read_as_it_was_written(features in features_of_a_nic()) {
        let parsed = parse(MSG_FEATURES_GET_REPLY, &kernel_side::get_reply(&features));
        prop_assert_eq!(parsed.unwrap(), FeaturesMessage::GetReply(features));
    }

    #[test]
    fn attributes_of_kernels_to_come_are_passed_over(
        features in features_of_a_nic(),
        kind in 6_u16..0x3fff,
        value in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let news = kernel_side::attribute(kind, &value);
        let payload = [news.clone(), kernel_side::get_reply(&features), news].concat();
        prop_assert_eq!(
            parse(MSG_FEATURES_GET_REPLY, &payload).unwrap(),
            FeaturesMessage::GetReply(features)
        );
    }

    #[test]
    fn a_byte_gone_wrong_never_panics(at in HEADERS..4396_usize, byte: u8, command in 11_u8..=13) {
        let mut datagram = captured("get-reply.bin");
        datagram[at] = byte;
        let _ = parse(command, &datagram[HEADERS..]);
    }

    #[test]
    fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..300), command: u8) {
        let _ = parse(command, &noise);
    }
}

#[test]
fn a_bit_without_a_name_is_an_error() {
    let nameless = kernel_side::attribute(BITS_BIT, &kernel_side::attribute(1, &[0; 4]));
    let bits = kernel_side::attribute(BITSET_BITS, &nameless);
    let payload = [
        kernel_side::header(3, "v0"),
        kernel_side::attribute(FEATURES_WANTED, &bits),
        kernel_side::attribute(FEATURES_ACTIVE, &[]),
    ];
    let error = parse(MSG_FEATURES_SET_REPLY, &payload.concat()).unwrap_err();
    assert!(error.to_string().contains("without a name"), "{error}");
}

#[test]
fn a_list_that_is_absent_is_not_an_empty_one() {
    let header = kernel_side::header(3, "v0");
    for command in [MSG_FEATURES_GET_REPLY, MSG_FEATURES_SET_REPLY] {
        let error = parse(command, &header).unwrap_err();
        assert!(error.to_string().contains("missing"), "{error}");
    }
}

#[test]
fn changeable_is_what_the_hardware_has_and_nothing_forbids() {
    let payload = [
        kernel_side::header(3, "v0"),
        kernel_side::attribute(
            FEATURES_HW,
            &kernel_side::bitset([(0, "a", true), (1, "b", false), (2, "c", true)], false),
        ),
        kernel_side::attribute(FEATURES_WANTED, &[]),
        // Lists in another order than HW's are read as well.
        kernel_side::attribute(
            FEATURES_ACTIVE,
            &kernel_side::bitset([(2, "c", false), (0, "a", false)], true),
        ),
        kernel_side::attribute(
            FEATURES_NOCHANGE,
            &kernel_side::bitset([(2, "c", false)], true),
        ),
    ];
    let parsed = parse(MSG_FEATURES_GET_REPLY, &payload.concat()).unwrap();
    let FeaturesMessage::GetReply(features) = parsed else {
        panic!("{parsed:?}");
    };
    let changeable = |name| features.get(name).unwrap().changeable;
    assert!(changeable("a") && !changeable("b") && !changeable("c"));
    let active = |name| features.get(name).unwrap().active;
    assert!(active("a") && !active("b") && active("c"));
}

#[test]
fn messages_of_the_monitor_group_that_are_not_about_features_are_passed_over() {
    assert_eq!(parse(4, &[1, 2, 3]).unwrap(), FeaturesMessage::Other(4));
}
