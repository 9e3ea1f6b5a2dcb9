//! From rules to a log line, with a kernel that plays what no real one at hand does.

mod any_nic;
mod kernel;
mod revert;
mod rules;
mod settings;

use kernel::{Call, FakeKernel, set};
use tempfile::TempDir;
use unhang::apply::{IfReverted, Outcome, Summary, apply};
use unhang::features::{BlockingConnection, KernelError};
use unhang::log::{Event, Level, Line};
use unhang::nic::Nic;
use unhang::rules::{decide, parse};
use unhang::saved_state::SavedState;

const IFINDEX: u32 = 7;

/// The remedy.
const REMEDY: &str = "tso = false\ngso = false\ngro = false";

fn nic() -> Nic {
    Nic {
        ifindex: IFINDEX,
        name: "eth0".into(),
        driver: Some("e1000e".into()),
        pci: "8086:15bb".parse().ok(),
        ..Nic::default()
    }
}

/// Applies rules called a, b …, each with these lines of offloads.
fn apply_rules(kernel: &mut FakeKernel, offloads: &[&str]) -> Outcome {
    let tables: Vec<String> = offloads
        .iter()
        .map(|offloads| format!("[rule.offload]\n{offloads}"))
        .collect();
    let rules: Vec<&str> = tables.iter().map(String::as_str).collect();
    apply_tables(kernel, &rules)
}

/// Applies rules called a, b …, each with these tables.
fn apply_tables(kernel: &mut FakeKernel, tables: &[&str]) -> Outcome {
    let rules = parse(&text_of(tables)).unwrap();
    let root = root();
    let state = SavedState::below(root.path());
    let nic = nic();
    let decision = decide(&rules, &nic);
    let apply = apply(kernel, &state, &nic, &decision, IfReverted::Leave);
    BlockingConnection::run(apply)
}

fn text_of(tables: &[&str]) -> String {
    let rule = |(name, tables): (char, &&str)| {
        format!("[[rule]]\nname = \"{name}\"\nmatch.driver = \"e1000e\"\n{tables}\n")
    };
    ('a'..).zip(tables).map(rule).collect()
}

/// In memory: a disk would be waited for.
fn root() -> TempDir {
    TempDir::new_in("/dev/shm")
        .or_else(|_| TempDir::new())
        .unwrap()
}

/// The line for an outcome, without what is always the same in these tests.
fn line(outcome: &Outcome) -> (Level, String) {
    let (level, line) = Line::new(outcome, &Event::udev("add")).expect("a rule");
    let text = line.to_string();
    let text = text.strip_suffix("; e1000e 8086:15bb I219-LM (7); event add");
    (level, text.expect("who and why at the end").to_owned())
}

fn info(text: &str) -> (Level, String) {
    (Level::Info, text.into())
}

fn warning(text: &str) -> (Level, String) {
    (Level::Warning, text.into())
}

fn debug(text: &str) -> (Level, String) {
    (Level::Debug, text.into())
}

#[test]
fn the_normal_case_is_one_get_and_one_set() {
    let mut kernel = FakeKernel::e1000e();
    let outcome = apply_rules(&mut kernel, &[REMEDY]);
    assert_eq!(
        line(&outcome),
        info("eno1: tso gso gro off (were on); rule a")
    );
    let all_changes = set(&[
        ("tx-tcp-segmentation", false),
        ("tx-tcp6-segmentation", false),
        ("tx-generic-segmentation", false),
        ("rx-gro", false),
    ]);
    assert_eq!(kernel.calls, [Call::Get, all_changes]);
}

#[test]
fn when_all_is_right_it_is_one_get_and_nothing_else() {
    let mut kernel = FakeKernel::e1000e();
    apply_rules(&mut kernel, &[REMEDY]);
    kernel.calls.clear();
    let outcome = apply_rules(&mut kernel, &[REMEDY]);
    assert_eq!(
        line(&outcome),
        debug("eno1: tso gso gro already off; rule a")
    );
    assert_eq!(kernel.calls, [Call::Get]);
}

