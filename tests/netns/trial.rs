//! `unhang try`: a trial from its beginning to its end, on the real kernel.

use std::fs;

use super::namespace::{INFO, Namespace, Said, ethtool, isolated, sh, unhang};

const DIR: &str = "/run/unhang/rules.d";
const FILE: &str = "/run/unhang/rules.d/90-trial-gro-off.toml";
const LOG: &str = "/run/kern.log";
const GRO: &str = "generic-receive-offload";

/// What the machine's log would have: v0 hung as often as `hangs`, every two days until yesterday.
fn history(hangs: u32) {
    let script = format!(
        r#"day() {{ date -u -d "$1 days ago" +%Y-%m-%dT%H:%M:%S.000000+00:00; }}
        {{
            echo "$(day {begin}) h kernel: Linux version 6.12.0"
            echo "$(day {begin}) h unhang[7]: v0: tso off (were on); rule a; e1000e 8086:15bb I219-LM (7); event add" | sed 's/were/was/'
            for n in $(seq 1 {hangs}); do
                ago=$(( ({hangs} - n) * 2 + 1 ))
                echo "$(day $ago) h kernel: e1000e 0000:00:1f.6 v0: Detected Hardware Unit Hang:"
                echo "$(day $ago) h kernel: e1000e 0000:00:1f.6 v0: Reset adapter unexpectedly"
            done
            echo "$(day 0) h kernel: end"
        }} >{LOG}"#,
        begin = hangs * 2 + 1,
    );
    sh(&script);
}

fn attempt(args: &[&str]) -> Said {
    let common = ["--rules", DIR, "try", "--log", LOG];
    unhang(&[&common, args].concat())
}

