//! Settings beside offloads.

use std::time::Duration;

use proptest::prelude::*;

use unhang::apply::{IfReverted, Summary, apply, read};
use unhang::features::BlockingConnection;
use unhang::log::{Event, Line};
use unhang::plan::Plan;
use unhang::revert::revert;
use unhang::rules::{decide, parse};
use unhang::saved_state::{Saved, SavedState};
use unhang::settings::{Family, Name, Value};
use unhang::watch::guard::Guard;
use unhang::watch::restore::{When, choose};

use super::kernel::{Call, FakeKernel};
use super::{IFINDEX, apply_rules, apply_tables, debug, info, line, nic, root, text_of, warning};

fn writes(kernel: &FakeKernel) -> Vec<Family> {
    let write = |call: &Call| match call {
        Call::Write(family, _) => Some(*family),
        _ => None,
    };
    kernel.calls.iter().filter_map(write).collect()
}

#[test]
fn a_setting_that_is_right_is_one_exchange_and_none_named_is_none() {
    let mut kernel = FakeKernel::i219();
    apply_rules(&mut kernel, &["lro = false"]);
    assert_eq!(kernel.calls, [Call::Get]);
    kernel.calls.clear();
    let outcome = apply_tables(&mut kernel, &["[rule.eee]\nenabled = true"]);
    assert_eq!(line(&outcome), debug("eno1: eee already on; rule a"));
    assert_eq!(outcome.summary(), Summary::AlreadyRight);
    assert_eq!(kernel.calls, [Call::Get, Call::Read(Family::Eee)]);
}