#[test]
fn without_a_rule_the_kernel_is_not_asked() {
    let mut kernel = FakeKernel::e1000e();
    let outcome = apply_rules(&mut kernel, &[]);
    assert_eq!(outcome.summary(), Summary::NoRule);
    assert_eq!(Line::new(&outcome, &Event::manual()), None);
    assert_eq!(kernel.calls, []);
}

#[test]
fn off_and_fixed_is_success_when_off_is_wanted() {
    // pch_spt on Linux 6.3 and later: TSO is off and stays so.
    let mut kernel = FakeKernel::e1000e();
    kernel.add("tx-tcp-segmentation", "off [fixed]");
    kernel.add("tx-tcp6-segmentation", "off [fixed]");
    let outcome = apply_rules(&mut kernel, &["tso = false\nlro = false"]);
    assert_eq!(line(&outcome), debug("eno1: tso lro already off; rule a"));
    assert_eq!(kernel.calls, [Call::Get]);
}

#[test]
fn one_impossible_feature_never_stops_the_others() {
    let mut kernel = FakeKernel::e1000e();
    let rule = "highdma = false\nlro = true\ntso = false";
    let outcome = apply_rules(&mut kernel, &[rule]);
    let said = "eno1: highdma still on (fixed: highdma), lro still off (fixed: rx-lro), \
                tso off (was on); rule a";
    assert_eq!(line(&outcome), warning(said));
    assert_eq!(outcome.summary(), Summary::Partly);
}

#[test]
fn what_can_not_even_be_asked_for_is_not_asked_for() {
    // Naming one of NETIF_F_NEVER_CHANGE refuses the whole request.
    let mut kernel = FakeKernel::e1000e();
    let outcome = apply_rules(&mut kernel, &["netns-local = true\ngro = false"]);
    let said = "eno1: netns-local still off (fixed: netns-local), gro off (was on); rule a";
    assert_eq!(line(&outcome), warning(said));
}

mod stuck {
    use super::*;

    /// `on [requested off]`: era A/B of the driver, after a link-up at 1000 Mb/s.
    fn stuck() -> FakeKernel {
        let mut kernel = FakeKernel::e1000e();
        kernel.add("tx-tcp-segmentation", "on [requested off]");
        kernel.add("tx-tcp6-segmentation", "on [requested off]");
        kernel
    }

    const BOTH: [(&str, bool); 2] = [
        ("tx-tcp-segmentation", false),
        ("tx-tcp6-segmentation", false),
    ];

    #[test]
    fn asking_again_repairs_nothing() {
        use unhang::features::FeatureKernel;
        let mut kernel = stuck();
        let reply = BlockingConnection::run(kernel.set(IFINDEX, &BOTH)).unwrap();
        assert_eq!(reply.refused, BOTH.map(|(name, _)| name));
        assert!(kernel.is_on("tx-tcp-segmentation"));
    }

    #[test]
    fn it_is_switched_on_and_off_again() {
        let mut kernel = stuck();
        let outcome = apply_rules(&mut kernel, &["tso = false"]);
        assert_eq!(line(&outcome), info("eno1: tso off (was on); rule a"));
        let there = set(&BOTH.map(|(name, off)| (name, !off)));
        assert_eq!(kernel.calls, [Call::Get, there, set(&BOTH)]);
    }

    #[test]
    fn only_what_is_stuck_is_switched_there_and_back() {
        let mut kernel = stuck();
        apply_rules(&mut kernel, &["gro = false\ntx-tcp-segmentation = false"]);
        let there = set(&[("tx-tcp-segmentation", true)]);
        let back = set(&[("rx-gro", false), ("tx-tcp-segmentation", false)]);
        assert_eq!(kernel.calls, [Call::Get, there, back]);
        assert!(!kernel.is_on("tx-tcp-segmentation") && !kernel.is_on("rx-gro"));
    }

    #[test]
    fn what_lacks_something_that_it_depends_on_is_refused() {
        // `off [requested on]`, as after `sg off`.
        let mut kernel = FakeKernel::e1000e();
        kernel.add("tx-scatter-gather", "off");
        kernel.recompute();
        let outcome = apply_rules(&mut kernel, &["tx-tcp6-segmentation = true"]);
        let said = "eno1: tx-tcp6-segmentation still off (refused: tx-tcp6-segmentation); rule a";
        assert_eq!(line(&outcome), warning(said));
    }
}

