//! What holds for any NIC and any rules.

use proptest::prelude::*;

use super::kernel::{Call, FakeKernel};
use super::{apply_rules, line};
use unhang::apply::Summary;
use unhang::features::Key;
use unhang::hang::unhang_lines::{Said, UnhangLine};
use unhang::log::{Event, Level, Line};

const NAMES: [&str; 6] = [
    "rx-gro",
    "rx-hashing",
    "tx-tcp-segmentation",
    "tx-tcp6-segmentation",
    "tx-tcp-accecn-segmentation",
    "highdma",
];
const STATES: [&str; 7] = [
    "on",
    "off",
    "on [fixed]",
    "off [fixed]",
    "on [requested off]",
    "off [requested on]",
    "never",
];
const KEYS: [&str; 8] = [
    "tso",
    "gro",
    "rxhash",
    "highdma",
    "tx-tcp6-segmentation",
    "'tx-tcp*'",
    "ufo",
    "tos",
];

pub type Wishes = Vec<Vec<(&'static str, bool)>>;

prop_compose! {
    pub fn nic()(
        states in prop::collection::vec(prop::sample::select(&STATES[..]), NAMES.len()),
        present in prop::collection::vec(prop::bool::weighted(0.8), NAMES.len()),
        disobeyed in prop::collection::vec(prop::bool::weighted(0.1), NAMES.len()),
    ) -> FakeKernel {
        let all = NAMES.into_iter().zip(states).zip(present);
        let features: Vec<_> = all.filter(|(_, is)| *is).map(|(feature, _)| feature).collect();
        // The dependencies of the segmentation offloads are there.
        let base = [("tx-checksum-ip-generic", "on"), ("tx-scatter-gather", "on")];
        let disobeyed: Vec<_> = NAMES.into_iter().zip(disobeyed).filter(|d| d.1).map(|d| d.0).collect();
        FakeKernel::with(&[&base[..], &features].concat()).disobeying(&disobeyed)
    }
}

pub fn wishes() -> impl Strategy<Value = Wishes> {
    let rule = prop::collection::btree_map(prop::sample::select(&KEYS[..]), any::<bool>(), 1..4);
    let rule = rule.prop_map(|rule| rule.into_iter().collect());
    prop::collection::vec(rule, 1..4)
}

pub fn texts(wishes: &Wishes) -> Vec<String> {
    let line = |(key, on): &(&str, bool)| format!("{key} = {on}\n");
    wishes
        .iter()
        .map(|rule| rule.iter().map(line).collect())
        .collect()
}

/// What the last rule that covers `name` wants of it.
fn wish(wishes: &Wishes, name: &str) -> Option<bool> {
    let covers = |(key, _): &&(&str, bool)| Key::new(key.trim_matches('\'')).covers(name);
    let wish = wishes.iter().flatten().rev().find(covers);
    wish.map(|(_, on)| *on)
}

proptest! {
    #[test]
    fn what_obeys_is_as_the_last_rule_wants_and_the_rest_is_as_it_was(
        mut kernel in nic(),
        wishes in wishes(),
    ) {
        let texts = texts(&wishes);
        let before = kernel.clone();
        let outcome = apply_rules(&mut kernel, &texts.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert_eq!(&outcome.error, &None);
        for name in NAMES {
            match wish(&wishes, name) {
                Some(on) if before.obeys(name) => prop_assert_eq!(kernel.is_on(name), on, "{}", name),
                Some(_) => prop_assert_eq!(kernel.is_on(name), before.is_on(name), "{}", name),
                // What is not asked for may be recomputed, to what somebody else has asked for.
                None => {}
            }
        }
    }

    #[test]
    fn it_takes_at_most_three_calls_and_a_second_time_finds_all_right(
        mut kernel in nic(),
        wishes in wishes(),
    ) {
        let texts = texts(&wishes);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let first = apply_rules(&mut kernel, &texts);
        let sets = kernel.calls.iter().filter(|call| **call != Call::Get).count();
        prop_assert!(matches!((kernel.calls.len(), sets), (1, 0) | (2, 1) | (3, 2)));
        if first.summary() == Summary::Applied {
            kernel.calls.clear();
            prop_assert_eq!(apply_rules(&mut kernel, &texts).summary(), Summary::AlreadyRight);
            prop_assert_eq!(&kernel.calls, &[Call::Get]);
        }
    }

    #[test]
    fn the_line_says_what_is_in_force_and_can_be_read_back(
        mut kernel in nic(),
        wishes in wishes(),
    ) {
        let texts = texts(&wishes);
        let outcome = apply_rules(&mut kernel, &texts.iter().map(String::as_str).collect::<Vec<_>>());
        let (_, written) = Line::new(&outcome, &Event::udev("add")).unwrap();
        let in_force = matches!(outcome.summary(), Summary::Applied | Summary::AlreadyRight);
        if let Some(read) = UnhangLine::parse(&written.to_string()) {
            let whole = matches!(read.said, Said::InForce { whole: true, .. });
            prop_assert_eq!(whole, in_force);
            for name in NAMES {
                // A later key wins where two are for the same feature.
                let lost = read.lost.iter().map(|key| (key.as_str(), "lost"));
                let all = read.settings.iter().chain(lost);
                let mut of_it = all.filter(|(key, _)| Key::new(*key).covers(name));
                if let (Some((_, "off")), None) = (of_it.next(), of_it.next()) {
                    prop_assert!(!kernel.is_on(name), "{}", name);
                }
            }
        }
        prop_assert_eq!(line(&outcome).0 >= Level::Warning, !in_force);
        prop_assert_eq!(Line::parse(&written.to_string()), Some(written));
    }
}
