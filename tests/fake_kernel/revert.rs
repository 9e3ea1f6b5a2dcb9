//! Restoring what was there before.

use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;
use unhang::apply::{IfReverted, KeyResult, Outcome, Summary, apply};
use unhang::features::{BlockingConnection, FeatureKernel, Features, KernelError};
use unhang::hang::unhang_lines::UnhangLine;
use unhang::log::{Event, Line};
use unhang::revert::revert;
use unhang::rules::{decide, parse};
use unhang::saved_state::{Saved, SavedState};

use super::kernel::FakeKernel;
use super::{REMEDY, any_nic, nic, root};

/// A NIC whose settings are saved.
struct WithState {
    kernel: FakeKernel,
    root: TempDir,
}

impl WithState {
    fn new(kernel: FakeKernel) -> WithState {
        WithState {
            kernel,
            root: root(),
        }
    }

    fn state(&self) -> SavedState {
        SavedState::below(self.root.path())
    }

    fn features(&mut self) -> Features {
        BlockingConnection::run(self.kernel.get(super::IFINDEX)).unwrap()
    }

    fn apply(&mut self, offloads: &str) -> Outcome {
        self.apply_as(offloads, IfReverted::Leave)
    }

    fn apply_as(&mut self, offloads: &str, if_reverted: IfReverted) -> Outcome {
        let rule = format!(
            "[[rule]]\nname = \"a\"\nmatch.driver = \"e1000e\"\n[rule.offload]\n{offloads}\n"
        );
        let rules = parse(&rule).unwrap();
        let nic = nic();
        let decision = decide(&rules, &nic);
        let state = self.state();
        let apply = apply(&mut self.kernel, &state, &nic, &decision, if_reverted);
        BlockingConnection::run(apply)
    }

    fn revert(&mut self) -> Outcome {
        let state = self.state();
        BlockingConnection::run(revert(&mut self.kernel, &state, &nic())).unwrap()
    }
}

#[test]
fn everything_is_as_before_and_nothing_else_is_on() {
    let mut nic = WithState::new(FakeKernel::e1000e());
    let before = nic.features();
    nic.apply(REMEDY);
    assert_ne!(nic.features(), before);
    let outcome = nic.revert();
    // tx-tcp-mangleid-segmentation would be on too after 'ethtool -K eno1 tso on'.
    assert_eq!(nic.features(), before);
    let (_, line) = Line::new(&outcome, &Event::revert()).unwrap();
    let read = UnhangLine::parse(&line.to_string()).unwrap();
    assert!(read.settings.is_empty(), "{read:?}");
    assert_eq!(Line::parse(&line.to_string()), Some(line));
}

#[test]
fn what_went_off_along_with_it_comes_back_too() {
    let mut nic = WithState::new(FakeKernel::e1000e());
    let before = nic.features();
    nic.apply("sg = false");
    assert!(!nic.kernel.is_on("tx-tcp-segmentation"));
    nic.revert();
    assert_eq!(nic.features(), before);
}

#[test]
fn what_was_off_before_stays_off() {
    let mut kernel = FakeKernel::e1000e();
    kernel.add("rx-gro", "off");
    let mut nic = WithState::new(kernel);
    nic.apply(REMEDY);
    nic.revert();
    assert!(!nic.kernel.is_on("rx-gro"));
    assert!(nic.kernel.is_on("tx-tcp-segmentation"));
}

#[test]
fn it_is_left_alone_until_the_revert_ends() {
    let mut nic = WithState::new(FakeKernel::e1000e());
    let before = nic.features();
    nic.apply(REMEDY);
    nic.revert();
    nic.apply(REMEDY);
    assert_eq!(nic.features(), before);
    nic.apply_as(REMEDY, IfReverted::Apply);
    assert!(!nic.kernel.is_on("rx-gro"));
    nic.revert();
    assert_eq!(nic.features(), before);
}

#[test]
fn the_state_before_the_first_change_counts_not_the_last() {
    let mut nic = WithState::new(FakeKernel::e1000e());
    let before = nic.features();
    nic.apply("tso = false");
    nic.apply("tso = true");
    nic.apply(REMEDY);
    nic.revert();
    assert_eq!(nic.features(), before);
}

#[test]
fn a_revert_that_fails_forgets_nothing() {
    let mut nic = WithState::new(FakeKernel::e1000e());
    let before = nic.features();
    nic.apply(REMEDY);
    let refused = KernelError::Refused("no".into());
    nic.kernel.errors.insert(nic.kernel.calls.len(), refused);
    assert!(nic.revert().error.is_some());
    assert!(!nic.state().is_reverted(&super::nic()));
    nic.revert();
    assert_eq!(nic.features(), before);
}

