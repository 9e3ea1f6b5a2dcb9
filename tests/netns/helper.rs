//! The helper, called as udevd calls it.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::{Duration, Instant};

use super::namespace::{
    DEBUG, ERROR, INFO, Said, WARNING, ethtool, helper, helper_program, isolated, remedy, rule, sh,
    stop_reading_the_log,
};

const REMEDY: &str = "tso = false\ngso = false\ngro = false";

fn silence(status: i32) -> Said {
    Said {
        stdout: String::new(),
        stderr: String::new(),
        status: Some(status),
    }
}

fn ifindex(interface: &str) -> String {
    let index = fs::read_to_string(format!("/sys/class/net/{interface}/ifindex")).unwrap();
    index.trim().to_owned()
}

/// Calls the helper for an event of this NIC.
fn event(action: &str, interface: &str, ifindex: &str) -> Said {
    helper(&[
        ("ACTION", action),
        ("DEVPATH", &format!("/devices/virtual/net/{interface}")),
        ("SUBSYSTEM", "net"),
        ("INTERFACE", interface),
        ("IFINDEX", ifindex),
        ("ID_NET_DRIVER", "veth"),
    ])
}

fn add(interface: &str) -> Said {
    event("add", interface, &ifindex(interface))
}

#[test]
fn an_added_nic_gets_the_remedy_and_one_log_line() {
    isolated(|namespace| {
        rule("v0", REMEDY);
        assert_eq!(add("v0"), silence(0));
        assert_eq!(remedy("v0"), ["off", "off", "off"]);
        let line = "v0: tso gso gro off (were on); rule mine; veth; event add";
        assert_eq!(namespace.logged(), [(INFO, line.to_owned())]);
    });
}

#[test]
fn rules_match_by_the_driver_of_the_event() {
    isolated(|namespace| {
        rule("v0", "tso = false");
        sh("sed -i 's/interface = .*/driver = \"veth\"/' /run/unhang/rules.d/60-mine.toml");
        assert_eq!(add("v1"), silence(0));
        let line = "v1: tso off (was on); rule mine; veth; event add";
        assert_eq!(namespace.logged(), [(INFO, line.to_owned())]);
    });
}

#[test]
fn nothing_above_debug_is_logged_when_all_was_right() {
    isolated(|namespace| {
        rule("v0", REMEDY);
        add("v0");
        namespace.logged();
        assert_eq!(add("v0"), silence(0));
        let line = "v0: tso gso gro already off; rule mine; veth; event add";
        assert_eq!(namespace.logged(), [(DEBUG, line.to_owned())]);
        // The move that follows most adds is no news at all.
        assert_eq!(event("move", "v0", &ifindex("v0")), silence(0));
        assert_eq!(namespace.logged(), []);
    });
}

#[test]
fn a_rename_between_event_and_action_does_not_matter() {
    isolated(|namespace| {
        rule("v0", REMEDY);
        let number = ifindex("v0");
        sh("ip link set v0 name enp9s0 && ip link set v1 name v0");
        assert_eq!(event("add", "v0", &number), silence(0));
        assert_eq!(remedy("enp9s0"), ["off", "off", "off"]);
        assert_eq!(
            ethtool("v0", "tcp-segmentation-offload"),
            "on",
            "a namesake"
        );
        let line = "enp9s0: tso gso gro off (were on); rule mine; veth; event add";
        assert_eq!(namespace.logged(), [(INFO, line.to_owned())]);
    });
}

#[test]
fn a_nic_that_has_vanished_is_no_failure() {
    isolated(|namespace| {
        rule("v0", REMEDY);
        let number = ifindex("v0");
        sh("ip link delete v0");
        assert_eq!(event("add", "v0", &number), silence(0));
        let line = "v0: not changed: the NIC is gone; rule mine; veth; event add";
        assert_eq!(namespace.logged(), [(DEBUG, line.to_owned())]);
    });
}

#[test]
fn nothing_is_done_on_remove() {
    isolated(|namespace| {
        rule("v0", REMEDY);
        assert_eq!(event("remove", "v0", &ifindex("v0")), silence(0));
        assert_eq!(ethtool("v0", "tcp-segmentation-offload"), "on");
        assert_eq!(namespace.logged(), []);
    });
}

#[test]
fn nothing_is_done_or_said_without_a_rule() {
    isolated(|namespace| {
        rule("other*", REMEDY);
        assert_eq!(add("v0"), silence(0));
        assert_eq!(ethtool("v0", "tcp-segmentation-offload"), "on");
        assert_eq!(namespace.logged(), []);
    });
}

