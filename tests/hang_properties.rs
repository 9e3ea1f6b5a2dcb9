//! Whatever a log looks like: no panic, no block lost, none invented.

use jiff::tz::TimeZone;
use proptest::prelude::*;
use unhang::kernel_log::{Clock, KernelEvent, Reader, Seen};
use unhang::report::history::History;
use unhang::report::metrics::Kernel;
use unhang::report::totals::Totals;

fn read(log: &[u8]) -> Vec<Seen> {
    let clock = Clock::new(TimeZone::UTC, 1_774_008_000_000_000);
    Reader::new(log, clock)
        .map(|seen| seen.expect("memory does not fail"))
        .collect()
}

fn history(log: &[u8]) -> History {
    let mut history = History::default();
    for seen in read(log) {
        history.observe(seen);
    }
    history.finish();
    history
}

#[derive(Clone, Copy, Debug)]
enum Style {
    Dmesg,
    Indented,
    Syslog,
    OneLine,
    Raw,
    Json,
    Coloured,
}

const STYLES: [Style; 7] = [
    Style::Dmesg,
    Style::Indented,
    Style::Syslog,
    Style::OneLine,
    Style::Raw,
    Style::Json,
    Style::Coloured,
];

fn joined(lines: impl Iterator<Item = String>) -> String {
    lines.collect()
}

/// A record of the kernel in one of the forms in which it reaches files.
fn record(style: Style, at: u32, message: &str) -> String {
    let stamp = format!("[{:>5}.{:06}] ", at, 250_000);
    let lines = || message.split('\n');
    match style {
        Style::Dmesg => joined(lines().map(|l| format!("{stamp}{l}\n"))),
        Style::Indented => {
            let indent = " ".repeat(stamp.len());
            format!("{stamp}{}\n", message.replace('\n', &format!("\n{indent}")))
        }
        Style::Syslog => {
            joined(lines().map(|l| format!("Mar  7 03:12:44 srv kernel: {stamp}{l}\n")))
        }
        Style::OneLine => format!(
            "{stamp}{}\n",
            message.split_whitespace().collect::<Vec<_>>().join(" ")
        ),
        Style::Raw => format!(
            "3,77,{at}250000,-;{}\n SUBSYSTEM=pci\n",
            message.replace('\n', "\\x0a")
        ),
        Style::Coloured => {
            let (head, tail) = message.split_at(message.find(": ").map_or(0, |at| at + 1));
            format!("\x1b[32m{stamp}\x1b[0m\x1b[33m{head}\x1b[0m\x1b[1m\x1b[31m{tail}\x1b[0m\n")
        }
        Style::Json => format!(
            "{{\"__MONOTONIC_TIMESTAMP\":\"{at}250000\",\"_TRANSPORT\":\"kernel\",\"SYSLOG_IDENTIFIER\":\"kernel\",\"MESSAGE\":{}}}\n",
            serde_json::Value::from(message)
        ),
    }
}

fn block(nic: usize, at: u32) -> String {
    let device = ["0000:00:1f.6 eno1", "0000:02:00.0 enp2s0"][nic];
    format!(
        "e1000e {device}: Detected Hardware Unit Hang:\n  TDH                  <{:x}>\n  TDT                  <{:x}>\n  next_to_use          <4>\n  next_to_clean        <1>\nbuffer_info[next_to_clean]:\n  time_stamp           <{:x}>\n  next_to_watch        <1>\n  jiffies              <{:x}>\n  next_to_watch.status <0>\nMAC Status             <40080083>\nPHY Status             <796d>\nPHY 1000BASE-T Status  <3800>\nPHY Extended Status    <3000>\nPCI Status             <10>",
        nic + 1,
        nic + 9,
        at,
        at + 600
    )
}

#[derive(Clone, Debug)]
enum Thing {
    Block(usize),
    Dull(String),
    Bytes(Vec<u8>),
}

fn thing() -> impl Strategy<Value = Thing> {
    prop_oneof![
        4 => (0..2usize).prop_map(Thing::Block),
        3 => "[ -~]{0,60}".prop_map(Thing::Dull),
        1 => proptest::collection::vec(any::<u8>(), 0..60).prop_map(Thing::Bytes),
    ]
}

/// The log, and how many blocks of each NIC are in it. Things come two seconds apart.
fn log(things: &[Thing], style: Style) -> (Vec<u8>, [u64; 2]) {
    let (mut out, mut counts) = (Vec::new(), [0, 0]);
    for (at, thing) in (1000..).step_by(2).zip(things) {
        match thing {
            Thing::Block(nic) => {
                counts[*nic] += 1;
                out.extend(record(style, at, &block(*nic, at)).into_bytes());
            }
            Thing::Dull(text) => out.extend(record(style, at, text).into_bytes()),
            Thing::Bytes(bytes) => {
                out.extend(bytes.iter().filter(|b| **b != b'\n'));
                out.push(b'\n');
            }
        }
    }
    (out, counts)
}