fn texts(namespace: &Namespace) -> Vec<String> {
    let logged = namespace.logged();
    assert!(logged.iter().all(|(level, _)| *level == INFO), "{logged:?}");
    logged.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn a_trial_starts_goes_on_and_is_stopped() {
    isolated(|namespace| {
        history(8);
        let before = sh("ethtool -k v0");
        let said = attempt(&["gro=off", "v0"]);
        assert_eq!(said.status, Some(0), "{said:?}");
        assert!(
            said.stdout.contains("8 bursts of incidents in "),
            "{said:?}"
        );
        assert_eq!(ethtool("v0", GRO), "off");
        let lines = texts(&namespace);
        assert!(
            lines[0].starts_with("v0: gro off (was on); rule trial-gro-off; "),
            "{lines:?}"
        );
        assert!(
            lines[1].starts_with("v0: trial gro off started ("),
            "{lines:?}"
        );
        // Any rule file is checked, and the helper applies it like any other at the next boot.
        assert_eq!(unhang(&["check", FILE]).status, Some(0));
        sh("ethtool -K v0 gro on");
        unhang(&["apply", "v0"]);
        assert_eq!(ethtool("v0", GRO), "off");
        namespace.logged();
        let status = unhang(&["status", "--json"]).stdout;
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        let v0 = status["nics"]
            .as_array()
            .unwrap()
            .iter()
            .find(|n| n["interface"] == "v0");
        assert_eq!(v0.unwrap()["trial"]["setting"], "gro off");

        let second = attempt(&["tso=off", "v0"]);
        assert_eq!(second.status, Some(1));
        assert!(
            second.stderr.contains("a trial of gro off is running"),
            "{second:?}"
        );
        let early = attempt(&["--keep"]);
        assert!(early.stderr.contains("too early: "), "{early:?}");
        assert_eq!(early.status, Some(1));

        let stopped = attempt(&["--stop"]);
        assert_eq!(stopped.status, Some(0), "{stopped:?}");
        assert_eq!(sh("ethtool -k v0"), before);
        assert!(fs::metadata(FILE).is_err());
        let lines = texts(&namespace);
        assert_eq!(
            lines,
            [
                "v0: trial gro off stopped, rx-gro on (was off); rule trial-gro-off; no driver; event trial"
            ]
        );
        let none = attempt(&["--stop"]);
        assert!(none.stderr.contains("no trial is running"), "{none:?}");
    });
}

#[test]
fn a_trial_that_was_quiet_for_long_enough_is_kept_and_one_that_was_not_is_not() {
    isolated(|_namespace| {
        history(8);
        attempt(&["gro=off", "v0"]);
        let text = fs::read_to_string(FILE).unwrap();
        let since = text.lines().find(|line| line.starts_with("since")).unwrap();
        let days_ago = |days: u32| {
            let past = sh(&format!("date -u -d '{days} days ago' +%Y-%m-%dT%H:%M:%SZ"));
            fs::write(
                FILE,
                text.replace(since, &format!("since = {}", past.trim())),
            )
            .unwrap();
        };
        let log = |line: &str, days: u32| {
            let at = sh(&format!(
                "date -u -d '{days} days ago' +%Y-%m-%dT%H:%M:%S.000000+00:00"
            ));
            let at = at.trim();
            format!("{at} h {line}\n")
        };
        let began = "unhang[7]: v0: gro off (was on); rule trial-gro-off; e1000e 8086:15bb I219-LM (7); event trial";
        let hang = "kernel: e1000e 0000:00:1f.6 v0: Detected Hardware Unit Hang:";
        days_ago(90);
        let before = log("kernel: Linux version 6.12.0", 91) + &log(began, 90);
        let (hang, end) = (log(hang, 5), log("kernel: end", 1));
        let quiet = format!("{before}{end}");
        let refuting = format!("{before}{hang}{end}");
        fs::write(LOG, refuting).unwrap();
        let refused = attempt(&["--keep"]);
        assert!(
            refused.stderr.contains("gro off did not help: 1 incident "),
            "{refused:?}"
        );
        fs::write(LOG, quiet).unwrap();
        let kept = attempt(&["--keep"]);
        assert_eq!(kept.status, Some(0), "{kept:?}");
        assert!(fs::metadata(FILE).is_err());
        let rule = fs::read_to_string(format!("{DIR}/80-gro-off.toml")).unwrap();
        assert!(
            rule.contains("8 bursts of incidents in ") && rule.contains("no incident in 89.0 days"),
            "{rule}"
        );
        assert_eq!(ethtool("v0", GRO), "off");
        unhang(&["apply", "v0"]);
        assert_eq!(ethtool("v0", GRO), "off");
    });
}

#[test]
fn what_teaches_nothing_is_refused_and_changes_nothing() {
    isolated(|namespace| {
        history(8);
        let before = sh("ethtool -k v0");
        let refused = |args: &[&str], status: i32, why: &str| {
            let said = attempt(args);
            assert_eq!(said.status, Some(status), "{said:?}");
            assert!(said.stderr.contains(why), "{said:?}");
        };
        refused(&["gro=maybe", "v0"], 2, "write on, off or a number");
        refused(&["gro=off", "nosuch"], 4, "there is no interface 'nosuch'");
        refused(&["gro=off"], 1, "name the NIC");
        refused(
            &["gro=on", "v0"],
            1,
            "gro on makes no difference: it is so already",
        );
        refused(
            &["eee=off", "v0"],
            1,
            "eee off makes no difference: this NIC does not have it",
        );
        history(0);
        refused(&["gro=off", "v0"], 1, "there is nothing to compare with");
        assert_eq!(sh("ethtool -k v0"), before);
        assert!(!sh(&format!("ls {DIR}")).contains("trial"));
        assert_eq!(namespace.logged(), []);
    });
}

#[test]
fn with_its_days_given_a_trial_needs_no_incident_before() {
    isolated(|_namespace| {
        history(0);
        let refused = attempt(&["gro=off", "v0"]);
        assert!(
            refused.stderr.contains("there is nothing to compare with"),
            "{refused:?}"
        );
        let said = attempt(&["gro=off", "v0", "--days", "30"]);
        assert_eq!(said.status, Some(0), "{said:?}");
        assert!(
            said.stdout.ends_with(
                "trial of gro off on v0: for 30.0 days of up-time; an incident ends it\n"
            ),
            "{said:?}"
        );
        assert_eq!(ethtool("v0", GRO), "off");
        let text = fs::read_to_string(FILE).unwrap();
        assert!(text.contains("needed-days = 30.0\n"), "{text}");
        assert_eq!(unhang(&["check", FILE]).status, Some(0));
        for wrong in [["--stop", "--days", "30"], ["gro=off", "--days", "0"]] {
            assert_eq!(attempt(&wrong).status, Some(2));
        }
    });
}