#[test]
fn broken_rule_files_are_logged_with_their_place_and_the_good_ones_count() {
    isolated(|namespace| {
        rule("v0", "tso = false");
        sh("cd /run/unhang/rules.d
            printf '[[rule]]\\nname = broken\\n' > 10-broken.toml
            ln -s nothing.toml 20-dangling.toml
            mkfifo 30-pipe.toml
            cp 60-mine.toml 40-foreign.toml
            chown 65534 40-foreign.toml");
        assert_eq!(add("v0"), silence(0));
        let dir = "rule file skipped: /run/unhang/rules.d";
        let expected = [
            (
                WARNING,
                format!(
                    "{dir}/10-broken.toml:2:8: this is not TOML: string values must be quoted; \
                     write \"broken\""
                ),
            ),
            (
                WARNING,
                format!("{dir}/20-dangling.toml is a dangling symlink to nothing.toml"),
            ),
            (WARNING, format!("{dir}/30-pipe.toml is not a regular file")),
            (
                WARNING,
                format!(
                    "{dir}/40-foreign.toml is refused, because it belongs to user 65534: \
                     run 'chown root' on it"
                ),
            ),
            (
                INFO,
                "v0: tso off (was on); rule mine; veth; event add".to_owned(),
            ),
        ];
        assert_eq!(namespace.logged(), expected);
    });
}

#[test]
fn a_mask_of_another_user_masks_nothing() {
    isolated(|namespace| {
        sh("mount -t tmpfs -o mode=755 tmpfs /usr/local/lib
            mkdir -p /usr/local/lib/unhang/rules.d");
        rule("v0", "tso = false");
        sh("cd /run/unhang/rules.d
            mv 60-mine.toml /usr/local/lib/unhang/rules.d/
            ln -s /dev/null 60-mine.toml
            chown -h 65534 60-mine.toml");
        assert_eq!(add("v0"), silence(0));
        let skipped = "rule file skipped: /run/unhang/rules.d/60-mine.toml is refused, because \
                       it belongs to user 65534: run 'chown -h root' on it";
        let done = "v0: tso off (was on); rule mine; veth; event add";
        let expected = [(WARNING, skipped.to_owned()), (INFO, done.to_owned())];
        assert_eq!(namespace.logged(), expected);
        sh("chown -h root /run/unhang/rules.d/60-mine.toml; ethtool -K v0 tso on");
        add("v0");
        assert_eq!(namespace.logged(), []);
    });
}

#[test]
fn what_the_kernel_does_not_do_is_a_warning_and_no_failure_of_the_event() {
    isolated(|namespace| {
        rule("v0", "rx-fcs = true");
        assert_eq!(add("v0"), silence(0));
        let line = "v0: rx-fcs still off (fixed: rx-fcs); rule mine; veth; event add";
        assert_eq!(namespace.logged(), [(WARNING, line.to_owned())]);
    });
}

#[test]
fn a_log_that_nobody_reads_does_not_keep_the_nic_from_being_right() {
    isolated(|_namespace| {
        rule("v0", REMEDY);
        stop_reading_the_log();
        let start = Instant::now();
        let said = add("v0");
        let took = start.elapsed();
        assert!(took < Duration::from_secs(2), "{took:?}");
        assert_eq!(remedy("v0"), ["off", "off", "off"]);
        // There is no /dev/kmsg here, so it is said on stderr.
        let line = "unhang: v0: tso gso gro off (were on); rule mine; veth; event add\n";
        assert_eq!((said.stderr.as_str(), said.status), (line, Some(0)));
    });
}

#[test]
fn without_an_event_it_says_what_it_is() {
    isolated(|_| {
        let said = helper(&[]);
        assert_eq!(said.status, Some(2));
        assert_eq!(
            said.stderr,
            "unhang: INTERFACE is not set: this program is called by udev for a net device; \
             by hand, use 'unhang apply'\n"
        );
    });
}

#[test]
fn one_line_is_one_line() {
    isolated(|namespace| {
        let forged = "2\nv0: tso off (were on)";
        let said = event("add", "v0", forged);
        let line = r"IFINDEX is '2\nv0: tso off (were on)', which is no interface number";
        assert_eq!(said.stderr, format!("unhang: {line}\n"));
        assert_eq!(namespace.logged(), [(ERROR, line.to_owned())]);
    });
}

#[test]
fn what_nobody_hears_is_no_crash() {
    isolated(|_namespace| {
        let helper = helper_program();
        sh(&format!(
            "rc=0; {} 2>/dev/full || rc=$?; [ $rc = 2 ]",
            helper.display()
        ));
        let (reader, stderr) = UnixStream::pair().unwrap();
        drop(reader);
        let status = Command::new(helper).stderr(OwnedFd::from(stderr)).status();
        assert_eq!(status.unwrap().code(), Some(2));
    });
}
