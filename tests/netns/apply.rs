//! `unhang apply`, and what the other commands say before and after.

use std::process::Command;

use super::namespace::{INFO, Said, WARNING, ethtool, isolated, remedy, rule, sh, unhang};

const REMEDY: &str = "tso = false\ngso = false\ngro = false";

fn said(stdout: &str, status: i32) -> Said {
    Said {
        stdout: stdout.into(),
        stderr: String::new(),
        status: Some(status),
    }
}

#[test]
fn the_remedy_is_in_force_afterwards_and_logged_once() {
    isolated(|namespace| {
        rule("v0", REMEDY);
        assert_eq!(remedy("v0"), ["on", "on", "on"]);
        let line = "v0: tso gso gro off (were on); rule mine; no driver; event manual";
        assert_eq!(unhang(&["apply", "v0"]), said(&format!("{line}\n"), 0));
        assert_eq!(remedy("v0"), ["off", "off", "off"]);
        for feature in [
            "tx-tcp-segmentation",
            "tx-tcp6-segmentation",
            "tx-tcp-ecn-segmentation",
            "tx-tcp-mangleid-segmentation",
        ] {
            assert_eq!(ethtool("v0", feature), "off", "{feature}");
        }
        assert_eq!(
            ethtool("v1", "tcp-segmentation-offload"),
            "on",
            "the other end"
        );
        assert_eq!(namespace.logged(), [(INFO, line.to_owned())]);
    });
}

#[test]
fn a_second_time_there_is_nothing_to_do_and_nothing_to_log() {
    isolated(|namespace| {
        rule("v0", REMEDY);
        unhang(&["apply"]);
        namespace.logged();
        let line = "v0: tso gso gro already off; rule mine; no driver; event manual\n";
        assert_eq!(unhang(&["apply"]), said(line, 0));
        assert_eq!(namespace.logged(), []);
    });
}

#[test]
fn a_feature_that_is_fixed_is_told_and_the_others_are_done() {
    isolated(|namespace| {
        rule(
            "v0",
            "rx-fcs = true\nvlan-challenged = true\ntso = false\nlro = false",
        );
        let line = "v0: rx-fcs still off (fixed: rx-fcs), \
                    vlan-challenged still off (fixed: vlan-challenged), \
                    tso off (was on), lro already off; rule mine; no driver; event manual";
        assert_eq!(unhang(&["apply", "v0"]), said(&format!("{line}\n"), 3));
        assert_eq!(ethtool("v0", "rx-fcs"), "off [fixed]");
        assert_eq!(ethtool("v0", "tcp-segmentation-offload"), "off");
        assert_eq!(namespace.logged(), [(WARNING, line.to_owned())]);
    });
}

#[test]
fn a_feature_that_the_kernel_does_not_know_is_told_and_the_others_are_done() {
    isolated(|namespace| {
        rule(
            "v0",
            "tos = false\nufo = false\ntx-tcp6-segmentaton = true\ngro = false",
        );
        let line = "v0: tos tx-tcp6-segmentaton unknown to this kernel, ufo already off, \
                    gro off (was on); rule mine; no driver; event manual";
        assert_eq!(unhang(&["apply", "v0"]), said(&format!("{line}\n"), 3));
        assert_eq!(ethtool("v0", "generic-receive-offload"), "off");
        assert_eq!(namespace.logged(), [(WARNING, line.to_owned())]);
    });
}

#[test]
fn what_a_feature_takes_along_is_told() {
    isolated(|_| {
        rule("v0", "tx-scatter-gather = false");
        let said = unhang(&["apply", "v0"]);
        assert!(
            said.stdout.contains("tx-scatter-gather off (was on), "),
            "{said:?}"
        );
        assert!(
            said.stdout.contains(", also tx-tcp-segmentation off"),
            "{said:?}"
        );
        assert_eq!(ethtool("v0", "tx-tcp-segmentation"), "off [requested on]");
    });
}

