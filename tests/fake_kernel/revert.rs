//! Putting back what was there before.

use std::path::PathBuf;

use unhang::apply::{Outcome, apply};
use unhang::features::{Changes, FeatureKernel, Features, KernelError};
use unhang::log::{Event, Line};
use unhang::memory::Memory;
use unhang::nic::Nic;
use unhang::revert::revert;
use unhang::rules::{decide, parse};

use super::kernel::FakeKernel;
use super::{REMEDY, nic, wait_for};

/// A kernel whose changes are remembered, as the running one's are.
struct Remembering {
    kernel: FakeKernel,
    memory: Memory,
    root: PathBuf,
}

impl Remembering {
    fn new(test: &str, kernel: FakeKernel) -> Remembering {
        let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("revert-{test}"));
        let _ = std::fs::remove_dir_all(&root);
        Remembering {
            kernel,
            memory: Memory::below(&root),
            root,
        }
    }

    fn features(&mut self) -> Features {
        wait_for(self.kernel.get(super::IFINDEX)).unwrap()
    }

    fn apply(&mut self, offloads: &str) -> Outcome {
        let rule = format!(
            "[[rule]]\nname = \"a\"\nmatch.driver = \"e1000e\"\n[rule.offload]\n{offloads}\n"
        );
        let rules = parse(&rule).unwrap();
        let decision = self.memory.respected_by(&nic(), decide(&rules, &nic()));
        wait_for(apply(self, &nic(), &decision))
    }

    fn revert(&mut self) -> Outcome {
        wait_for(revert(&mut self.kernel, &self.memory, &nic())).unwrap()
    }
}

impl Drop for Remembering {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

impl FeatureKernel for Remembering {
    async fn get(&mut self, ifindex: u32) -> Result<Features, KernelError> {
        self.kernel.get(ifindex).await
    }

    async fn set(&mut self, ifindex: u32, wanted: &[(&str, bool)]) -> Result<Changes, KernelError> {
        self.kernel.set(ifindex, wanted).await
    }

    fn remember(&mut self, nic: &Nic, before: &[(&str, bool)]) {
        self.memory.add(nic, before).unwrap();
    }
}

#[test]
fn everything_is_as_before_and_nothing_else_is_on() {
    let mut nic = Remembering::new("as-before", FakeKernel::e1000e());
    let before = nic.features();
    nic.apply(REMEDY);
    assert_ne!(nic.features(), before);
    let outcome = nic.revert();
    // tx-tcp-mangleid-segmentation would be on too after 'ethtool -K eno1 tso on'.
    assert_eq!(nic.features(), before);
    let (_, line) = Line::new(&outcome, &Event::revert()).unwrap();
    assert_eq!(line.in_force(), Some(false));
    assert_eq!(Line::parse(&line.to_string()), Some(line));
}

#[test]
fn what_went_off_along_with_it_comes_back_too() {
    let mut nic = Remembering::new("along", FakeKernel::e1000e());
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
    let mut nic = Remembering::new("was-off", kernel);
    nic.apply(REMEDY);
    nic.revert();
    assert!(!nic.kernel.is_on("rx-gro"));
    assert!(nic.kernel.is_on("tx-tcp-segmentation"));
}

#[test]
fn it_is_left_alone_until_the_revert_ends() {
    let mut nic = Remembering::new("left", FakeKernel::e1000e());
    let before = nic.features();
    nic.apply(REMEDY);
    nic.revert();
    nic.apply(REMEDY);
    assert_eq!(nic.features(), before);
    nic.memory.end_revert(&super::nic()).unwrap();
    nic.apply(REMEDY);
    assert!(!nic.kernel.is_on("rx-gro"));
    nic.revert();
    assert_eq!(nic.features(), before);
}

#[test]
fn the_state_before_the_first_change_counts_not_the_last() {
    let mut nic = Remembering::new("first", FakeKernel::e1000e());
    let before = nic.features();
    nic.apply("tso = false");
    nic.apply("tso = true");
    nic.apply(REMEDY);
    nic.revert();
    assert_eq!(nic.features(), before);
}

#[test]
fn a_revert_that_fails_forgets_nothing() {
    let mut nic = Remembering::new("fails", FakeKernel::e1000e());
    let before = nic.features();
    nic.apply(REMEDY);
    let refused = KernelError::Refused("no".into());
    nic.kernel.errors.insert(nic.kernel.calls.len(), refused);
    assert!(nic.revert().error.is_some());
    assert!(!nic.memory.is_reverted(&super::nic()));
    nic.revert();
    assert_eq!(nic.features(), before);
}