#[test]
fn only_what_differs_is_set_and_what_drops_the_link_comes_last() {
    let mut kernel = FakeKernel::i219();
    let outcome = apply_tables(
        &mut kernel,
        &["private-flags = { disable-k1 = true, s0ix-enabled = true }
           ring = { rx = 512, tx = 256 }
           eee.enabled = false
           wol = { magic = false, ucast = false }
           coalesce.rx-usecs = 10
           offload.tso = false"],
    );
    let said = "eno1: tso off (was on), coalesce rx-usecs 10 (was 3), wol magic off (was on), \
                wol ucast already off, eee off (was on), ring rx 512 (was 256), ring tx already \
                256, private-flag disable-k1 on (was off), private-flag s0ix-enabled already on; \
                rule a";
    let (level, text) = line(&outcome);
    assert_eq!((level, text.as_str()), (info("").0, said));
    let in_order = [
        Family::Coalesce,
        Family::Wol,
        Family::Eee,
        Family::Ring,
        Family::PrivateFlags,
    ];
    assert_eq!(writes(&kernel), in_order);
    let ring = Call::Write(Family::Ring, vec![("rx".into(), Value::Number(512))]);
    assert!(kernel.calls.contains(&ring));
    assert_eq!(kernel.drops, 1);
    let (_, line) = Line::new(&outcome, &Event::manual()).unwrap();
    assert_eq!(Line::parse(&line.to_string()), Some(line));
}

#[test]
fn what_drops_the_link_is_set_without_a_pause() {
    let mut kernel = FakeKernel::i219();
    let rule = "eee.enabled = false\npause.autoneg = false\nring = { rx = 512, tx = 512 }";
    apply_tables(&mut kernel, &[rule]);
    let first = |call: fn(&Call) -> bool| kernel.calls.iter().position(call).unwrap();
    let first = first(|call| matches!(call, Call::Write(..)));
    let all = &kernel.calls[first..first + 3];
    assert!(
        all.iter().all(|call| matches!(call, Call::Write(..))),
        "{all:?}"
    );
    assert_eq!((writes(&kernel).len(), kernel.drops), (3, 1));
}

#[test]
fn the_later_rule_wins_setting_by_setting() {
    let mut kernel = FakeKernel::i219();
    let rules = [
        "ring = { rx = 512, tx = 512 }",
        "ring.rx = 256\neee.enabled = true",
    ];
    let outcome = apply_tables(&mut kernel, &rules);
    let said = "eno1: eee already on, ring rx already 256, ring tx 512 (was 256); rule b, a";
    assert_eq!(line(&outcome).1, said);
}

#[test]
fn a_family_that_the_nic_lacks_is_said_once_and_stops_nothing() {
    let mut kernel = FakeKernel::e1000e();
    let rule = "eee.enabled = true\npause = { autoneg = false, rx = false }\noffload.tso = false";
    let outcome = apply_tables(&mut kernel, &[rule]);
    let said = "eno1: tso off (was on), eee not supported by this NIC, \
                pause off (not supported by this NIC); rule a";
    assert_eq!(line(&outcome), warning(said));
    // What does not exist is as good as off.
    let outcome = apply_tables(&mut kernel, &["eee.enabled = false"]);
    let said = "eno1: eee off (not supported by this NIC); rule a";
    assert_eq!(line(&outcome), debug(said));
    let mut kernel = FakeKernel::i219();
    let outcome = apply_tables(&mut kernel, &["coalesce = { tx-usecs = 9, rx-usecs = 10 }"]);
    let said = "eno1: coalesce rx-usecs 10 (was 3), coalesce tx-usecs not supported by this NIC; \
                rule a";
    let (level, text) = line(&outcome);
    assert_eq!(level, warning("").0);
    for part in said.split([',', ';']) {
        assert!(text.contains(part.trim()), "{text}");
    }
}

#[test]
fn a_value_that_is_refused_stops_no_other_and_is_said_in_the_kernels_words() {
    let mut kernel = FakeKernel::i219();
    let rx: Name = "ring rx".parse().unwrap();
    let words = "requested ring size exceeds maximum";
    kernel.refusing.push((rx, Value::Number(9999), words));
    let rule = "ring = { rx = 9999, tx = 512 }\neee.enabled = false";
    let outcome = apply_tables(&mut kernel, &[rule]);
    let said = "eno1: eee off (was on), ring rx still 256 (refused: requested ring size exceeds \
                maximum), ring tx 512 (was 256); rule a";
    assert_eq!(line(&outcome), warning(said));
    assert_eq!(kernel.drops, 1);
}

#[test]
fn what_does_not_last_is_said() {
    // With autonegotiation on, the partners agree on pause.
    let mut kernel = FakeKernel::i219();
    let outcome = apply_tables(&mut kernel, &["pause.rx = false"]);
    let said = "eno1: pause rx still on (off does not last); rule a";
    assert_eq!(line(&outcome), warning(said));
}

#[test]
fn what_the_driver_rounds_is_in_place_and_is_not_set_again() {
    let mut kernel = FakeKernel::i219();
    let rule = "coalesce.rx-usecs = 3000";
    let outcome = apply_tables(&mut kernel, &[rule]);
    let said = "eno1: coalesce rx-usecs 3012 (was 3); rule a";
    assert_eq!(line(&outcome), info(said));
    kernel.calls.clear();
    let outcome = apply_tables(&mut kernel, &[rule]);
    let said = "eno1: coalesce rx-usecs already 3012; rule a";
    assert_eq!(line(&outcome), debug(said));
    assert_eq!(outcome.summary(), Summary::AlreadyRight);
    assert_eq!(writes(&kernel), []);
}

const ALL: &str = "eee.enabled = false
    pause = { autoneg = false, rx = false, tx = false }
    ring = { rx = 512, tx = 128 }
    coalesce.rx-usecs = 10
    private-flags = { disable-k1 = true, s0ix-enabled = false }
    wol = { magic = false, ucast = true }
    offload = { tso = false, rx = false }";

#[test]
fn everything_is_restored() {
    let root = root();
    let state = SavedState::below(root.path());
    let mut kernel = FakeKernel::i219();
    let before = kernel.families.clone();
    let rules = parse(&text_of(&[ALL])).unwrap();
    let nic = nic();
    let decision = decide(&rules, &nic);
    for _ in 0..2 {
        let apply = apply(&mut kernel, &state, &nic, &decision, IfReverted::Leave);
        assert_eq!(BlockingConnection::run(apply).error, None);
        kernel.link_is_down = false;
    }
    assert_ne!(kernel.families, before);
    let outcome = BlockingConnection::run(revert(&mut kernel, &state, &nic)).unwrap();
    assert_eq!(outcome.summary(), Summary::Applied);
    assert_eq!(kernel.families, before);
    assert!(line_of(&outcome).contains("ring rx 256 (was 512)"));
    let reverted = Saved {
        reverted: true,
        ..Saved::default()
    };
    assert_eq!(state.read(&nic), reverted);
    // And it is left alone.
    let apply = apply(&mut kernel, &state, &nic, &decision, IfReverted::Leave);
    BlockingConnection::run(apply);
    assert_eq!(kernel.families, before);
}

fn line_of(outcome: &unhang::apply::Outcome) -> String {
    Line::new(outcome, &Event::revert()).unwrap().1.to_string()
}

/// A watcher's day: somebody changes something, and the watcher reacts to that and to each
/// link-up that follows, until nothing happens any more. Gives the watcher's own drops.
fn watch(rules: &str, changes: &[(Name, Value)], minutes: u64) -> usize {
    let rules = parse(rules).unwrap();
    let nic = nic();
    let root = root();
    let state = SavedState::below(root.path());
    let mut kernel = FakeKernel::i219();
    let mut guard = Guard::default();
    let mut now = Duration::ZERO;
    let mut own = 0;
    for (name, value) in changes {
        kernel.change(name, *value);
        kernel.link_is_down = false;
        let mut happened = vec![When::Drift];
        let mut reactions = 0;
        while let Some(when) = happened.pop() {
            reactions += 1;
            assert!(reactions < 50, "{name} {value}: it never ends");
            now += Duration::from_secs(1);
            if when == When::Unseen {
                guard.link_up();
            }
            let before = kernel.drops;
            let decision = decide(&rules, &nic);
            let plan = BlockingConnection::run(async {
                let now = read(&mut kernel, IFINDEX, decision.families())
                    .await
                    .unwrap();
                Plan::new(&decision, &now)
            });
            let choice = choose(&decision, &plan, when, &mut guard, now);
            let decision = choice.of(decision, when);
            let apply = apply(&mut kernel, &state, &nic, &decision, IfReverted::Leave);
            BlockingConnection::run(apply);
            own += kernel.drops - before;
            if kernel.link_is_down {
                kernel.link_is_down = false;
                happened.push(When::Unseen);
            }
            if kernel.drops > before {
                happened.push(When::Drift);
            }
        }
        now += Duration::from_secs(60 * minutes);
    }
    own
}

fn foreign_change() -> impl Strategy<Value = (Name, Value)> {
    prop::sample::select(vec![
        "eee on",
        "eee off",
        "pause autoneg on",
        "pause autoneg off",
        "pause rx on",
        "pause tx on",
        "ring rx 256",
        "ring rx 512",
        "ring tx 4096",
        "private-flag disable-k1 off",
        "coalesce rx-usecs 3",
        "wol magic on",
    ])
    .prop_map(|text| {
        let (name, value) = text.rsplit_once(' ').unwrap();
        (name.parse().unwrap(), value.parse().unwrap())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_sequence_of_changes_makes_the_link_flap_more_than_three_times(
        changes in prop::collection::vec(foreign_change(), 50),
        minutes in prop::sample::select(vec![0_u64, 1, 11, 1440]),
        // With autoneg = true, rx and tx are what the partners agree on: never as wanted.
        rule in prop::sample::select(vec![
            ALL.to_owned(),
            ALL.replace("autoneg = false", "autoneg = true"),
            format!("{ALL}\ndrift = \"report\""),
        ]),
    ) {
        prop_assert!(watch(&text_of(&[&rule]), &changes, minutes) <= 3);
    }
}

#[test]
fn what_drops_the_link_is_put_back_three_times_and_what_does_not_more_often() {
    let on = |name: &str, value| (name.parse().unwrap(), value);
    let eee = vec![on("eee", Value::Switch(true)); 50];
    assert_eq!(watch(&text_of(&["eee.enabled = false"]), &eee, 60), 3);
    let usecs = vec![on("coalesce rx-usecs", Value::Number(10)); 50];
    assert_eq!(watch(&text_of(&["coalesce.rx-usecs = 3"]), &usecs, 60), 0);
}