mod at_10_or_100_megabit {
    use super::*;

    #[test]
    fn tso_that_is_off_for_the_moment_must_be_asked_for() {
        // Active is off, wanted is on: joining a bridge would switch it on for good.
        let mut kernel = FakeKernel::e1000e();
        kernel.link_up(100);
        assert!(!kernel.is_on("tx-tcp-segmentation"));
        let outcome = apply_rules(&mut kernel, &[REMEDY]);
        let said = "eno1: tso stays off (on was requested), gso gro off (were on); rule a";
        assert_eq!(line(&outcome), info(said));
        kernel.recompute();
        assert!(!kernel.is_on("tx-tcp-segmentation"));
    }

    #[test]
    fn it_comes_back_at_1000_and_the_next_apply_is_for_good() {
        let mut kernel = FakeKernel::e1000e();
        kernel.link_up(100);
        apply_rules(&mut kernel, &["tso = false"]);
        kernel.link_up(1000);
        assert!(
            kernel.is_on("tx-tcp-segmentation"),
            "the driver is no better"
        );
        let outcome = apply_rules(&mut kernel, &["tso = false"]);
        assert_eq!(line(&outcome), info("eno1: tso off (was on); rule a"));
        kernel.link_up(1000);
        assert!(!kernel.is_on("tx-tcp-segmentation"));
    }

    #[test]
    fn set_before_the_first_carrier_it_sticks() {
        let mut kernel = FakeKernel::e1000e();
        apply_rules(&mut kernel, &["tso = false"]);
        kernel.link_up(100);
        kernel.link_up(1000);
        assert!(!kernel.is_on("tx-tcp-segmentation"));
    }
}

mod names {
    use super::*;

    #[test]
    fn a_feature_that_this_kernel_lacks_is_as_good_as_off() {
        let mut kernel = FakeKernel::e1000e();
        let outcome = apply_rules(&mut kernel, &["ufo = false\ngro = false"]);
        let said = "eno1: ufo already off, gro off (was on); rule a";
        assert_eq!(line(&outcome), info(said));
    }

    #[test]
    fn a_feature_that_this_kernel_lacks_can_not_be_on() {
        let mut kernel = FakeKernel::e1000e();
        let outcome = apply_rules(&mut kernel, &["ufo = true\ngro = false"]);
        let said = "eno1: ufo unknown to this kernel, gro off (was on); rule a";
        assert_eq!(line(&outcome), warning(said));
    }

    #[test]
    fn a_misspelled_name_is_said_and_stops_nothing() {
        let mut kernel = FakeKernel::e1000e();
        let outcome = apply_rules(
            &mut kernel,
            &["tx-tcp-segmentaton = false\ntos = false\ntso = false"],
        );
        let said = "eno1: tx-tcp-segmentaton tos unknown to this kernel, tso off (was on); rule a";
        assert_eq!(line(&outcome), warning(said));
    }

    #[test]
    fn tso_includes_what_newer_kernels_have_more() {
        let mut kernel = FakeKernel::e1000e();
        kernel.add("tx-tcp-accecn-segmentation", "on");
        kernel.add("tx-tcp-of-tomorrow-segmentation", "on");
        let outcome = apply_rules(&mut kernel, &["tso = false"]);
        assert_eq!(line(&outcome), info("eno1: tso off (was on); rule a"));
        assert!(!kernel.is_on("tx-tcp-accecn-segmentation"));
        assert!(!kernel.is_on("tx-tcp-of-tomorrow-segmentation"));
    }
}

mod side_effects {
    use super::*;

    #[test]
    fn mangleid_goes_down_with_the_feature_that_it_needs() {
        let mut kernel = FakeKernel::e1000e();
        kernel.add("tx-tcp-mangleid-segmentation", "on");
        let outcome = apply_rules(&mut kernel, &["tx-tcp-segmentation = false"]);
        let said = "eno1: tx-tcp-segmentation off (was on), \
                    also tx-tcp-mangleid-segmentation off; rule a";
        assert_eq!(line(&outcome), info(said));
    }

