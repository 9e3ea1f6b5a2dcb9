//! What rules want, when more than one wants it or a key stands for more than one feature.

use super::kernel::FakeKernel;
use super::{apply_rules, debug, info, line, warning};

#[test]
fn the_later_one_wins_feature_by_feature() {
    let mut kernel = FakeKernel::e1000e();
    let outcome = apply_rules(&mut kernel, &["tso = false", "'tx-tcp6-*' = true"]);
    let said = "eno1: tso off (was on), tx-tcp6-* already on; rule a, b";
    assert_eq!(line(&outcome), info(said));
    assert!(kernel.is_on("tx-tcp6-segmentation") && !kernel.is_on("tx-tcp-segmentation"));
}

#[test]
fn a_rule_that_is_overridden_as_a_whole_is_not_named() {
    let mut kernel = FakeKernel::e1000e();
    let outcome = apply_rules(&mut kernel, &["tx-tcp6-segmentation = true", "tso = false"]);
    assert_eq!(line(&outcome), info("eno1: tso off (was on); rule b"));
}

#[test]
fn a_misspelled_name_set_twice_is_said_once() {
    let mut kernel = FakeKernel::e1000e();
    let outcome = apply_rules(&mut kernel, &["tos = false", "tos = true"]);
    assert_eq!(
        line(&outcome),
        warning("eno1: tos unknown to this kernel; rule b")
    );
}

mod a_group_that_is_wanted_on {
    use super::*;

    #[test]
    fn is_on_when_all_of_it_is_on_that_can_be() {
        // e1000e never has tx-tcp-ecn-segmentation, and 'ethtool -K NIC tso on' does not mind.
        let mut kernel = FakeKernel::e1000e();
        kernel.add("tx-tcp-segmentation", "off");
        let outcome = apply_rules(&mut kernel, &["tso = true"]);
        assert_eq!(line(&outcome), info("eno1: tso on (was off); rule a"));
        let again = apply_rules(&mut kernel, &["tso = true"]);
        assert_eq!(line(&again), debug("eno1: tso already on; rule a"));
    }

    #[test]
    fn is_impossible_when_none_of_it_can_be() {
        let mut kernel = FakeKernel::with(&[
            ("tx-tcp-segmentation", "off [fixed]"),
            ("tx-tcp6-segmentation", "off [fixed]"),
        ]);
        let outcome = apply_rules(&mut kernel, &["tso = true"]);
        let said = "eno1: tso still off (fixed: tx-tcp-segmentation tx-tcp6-segmentation); rule a";
        assert_eq!(line(&outcome), warning(said));
    }
}