#[test]
fn what_lacks_something_that_it_depends_on_is_refused() {
    isolated(|_| {
        sh("ethtool -K v0 sg off");
        rule("v0", "tx-tcp6-segmentation = true");
        let line = "v0: tx-tcp6-segmentation still off (refused: tx-tcp6-segmentation); \
                    rule mine; no driver; event manual\n";
        assert_eq!(unhang(&["apply", "v0"]), said(line, 3));
    });
}

#[test]
fn a_group_can_be_switched_on_again() {
    isolated(|_| {
        sh("ethtool -K v0 tso off");
        rule("v0", "tso = true");
        let line = "v0: tso on (was off); rule mine; no driver; event manual\n";
        assert_eq!(unhang(&["apply", "v0"]), said(line, 0));
        assert_eq!(ethtool("v0", "tcp-segmentation-offload"), "on");
    });
}

#[test]
fn a_dry_run_changes_nothing_and_shows_the_plan() {
    isolated(|namespace| {
        rule("v0", "gso = false\nlro = false\nrx-fcs = true");
        let plan = "v0: no driver; rule mine\n\
                    \x20 gso     to switch off: tx-generic-segmentation\n\
                    \x20 lro     fixed off: rx-lro\n\
                    \x20 rx-fcs  fixed off, can't be changed: rx-fcs\n";
        assert_eq!(unhang(&["apply", "--dry-run"]), said(plan, 0));
        assert_eq!(ethtool("v0", "generic-segmentation-offload"), "on");
        assert_eq!(namespace.logged(), []);
    });
}

#[test]
fn status_says_before_and_after_whether_the_rule_is_in_force() {
    isolated(|_| {
        rule("v0", REMEDY);
        let before = unhang(&["status", "--check"]);
        assert_eq!(before.status, Some(1), "{before:?}");
        assert!(before.stdout.contains("NOT in force"), "{before:?}");
        assert!(before.stdout.contains("tso gso gro on"), "{before:?}");
        unhang(&["apply"]);
        let after = unhang(&["status", "--check"]);
        assert_eq!(after.status, Some(0), "{after:?}");
        assert!(after.stdout.contains("tso gso gro off"), "{after:?}");
        assert!(!after.stdout.contains("NOT"), "{after:?}");
    });
}

#[test]
fn json_says_the_same() {
    isolated(|_| {
        rule("v0", "tso = false\nrx-fcs = true");
        let json = |args: &[&str]| -> serde_json::Value {
            serde_json::from_str(&unhang(args).stdout).unwrap()
        };
        let applied = json(&["apply", "--json"]);
        let nic = &applied["nics"][0];
        assert_eq!(
            (&nic["interface"], &nic["result"]),
            (&"v0".into(), &"partly".into())
        );
        let status = json(&["status", "--json"]);
        let nic = &status["nics"][0];
        assert_eq!(nic["in_force"], false);
        assert_eq!(nic["offloads"]["tso"]["state"], "right");
        assert_eq!(nic["offloads"]["rx-fcs"]["state"], "impossible");
        let explained = json(&["explain", "v0", "--json"]);
        assert_eq!(explained["offloads"], nic["offloads"]);
    });
}

#[test]
fn many_nics_are_done_in_one_go() {
    isolated(|namespace| {
        sh("for i in $(seq 20); do ip link add a$i type veth peer name b$i; done");
        rule("a*", "tso = false");
        let said = unhang(&["apply", "--all"]);
        assert_eq!((said.status, said.stdout.lines().count()), (Some(0), 20));
        assert_eq!(namespace.logged().len(), 20);
        for number in 1..=20 {
            assert_eq!(
                ethtool(&format!("a{number}"), "tcp-segmentation-offload"),
                "off"
            );
            assert_eq!(
                ethtool(&format!("b{number}"), "tcp-segmentation-offload"),
                "on"
            );
        }
    });
}

#[test]
fn a_nic_that_is_not_there_has_an_exit_status_of_its_own() {
    isolated(|_| {
        rule("v0", "tso = false");
        let said = unhang(&["apply", "eth7", "v0"]);
        assert_eq!(said.status, Some(4));
        assert!(
            said.stderr.contains("there is no interface 'eth7'"),
            "{said:?}"
        );
        assert!(
            said.stdout.starts_with("v0: tso off (was on)"),
            "the other is done: {said:?}"
        );
    });
}

