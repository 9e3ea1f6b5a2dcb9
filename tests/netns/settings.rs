//! Settings beside offloads on the real kernel: a tap device has one, coalescing of received
//! frames, and veth has none.

use super::namespace::{DEBUG, INFO, WARNING, helper, isolated, rule, sh, unhang};

fn rx_frames() -> String {
    let all = sh("ethtool -c tap0");
    let line = all.lines().find_map(|line| line.strip_prefix("rx-frames:"));
    line.unwrap().trim().to_owned()
}

fn tap() {
    sh("mkdir /dev/net; mknod /dev/net/tun c 10 200
        ip tuntap add dev tap0 mode tap; ethtool -C tap0 rx-frames 5");
}

/// After the offloads of a rule come its other tables.
const RULE: &str = "gro = false\n[rule.coalesce]\nrx-frames = 10\n[rule.eee]\nenabled = false";

#[test]
fn by_hand_it_is_set_verified_and_restored() {
    isolated(|namespace| {
        tap();
        rule("tap0", RULE);
        let status = unhang(&["status", "--json"]).stdout;
        for said in [
            r#""coalesce": {"#,
            r#""wanted": 10,"#,
            r#""active": 5,"#,
            r#""state": "change""#,
        ] {
            assert!(status.contains(said), "{said} in {status}");
        }
        let dry_run = unhang(&["apply", "--dry-run", "tap0"]).stdout;
        assert!(
            dry_run.contains("coalesce rx-frames  to set 10 (is 5)\n"),
            "{dry_run}"
        );
        assert_eq!(rx_frames(), "5");
        let line = "tap0: gro off (was on), coalesce rx-frames 10 (was 5), eee off (not supported by this NIC)";
        let done = unhang(&["apply", "tap0"]);
        assert!(done.stdout.starts_with(line), "{done:?}");
        assert_eq!((rx_frames().as_str(), done.status), ("10", Some(0)));
        let logged = namespace.logged();
        assert_eq!((logged.len(), logged[0].0), (1, INFO));
        let again = unhang(&["apply", "tap0"]);
        assert!(
            again.stdout.contains("coalesce rx-frames already 10"),
            "{again:?}"
        );
        assert_eq!(namespace.logged(), []);
        assert!(unhang(&["status"]).stdout.contains("in force"));
        let reverted = unhang(&["revert", "tap0"]);
        assert!(
            reverted.stdout.contains("coalesce rx-frames 5 (was 10)"),
            "{reverted:?}"
        );
        assert_eq!(rx_frames(), "5");
    });
}

#[test]
fn the_helper_sets_it_too() {
    isolated(|namespace| {
        tap();
        rule("tap0", RULE);
        let ifindex = sh("cat /sys/class/net/tap0/ifindex");
        let event = [
            ("ACTION", "add"),
            ("INTERFACE", "tap0"),
            ("IFINDEX", ifindex.trim()),
        ];
        let devpath = ("DEVPATH", "/devices/virtual/net/tap0");
        let event = [&event[..], &[devpath]].concat();
        assert_eq!(helper(&event).status, Some(0));
        assert_eq!(rx_frames(), "10");
        assert_eq!(helper(&event).status, Some(0));
        let levels: Vec<u8> = namespace.logged().iter().map(|(level, _)| *level).collect();
        assert_eq!(levels, [INFO, DEBUG]);
    });
}

#[test]
fn what_the_kernel_makes_otherwise_is_told() {
    isolated(|namespace| {
        tap();
        // tun takes 64 at most (NAPI_POLL_WEIGHT).
        rule(
            "tap0",
            "gro = false\n[rule.coalesce]\nrx-frames = 1000\ntx-usecs = 7\n[rule.ring]\nrx = 512",
        );
        let done = unhang(&["apply", "tap0"]);
        let line = "tap0: gro off (was on), coalesce rx-frames still 64 (1000 does not last), coalesce tx-usecs not supported by this NIC, ring not supported by this NIC; rule mine";
        assert!(done.stdout.starts_with(line), "{done:?}");
        assert_eq!(done.status, Some(3));
        let logged = namespace.logged();
        assert_eq!((logged.len(), logged[0].0), (1, WARNING));
    });
}
