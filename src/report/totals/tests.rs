use super::*;
use crate::report::sources::{Source, read_all};
use jiff::tz::TimeZone;
use std::fmt::Write as _;

const HOUR: u64 = 3600;

type Lines<'a> = &'a [(u64, &'a str)];

/// Boots of a journal: ID, beginning, and lines by the seconds since it.
fn journal(boots: &[(u64, u64, Lines)]) -> History {
    let mut text = String::new();
    for (id, start, lines) in boots {
        for (at, line) in *lines {
            let (kind, message) = match *line {
                "block" => (
                    "kernel",
                    "e1000e 0000:00:1f.6 eno1: Detected Hardware Unit Hang:",
                ),
                "reset" => (
                    "kernel",
                    "e1000e 0000:00:1f.6 eno1: Reset adapter unexpectedly",
                ),
                "boot" => ("kernel", "Linux version 6.12.1 (b@h) #1 SMP"),
                "off" => (
                    "unhang",
                    "eno1: tso gso gro off (were on); rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event add",
                ),
                other => ("kernel", other),
            };
            let (wall, up) = ((start + at) * 1_000_000, at * 1_000_000);
            let _ = writeln!(
                text,
                r#"{{"__REALTIME_TIMESTAMP":"{wall}","__MONOTONIC_TIMESTAMP":"{up}","_BOOT_ID":"{id:032x}","SYSLOG_IDENTIFIER":"{kind}","_TRANSPORT":"{}","MESSAGE":"{message}"}}"#,
                if kind == "kernel" { "kernel" } else { "syslog" }
            );
        }
    }
    let mut history = History::default();
    let bytes = Box::new(std::io::Cursor::new(text.into_bytes()));
    let source = Source::new("j".into(), bytes, &TimeZone::UTC, 0).unwrap();
    read_all(vec![source], |seen| history.observe(seen));
    history.finish();
    history
}

/// Incidents, bursts and hours by configuration.
fn shown(totals: &Totals) -> Vec<(&str, u64, u64, f64)> {
    let hours = |t: &Total| (t.exposure_s / 360.0).round() / 10.0;
    let list = totals.list.iter();
    list.map(|t| (t.configuration.as_str(), t.incidents, t.bursts, hours(t)))
        .collect()
}

const OFF: &str = "tso gso gro off";

#[test]
fn nothing_is_counted_twice_and_nothing_lost_when_the_journal_forgets() {
    let mut totals = Totals::default();
    let early: Lines = &[
        (0, "boot"),
        (5, "off"),
        (HOUR, "block"),
        (HOUR + 5, "reset"),
        (10 * HOUR, "usb 1-1: x"),
    ];
    totals.go_on(&journal(&[(1, 1_700_000_000, early)]), &[]);
    assert_eq!(shown(&totals), [(OFF, 1, 1, 10.0)]);
    totals.go_on(&journal(&[(1, 1_700_000_000, early)]), &[]);
    assert_eq!(shown(&totals), [(OFF, 1, 1, 10.0)]);
    // The journal has forgotten the beginning, and with it what is in force.
    let late: Lines = &[
        (9 * HOUR, "usb 1-1: x"),
        (11 * HOUR, "block"),
        (11 * HOUR + 5, "reset"),
        (12 * HOUR, "block"),
        (12 * HOUR + 5, "reset"),
        (20 * HOUR, "usb 1-1: x"),
    ];
    totals.go_on(&journal(&[(1, 1_700_000_000, late)]), &[]);
    assert_eq!(shown(&totals), [(OFF, 3, 2, 20.0)]);
    // After a restart: the rest of the boot before, and this one.
    let rest: Lines = &[
        (19 * HOUR, "usb 1-1: x"),
        (22 * HOUR, "block"),
        (22 * HOUR + 30, "usb 1-1: x"),
    ];
    let next: Lines = &[(0, "boot"), (5, "off"), (2 * HOUR, "usb 1-1: x")];
    let both = [(1, 1_700_000_000, rest), (2, 1_700_100_000, next)];
    let mut other = totals.clone();
    totals.go_on(&journal(&both), &[]);
    let counted: u64 = totals.list.iter().map(|t| t.incidents).sum();
    assert_eq!(counted, 4, "{:?}", shown(&totals));
    // The journal has nothing of the boot before.
    other.go_on(&journal(&both[1..]), &[]);
    assert_eq!(shown(&other), [(OFF, 3, 2, 22.0)]);
}

#[test]
fn a_nic_that_is_not_in_the_log_has_up_time() {
    let mut totals = Totals::default();
    let lines: Lines = &[(0, "boot"), (2 * HOUR, "usb 1-1: x")];
    let nic = Known {
        interface: "eno9",
        chip: "I217-LM",
    };
    totals.go_on(&journal(&[(1, 1_700_000_000, lines)]), &[nic]);
    assert_eq!(shown(&totals), [("not known", 0, 0, 2.0)]);
    assert_eq!(totals.list[0].chip, "I217-LM");
}

#[test]
fn the_file_is_read_back_and_damage_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metrics.json");
    assert_eq!(Totals::read(&path).unwrap(), Totals::default());
    let mut totals = Totals::default();
    let lines: Lines = &[
        (0, "boot"),
        (5, "off"),
        (HOUR, "block"),
        (3 * HOUR, "reset"),
    ];
    totals.go_on(&journal(&[(1, 1_700_000_000, lines)]), &[]);
    totals.write(&path).unwrap();
    assert_eq!(Totals::read(&path).unwrap(), totals);
    for damage in ["", "{", "{\"schema\":2}", "[]"] {
        std::fs::write(&path, damage).unwrap();
        assert!(Totals::read(&path).is_err(), "{damage}");
    }
}