#[test]
fn what_is_requested_counts_not_what_is_so() {
    let mut kernel = FakeKernel::e1000e();
    kernel.add("tx-scatter-gather", "off");
    kernel.recompute();
    assert!(!kernel.is_on("tx-tcp-segmentation"));
    for wish in ["tso = true", "tso = false", "sg = true"] {
        let mut nic = WithState::new(kernel.clone());
        let before = nic.features();
        nic.apply(wish);
        nic.apply(wish);
        let outcome = nic.revert();
        assert_eq!(nic.features(), before, "{wish}");
        assert!(outcome.summary() != Summary::Partly, "{wish}: {outcome:?}");
        assert_eq!(nic.state().read(&super::nic()).before, []);
    }
}

#[test]
fn what_the_driver_does_not_restore_is_told_and_kept() {
    let mut nic = WithState::new(FakeKernel::e1000e());
    nic.apply(REMEDY);
    nic.kernel = nic.kernel.clone().disobeying(&["rx-gro"]);
    let outcome = nic.revert();
    assert_eq!(outcome.summary(), Summary::Partly);
    let refused = |key: &&unhang::apply::KeyOutcome| matches!(key.result, KeyResult::Refused(_));
    assert_eq!(outcome.keys.iter().filter(refused).count(), 1);
    let left = nic.state().read(&super::nic()).before;
    assert_eq!(left.len(), 1);
    nic.kernel = nic.kernel.clone().disobeying(&[]);
    nic.kernel.recompute();
    nic.revert();
    assert!(nic.kernel.is_on("rx-gro"));
    assert_eq!(nic.state().read(&super::nic()).before, []);
}

#[test]
fn a_rule_that_is_gone_hides_nothing() {
    let mut nic = WithState::new(FakeKernel::e1000e());
    nic.apply("gro = false");
    let outcome = nic.revert();
    assert_eq!(outcome.rules, [""; 0]);
    let (_, line) = Line::new(&outcome, &Event::revert()).unwrap();
    let text = "eno1: rx-gro on (was off); no rule; e1000e 8086:15bb I219-LM (7); event revert";
    assert_eq!(line.to_string(), text);
    assert_eq!(Line::parse(text), Some(line));
}

#[test]
fn an_apply_that_fails_saves_nothing() {
    for wish in ["gro = false", "tx-nocache-copy = false"] {
        let mut kernel = FakeKernel::e1000e();
        kernel.add("tx-nocache-copy", "on [requested off]");
        let mut nic = WithState::new(kernel);
        nic.kernel.errors.insert(1, KernelError::NotSupported);
        assert!(nic.apply(wish).error.is_some());
        assert_eq!(nic.state().read(&super::nic()), Saved::default(), "{wish}");
    }
}

#[test]
fn apply_and_revert_wait_for_one_another() {
    let mut nic = WithState::new(FakeKernel::e1000e());
    nic.apply("gro = false");
    let works = [WithState::revert, |nic: &mut WithState| {
        nic.apply_as("gro = false", IfReverted::Apply)
    }];
    for work in works {
        let other = nic.state().lock();
        std::thread::scope(|scope| {
            let ours = scope.spawn(|| work(&mut nic));
            std::thread::sleep(Duration::from_millis(50));
            assert!(!ours.is_finished());
            drop(other);
        });
    }
}

#[test]
fn that_nothing_can_be_saved_is_told() {
    let mut nic = WithState::new(FakeKernel::e1000e());
    std::fs::write(nic.root.path().join("run"), "").unwrap();
    let outcome = nic.apply("gro = false");
    assert!(!nic.kernel.is_on("rx-gro"));
    let (level, text) = super::line(&outcome);
    let words =
        "eno1: gro off (was on), original settings not saved: Not a directory (os error 20)";
    assert_eq!((level, text), super::warning(&format!("{words}; rule a")));
    let (_, line) = Line::new(&outcome, &Event::manual()).unwrap();
    assert_eq!(Line::parse(&line.to_string()), Some(line));
}

proptest! {
    #[test]
    fn whatever_was_applied_is_restored(
        mut kernel in any_nic::nic(),
        wishes in prop::collection::vec(any_nic::wishes(), 1..4),
    ) {
        // What drivers wrote behind the kernel's back is nobody's request.
        kernel.recompute();
        let mut nic = WithState::new(kernel);
        let before = nic.features();
        for wish in wishes {
            nic.apply(&any_nic::texts(&wish)[0]);
        }
        nic.revert();
        prop_assert_eq!(nic.features(), before);
    }
}