    #[test]
    fn sg_off_takes_tso_and_gso_along() {
        let mut kernel = FakeKernel::e1000e();
        let outcome = apply_rules(&mut kernel, &["sg = false"]);
        let said = "eno1: sg off (was on), also tx-tcp-segmentation off, \
                    also tx-tcp6-segmentation off, also tx-generic-segmentation off; rule a";
        assert_eq!(line(&outcome), info(said));
    }

    #[test]
    fn what_was_asked_for_is_no_side_effect() {
        let mut kernel = FakeKernel::e1000e();
        let outcome = apply_rules(&mut kernel, &["sg = false\ntso = false\ngso = false"]);
        assert_eq!(
            line(&outcome),
            info("eno1: sg tso gso off (were on); rule a")
        );
    }

    #[test]
    fn a_feature_that_only_came_and_went_is_no_side_effect() {
        // Switching a stuck sg there and back takes tso down and brings it back.
        let mut kernel = FakeKernel::e1000e().disobeying(&[]);
        kernel.add("tx-scatter-gather", "off [requested on]");
        kernel.add("tx-tcp-segmentation", "on");
        let outcome = apply_rules(&mut kernel, &["sg = true"]);
        assert_eq!(line(&outcome), info("eno1: sg on (was off); rule a"));
    }
}

mod trouble {
    use super::*;

    #[test]
    fn a_kernel_that_acknowledges_and_does_nothing_is_found_out() {
        let mut kernel = FakeKernel::e1000e().disobeying(&["tx-tcp6-segmentation"]);
        let outcome = apply_rules(&mut kernel, &[REMEDY]);
        let said =
            "eno1: tso still on (refused: tx-tcp6-segmentation), gso gro off (were on); rule a";
        assert_eq!(line(&outcome), warning(said));
        // Now it is stuck; switching it there and back does not help either.
        let again = apply_rules(&mut kernel, &[REMEDY]);
        let said =
            "eno1: tso still on (refused: tx-tcp6-segmentation), gso gro already off; rule a";
        assert_eq!(line(&again), warning(said));
    }

    #[test]
    fn a_device_that_goes_is_no_failure_at_any_of_the_calls() {
        for call in 0..3 {
            let mut kernel = FakeKernel::e1000e();
            kernel.add("tx-tcp-segmentation", "on [requested off]");
            kernel.errors.insert(call, KernelError::Gone);
            let outcome = apply_rules(&mut kernel, &[REMEDY]);
            let name = if call == 0 { "eth0" } else { "eno1" };
            let said = format!("{name}: not changed: the NIC is gone; rule a");
            assert_eq!(line(&outcome), debug(&said), "at call {call}");
            assert_eq!(outcome.summary(), Summary::Gone);
            assert_eq!(
                kernel.calls.len(),
                call + 1,
                "nothing is asked of it any more"
            );
        }
    }

    #[test]
    fn without_the_right_it_fails_with_what_it_takes() {
        let mut kernel = FakeKernel::e1000e();
        kernel.errors.insert(1, KernelError::NotPermitted);
        let outcome = apply_rules(&mut kernel, &[REMEDY]);
        let said = "eno1: not changed: the kernel does not permit it: \
                    this needs root (CAP_NET_ADMIN); rule a";
        assert_eq!(line(&outcome), (Level::Error, said.into()));
    }

    #[test]
    fn a_kernel_too_old_fails_with_what_it_takes() {
        let mut kernel = FakeKernel::e1000e();
        kernel.errors.insert(0, KernelError::NoEthtoolNetlink);
        let outcome = apply_rules(&mut kernel, &[REMEDY]);
        assert_eq!(outcome.summary(), Summary::Failed);
        assert!(line(&outcome).1.contains("Linux 5.7"));
    }

    #[test]
    fn a_nic_renamed_in_between_is_called_by_its_new_name() {
        for call in 0..2 {
            let mut kernel = FakeKernel::e1000e();
            kernel.renames.insert(call, "enp0s31f6".into());
            let outcome = apply_rules(&mut kernel, &[REMEDY]);
            let said = "enp0s31f6: tso gso gro off (were on); rule a";
            assert_eq!(line(&outcome), info(said), "before call {call}");
        }
    }
}
