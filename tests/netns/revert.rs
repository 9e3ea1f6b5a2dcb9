//! `unhang revert`, and who leaves the NIC alone afterwards.

use super::namespace::{INFO, helper, isolated, remedy, rule, sh, unhang};

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
            "v0: nothing to put back: unhang changed nothing\n"
        );
        assert_eq!(said.status, Some(0));
        assert_eq!(unhang(&["revert", "nosuch"]).status, Some(4));
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
        assert!(
            said.contains("v1: left as 'unhang revert' put it"),
            "{said}"
        );
    });
}