fn blocks(history: &History) -> [u64; 2] {
    ["eno1", "enp2s0"].map(|name| {
        let nics = history.incidents.nics.iter();
        let named = nics.filter(|n| n.device.name.as_deref() == Some(name));
        named.map(|n| n.blocks).sum()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_block_of_both_nics_is_counted(
        things in proptest::collection::vec(thing(), 0..60),
        style in proptest::sample::select(&STYLES[..]),
    ) {
        let (log, counts) = log(&things, style);
        let history = history(&log);
        prop_assert_eq!(blocks(&history), counts);
        prop_assert!(history.incidents.list.iter().all(|i| !i.registers.is_empty()));
    }

    #[test]
    fn a_cut_anywhere_loses_at_most_the_block_that_it_cuts(
        things in proptest::collection::vec(thing(), 1..40),
        style in proptest::sample::select(&STYLES[..]),
        cut in any::<prop::sample::Index>(),
    ) {
        let (log, counts) = log(&things, style);
        let cut = cut.index(log.len() + 1);
        let mut found = [0, 0];
        for part in [&log[..cut], &log[cut..]] {
            let got = blocks(&history(part));
            found = [found[0] + got[0], found[1] + got[1]];
        }
        let (found, all) = (found[0] + found[1], counts[0] + counts[1]);
        prop_assert!(found <= all + 1 && found + 1 >= all, "{found} of {all}");
    }

    #[test]
    fn any_bytes_are_data(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let history = history(&bytes);
        serde_json::to_vec(&unhang::report::json::Report(&history)).unwrap();
    }

    #[test]
    fn pieces_of_logs_in_any_order_are_data(
        pieces in proptest::collection::vec(prop_oneof![
            Just(b"e1000e 0000:00:1f.6 eno1: Detected Hardware Unit Hang:".to_vec()),
            Just(b"Detected Tx Unit Hang ".to_vec()),
            Just(b"  TDH                  <1> ".to_vec()),
            Just(b"[  +0.100000] ".to_vec()), Just(b"[ 12.345678] ".to_vec()),
            Just(b"[Nov22 15:51] ".to_vec()), Just(b"Mar  7 03:12:44 h kernel: ".to_vec()),
            Just(b"2026-03-07T03:12:44.5+01:00 ".to_vec()), Just(b"\n".to_vec()),
            Just(b"NETDEV WATCHDOG: eth0 (e1000e): ".to_vec()), Just(b"Linux version 6.1 ".to_vec()),
            Just(b"unhang[1]: eno1: tso off (was on); event drift".to_vec()),
            Just(b"{\"MESSAGE\":\"".to_vec()), Just(b"\"time\": 9e99,".to_vec()),
            Just(b"\"msg\": \"".to_vec()), Just(b"NIC Link is Up 1000 Mbps ".to_vec()),
            Just(b"e1000e 0000:00:1f.6 eno1: Reset adapter".to_vec()),
            Just(b"-- Boot 0123456789abcdef0123456789abcdef --".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..8),
        ], 0..60),
    ) {
        let history = history(&pieces.concat());
        serde_json::to_vec(&unhang::report::json::Report(&history)).unwrap();
        unhang::report::terminal::page(&history, &TimeZone::UTC, 80);
        unhang::report::svg::picture(&history, &TimeZone::UTC);
        let totals = Totals::of_last_boot(&history, &[]);
        unhang::report::metrics::text(&history, &[], &totals, &Kernel::default());
    }
}

/// One line of many megabytes, as a web page without line ends.
#[test]
fn a_line_larger_than_any_buffer_loses_no_block() {
    let mut log = b"<html>".to_vec();
    for i in 0..3000u32 {
        let at = 1000 + 2 * i;
        let flat = block(0, at)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        log.extend(format!("[{at:>5}.250000] {flat} ").into_bytes());
        log.extend("some words between ".repeat((i % 97) as usize).into_bytes());
    }
    assert!(log.len() > 3 << 20);
    let found = read(&log)
        .iter()
        .filter(|s| matches!(s.event, KernelEvent::Block(_)))
        .count();
    assert_eq!(found, 3000);
    let stamped = read(&log)
        .iter()
        .filter(|s| s.stamp.uptime.is_some())
        .count();
    assert!(stamped >= 3000, "{stamped}");
}

const OWN: &str = "rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event";

fn hang(log: &mut String, at: u64, nic: &str) {
    use std::fmt::Write;
    let _ = writeln!(
        log,
        "[{at}.000000] e1000e {nic}: Detected Hardware Unit Hang:\n\
         [{}.000000] e1000e {nic}: Reset adapter unexpectedly",
        at + 4
    );
}

#[test]
fn however_many_incidents_there_are_all_count() {
    let mut log = String::from("[    0.000000] Linux version 6.12.1\n");
    for n in 0..21_000 {
        hang(&mut log, 100 + 15 * n, "0000:00:1f.6 eno1");
    }
    log += &format!("[400000.000000] unhang: eno1: tso gso gro off (were on); {OWN} manual\n");
    for n in 0..40_000 {
        hang(&mut log, 400_100 + 15 * n, "0000:00:1f.6 eno1");
    }
    hang(&mut log, 1_000_200, "0000:02:00.0 enp2s0");
    let history = history(log.as_bytes());
    let times = |nic| history.incidents.of(nic).map(|i| i.times).sum::<u64>();
    assert_eq!((times(0), times(1)), (61_000, 1));
    assert!(history.incidents.list.len() < 21_500);
    let verdict = unhang::report::verdict::on_nic(&history, 0);
    assert_eq!(verdict.before.incidents, 21_000);
    assert_eq!(verdict.after.incidents, 40_000);
    assert_eq!(verdict.kind.name(), "not-fixed");
    assert!(history.notes.iter().any(|n| n.contains("all are counted")));
    let totals = Totals::of_last_boot(&history, &[]);
    let of_first = totals.list.iter().filter(|total| total.interface == "eno1");
    let counted: Vec<u64> = of_first.map(|total| total.incidents).collect();
    assert_eq!(counted, [21_000, 40_000]);
}

#[test]
fn more_nics_than_are_told_apart_are_left_out_aloud() {
    let mut log = String::new();
    for n in 0..300 {
        hang(&mut log, 100 + n, &format!("{n:04x}:00:1f.6 eno{n}"));
    }
    let history = history(log.as_bytes());
    assert_eq!(history.incidents.nics.len(), 256);
    assert!(history.incidents.list.iter().all(|i| i.blocks == 1));
    let note = history.notes.iter().find(|n| n.contains("256 NICs"));
    assert!(note.is_some_and(|n| n.contains("88 lines")), "{note:?}");
}

#[test]
fn what_was_in_force_after_too_many_changes_is_not_known() {
    use std::fmt::Write;
    let mut log = String::from("[    0.000000] Linux version 6.12.1\n");
    for n in 0..150_000 {
        let said = "tso gso gro already off";
        let _ = writeln!(
            log,
            "[{}.000000] unhang: eno1: {said}; {OWN} link-up",
            10 + n
        );
    }
    let repeated = history(log.as_bytes());
    assert_eq!(repeated.notes, Vec::<String>::new());
    assert_eq!(repeated.stretches(0).last().unwrap().in_force, Some(true));
    for n in 0..100_002 {
        let (on, was) = if n % 2 == 0 {
            ("on", "off")
        } else {
            ("off", "on")
        };
        let at = 200_000 + n;
        let _ = writeln!(
            log,
            "[{at}.000000] unhang: eno1: tso gso gro {on} (were {was}); {OWN} manual"
        );
    }
    hang(&mut log, 400_000, "0000:00:1f.6 eno1");
    let changed = history(log.as_bytes());
    assert_eq!(changed.incidents.list[0].in_force, None);
    assert!(changed.notes.iter().any(|n| n.contains("100000 changes")));
}

/// The time of every increment of `dmesg -H` counts on from the last.
#[test]
fn increments_are_added_up_once() {
    let mut log = String::from("[Nov22 15:51] e1000e 0000:00:1f.6 eno1: NIC Link is Down\n");
    for _ in 0..40_000 {
        log += "[  +1.000000] e1000e 0000:00:1f.6 eno1: Reset adapter unexpectedly\n";
        log += "[  +0.500000] dull\n";
    }
    let started = std::time::Instant::now();
    let seen = read(log.as_bytes());
    let times: Vec<i64> = seen.iter().filter_map(|s| s.stamp.wall).collect();
    assert!(seen.len() > 40_000 && times.len() == seen.len());
    let last = seen
        .iter()
        .rfind(|s| s.event == KernelEvent::Reset)
        .unwrap();
    let first = seen
        .iter()
        .find(|s| s.event == KernelEvent::LinkDown)
        .unwrap();
    assert_eq!(last.stamp.since(&first.stamp), Some(59_999_500_000));
    assert!(started.elapsed().as_secs() < 8, "{:?}", started.elapsed());
}

/// A boot each for many NICs' lines: what follows from them is not kept for each and all.
#[test]
fn many_nics_in_many_boots_take_little_memory() {
    use std::fmt::Write;
    let mut log = String::new();
    for n in 0..256 {
        let _ = writeln!(
            log,
            "[{n}.0] e1000e {n:04x}:00:1f.6 eno{n}: NIC Link is Down"
        );
    }
    for n in 0..20_000 {
        let _ = writeln!(log, "[    0.000000] Linux version 6.12.{n}\n[ 1000.0] dull");
    }
    let history = history(log.as_bytes());
    assert_eq!(history.boots.list.len(), 20_001);
    unhang::report::verdict::overall(&history);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 256 << 10, "{peak} kB");
}
