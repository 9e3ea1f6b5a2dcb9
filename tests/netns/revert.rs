//! `unhang revert`, and who leaves the NIC alone afterwards.

use super::namespace::{INFO, WARNING, ethtool, helper, isolated, remedy, rule, sh, unhang};

const REMEDY: &str = "tso = false\ngso = false\ngro = false";

#[test]
fn the_nic_is_as_before_and_stays_so_until_apply() {
    isolated(|namespace| {
        rule("v0", REMEDY);
        let before = sh("ethtool -k v0");
        unhang(&["apply"]);
        namespace.logged();
        let said = unhang(&["revert", "v0"]);
        assert_eq!(said.status, Some(0), "{said:?}");
        assert!(said.stderr.contains("until 'unhang apply v0'"), "{said:?}");
        assert_eq!(sh("ethtool -k v0"), before);
        assert_eq!(
            namespace.logged(),
            [(INFO, said.stdout.trim_end().to_owned())]
        );
        let status = unhang(&["status"]).stdout;
        assert!(status.contains("NOT in force (reverted)"), "{status}");

        let ifindex = sh("cat /sys/class/net/v0/ifindex");
        helper(&[
            ("ACTION", "move"),
            ("DEVPATH", "/devices/virtual/net/v0"),
            ("INTERFACE", "v0"),
            ("IFINDEX", ifindex.trim()),
        ]);
        unhang(&["apply", "--keep-reverted"]);
        assert_eq!(sh("ethtool -k v0"), before);
        assert_eq!(namespace.logged(), []);

        unhang(&["apply", "v0"]);
        assert_eq!(remedy("v0"), ["off", "off", "off"]);
        unhang(&["revert"]);
        assert_eq!(sh("ethtool -k v0"), before);
    });
}

#[test]
fn nothing_changed_is_nothing_to_put_back() {
    isolated(|_namespace| {
        let said = unhang(&["revert", "v0"]);
        assert_eq!(
            said.stdout,
            "v0: nothing to restore: no original settings are saved\n"
        );
        assert_eq!(said.status, Some(0));
        assert_eq!(unhang(&["revert", "nosuch"]).status, Some(4));
    });
}

#[test]
fn a_rule_that_is_gone_meanwhile_hides_nothing() {
    isolated(|namespace| {
        rule("v0", "gro = false");
        unhang(&["apply"]);
        namespace.logged();
        sh("ln -sf /dev/null /run/unhang/rules.d/60-mine.toml");
        let line = "v0: rx-gro on (was off); no rule; no driver; event revert";
        let said = unhang(&["revert", "--json"]).stdout;
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["nics"][0]["result"], "applied");
        assert_eq!(said["nics"][0]["line"], line);
        assert_eq!(namespace.logged(), [(INFO, line.to_owned())]);
        assert_eq!(ethtool("v0", "generic-receive-offload"), "on");
    });
}

#[test]
fn apply_and_revert_at_the_same_time_lose_nothing() {
    isolated(|_namespace| {
        rule("v0", REMEDY);
        let before = sh("ethtool -k v0");
        for round in 0..20 {
            std::thread::scope(|scope| {
                scope.spawn(|| unhang(&["apply"]));
                scope.spawn(|| unhang(&["revert"]));
                scope.spawn(|| unhang(&["apply"]));
            });
            unhang(&["revert"]);
            assert_eq!(sh("ethtool -k v0"), before, "round {round}");
        }
    });
}

#[test]
fn another_address_is_the_same_nic() {
    isolated(|_namespace| {
        rule("v0", REMEDY);
        let before = sh("ethtool -k v0");
        unhang(&["apply"]);
        sh("ip link set v0 address 52:54:00:12:34:56");
        unhang(&["revert"]);
        assert_eq!(sh("ethtool -k v0"), before);
    });
}

#[test]
fn everybody_may_read_what_is_saved_whatever_the_umask() {
    isolated(|_namespace| {
        rule("v0", REMEDY);
        sh("rm -rf /run/rules && mv /run/unhang/rules.d /run/rules && rmdir /run/unhang");
        let apply = format!(
            "umask 077; {} apply --rules /run/rules",
            env!("CARGO_BIN_EXE_unhang")
        );
        sh(&apply);
        let modes =
            sh("stat -c %a /run/unhang /run/unhang/nics /run/unhang/nics/* /run/unhang/lock");
        assert_eq!(modes, "755\n755\n644\n600\n");
    });
}

#[test]
fn so_is_what_the_watcher_keeps() {
    isolated(|_namespace| {
        rule("none", REMEDY);
        sh("mv /run/unhang/rules.d /run/rules && rmdir /run/unhang");
        let unhang = env!("CARGO_BIN_EXE_unhang");
        sh(&format!(
            "umask 077; {unhang} watch --rules /run/rules 2>/dev/null & watcher=$!
            for i in $(seq 100); do [ -e /run/unhang/watch.json ] && break; sleep 0.05; done
            kill $watcher"
        ));
        let modes = sh("stat -c %a /run/unhang /run/unhang/watch.json");
        assert_eq!(modes, "755\n644\n");
    });
}

#[test]
fn what_could_not_be_saved_is_told() {
    isolated(|namespace| {
        rule("v0", "gro = false");
        sh("mkdir /run/unhang/nics && mount -t tmpfs -o ro tmpfs /run/unhang/nics");
        let said = unhang(&["apply"]);
        assert_eq!(said.status, Some(0), "{said:?}");
        let why = "original settings not saved: Read-only file system";
        assert!(said.stdout.contains(why), "{said:?}");
        assert_eq!(namespace.logged()[0].0, WARNING);
    });
}

#[test]
fn that_nothing_can_be_remembered_keeps_nothing_from_being_applied() {
    isolated(|_namespace| {
        rule("v0", REMEDY);
        sh("touch /run/unhang/nics");
        assert_eq!(unhang(&["apply"]).status, Some(0));
        assert_eq!(remedy("v0"), ["off", "off", "off"]);
        let said = unhang(&["revert", "v0"]);
        assert_eq!(said.status, Some(1), "{said:?}");
        assert_eq!(remedy("v0"), ["off", "off", "off"]);
    });
}

#[test]
fn what_was_found_and_done_in_one_line() {
    isolated(|_namespace| {
        rule("v?", REMEDY);
        let said = unhang(&["apply", "--brief"]);
        assert_eq!(
            said.stdout,
            "2 NICs: v1: tso gso gro off; v0: tso gso gro off\n"
        );
        unhang(&["revert", "v1"]);
        let said = unhang(&["apply", "--brief", "--keep-reverted"]).stdout;
        assert!(said.contains("v1: skipped: reverted"), "{said}");
    });
}