#[test]
fn a_nic_that_no_rule_is_for_is_left_alone() {
    isolated(|_| {
        rule("v0", "tso = false");
        let line = "v1: no rule matches this NIC; 'unhang explain v1' says why\n";
        assert_eq!(unhang(&["apply", "v1"]), said(line, 0));
        assert_eq!(ethtool("v1", "tcp-segmentation-offload"), "on");
    });
}

#[test]
fn an_ordinary_user_is_told_what_it_takes() {
    isolated(|namespace| {
        rule("v0", "tso = false");
        // Where nobody else may go, a copy of the program.
        sh("mkdir -p /run/bin");
        std::fs::copy(env!("CARGO_BIN_EXE_unhang"), "/run/bin/unhang").unwrap();
        let said: Said = Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .args(["/run/bin/unhang", "apply", "v0"])
            .output()
            .expect("setpriv is needed: apt-get install util-linux")
            .into();
        let line = "v0: not changed: the kernel does not permit it: \
                    this needs root (CAP_NET_ADMIN); rule mine; no driver; event manual\n";
        assert_eq!(
            (said.stdout.as_str(), said.status),
            (line, Some(1)),
            "{said:?}"
        );
        assert_eq!(ethtool("v0", "tcp-segmentation-offload"), "on");
        assert_eq!(namespace.logged(), []);
    });
}

#[test]
fn a_name_that_steers_a_terminal_is_shown() {
    isolated(|namespace| {
        sh("ip link set v0 name \"$(printf 'v\\033[7m')\"");
        rule("v*", "gro = false");
        for args in [
            &["apply", "--dry-run"][..],
            &["apply"],
            &["revert"],
            &["status"],
        ] {
            let Said { stdout, stderr, .. } = unhang(args);
            assert!(stdout.contains(r"v\u{1b}[7m"), "{args:?}: {stdout}");
            assert!(!(stdout + &stderr).contains("\u{1b}[7m"), "{args:?}");
        }
        let logged = namespace.logged();
        assert!(
            logged[0].1.starts_with(r"v\u{1b}[7m: gro off"),
            "{logged:?}"
        );
    });
}

#[test]
fn an_alternative_name_is_a_name() {
    isolated(|_| {
        let long = "a-name-that-is-longer-than-any-interface's";
        sh(&format!("ip link property add dev v0 altname \"{long}\""));
        rule("v0", "gro = false");
        let line = "v0: gro off (was on); rule mine; no driver; event manual\n";
        assert_eq!(unhang(&["apply", long]), said(line, 0));
        let explained = unhang(&["explain", long]).stdout;
        assert!(explained.starts_with("v0: "), "{explained}");
        assert_eq!(unhang(&["revert", long]).status, Some(0));
        assert_eq!(ethtool("v0", "generic-receive-offload"), "on");
    });
}

/// An Ethernet cable's end is no hardware: udev's files say that it is, for the real one's number.
#[test]
fn generate_takes_an_alternative_name() {
    isolated(|_| {
        sh("ip link property add dev v0 altname the-long-name");
        let ifindex = sh("cat /sys/class/net/v0/ifindex");
        let machine = format!(
            "P: /devices/pci0000:00/0000:00:1f.6
E: SUBSYSTEM=pci

P: /devices/pci0000:00/0000:00:1f.6/net/v0
E: SUBSYSTEM=net
E: INTERFACE=v0
E: IFINDEX={0}
E: ID_NET_DRIVER=e1000e
A: ifindex={0}\\n
L: device=../../../0000:00:1f.6
",
            ifindex.trim_end()
        );
        std::fs::write("/run/machine", machine).unwrap();
        rule("v0", "gro = false");
        let program = env!("CARGO_BIN_EXE_unhang");
        let generated = sh(&format!(
            "umockdev-run --device /run/machine -- {program} generate systemd-unit --dry-run the-long-name"
        ));
        assert!(generated.contains("-K v0 gro off\n"), "{generated}");
        assert!(generated.contains(": systemd-unit v0;"), "{generated}");
    });
}
