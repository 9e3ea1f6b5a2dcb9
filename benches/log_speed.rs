//! `unhang report FILE` against `cat FILE >/dev/null`, `grep -c` and `rg -c` on generated
//! kernel logs of 1 GiB with 1,000 hang blocks, from the page cache: without link messages of
//! another NIC, with one on every hundredth line and on every seventh. Runs them in turn, prints
//! medians of wall time, processor time, ratios and peak memory. Arguments: GIB (1), RUNS (7).
//! The memory at 1 and 4 GiB with `--memory`. `UNHANG_BENCH_UNHANG` names the program, else it is
//! the bench profile's. On a busy machine compare processor time: threads don't help there.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "sizes and times of a benchmark"
)]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const BLOCKS: u64 = 1000;
const WORDS: &str = "Detected Hardware Unit Hang";

/// Every so many lines have a link message of another NIC; 0: none has.
const LINKS: [u64; 3] = [0, 100, 7];

/// Kernel lines of a busy server, a hang block (with reset) at equal distances.
fn generate(path: &Path, bytes: u64, links: u64) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let (mut written, mut blocks, mut n, mut count) = (0u64, 0u64, 0u64, 0u64);
    let mut line = String::new();
    while written < bytes {
        line.clear();
        count += 1;
        n = n
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let (up, r) = (written as f64 / 400.0, n >> 33);
        let (day, s) = ((up / 86_400.0) as u64 % 28 + 1, up as u64 % 86_400);
        let stamp = format!(
            "2026-02-{day:02}T{:02}:{:02}:{:02}.{:06}+00:00 srv1 kernel: [{up:12.6}] ",
            s / 3600,
            s / 60 % 60,
            s % 60,
            r % 1_000_000
        );
        if written >= blocks * (bytes / BLOCKS) && blocks < BLOCKS {
            blocks += 1;
            let jiffies = (1u64 << 32) + (up * 250.0) as u64;
            let fields = [
                format!("e1000e 0000:00:1f.6 eno1: {WORDS}:"),
                format!("  TDH                  <{:x}>", r % 256),
                format!("  TDT                  <{:x}>", (r + 9) % 256),
                format!("  next_to_use          <{:x}>", (r + 9) % 256),
                format!("  next_to_clean        <{:x}>", r % 256),
                "buffer_info[next_to_clean]:".into(),
                format!("  time_stamp           <{:x}>", jiffies - 600),
                format!("  next_to_watch        <{:x}>", r % 256),
                format!("  jiffies              <{jiffies:x}>"),
                "  next_to_watch.status <0>".into(),
                "MAC Status             <40080083>".into(),
                "PHY Status             <796d>".into(),
                "PHY 1000BASE-T Status  <3800>".into(),
                "PHY Extended Status    <3000>".into(),
                "PCI Status             <10>".into(),
                "e1000e 0000:00:1f.6 eno1: Reset adapter unexpectedly".into(),
            ];
            for field in fields {
                line += &stamp;
                line += &field;
                line.push('\n');
            }
        } else {
            line += &stamp;
            line += &match r % 6 {
                _ if links > 0 && count % links == 0 => {
                    "igb 0000:01:00.0 eno2: igb: eno2 NIC Link is Down".into()
                }
                0 => format!(
                    "usb 1-{}: new high-speed USB device number {} using xhci_hcd",
                    r % 8,
                    r % 127
                ),
                1 => format!(
                    "audit: type=1400 audit(1770000000.{}:{}): apparmor=\"ALLOWED\" operation=\"open\" profile=\"snap.x\" pid={}",
                    r % 1000,
                    r % 99_999,
                    r % 32_768
                ),
                2 => format!(
                    "[UFW BLOCK] IN=eno1 OUT= SRC=192.0.2.{} DST=198.51.100.7 LEN=40 TTL={} ID={} PROTO=TCP SPT={} DPT=22 SYN",
                    r % 255,
                    r % 250,
                    r % 65_536,
                    r % 65_000
                ),
                3 => format!(
                    "EXT4-fs (dm-{}): mounted filesystem with ordered data mode. Quota mode: none.",
                    r % 30
                ),
                4 => format!(
                    "br0: port {}(veth{:06x}) entered forwarding state",
                    r % 40,
                    r % 0xff_ffff
                ),
                _ => format!(
                    "perf: interrupt took too long ({} > {}), lowering kernel.perf_event_max_sample_rate",
                    r % 9000,
                    r % 8000
                ),
            };
            line.push('\n');
        }
        out.write_all(line.as_bytes())?;
        written += line.len() as u64;
    }
    out.flush()
}

/// Processor time of all commands that have ended, in ticks of 10 ms.
fn ticks() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let of_children = fields.split_whitespace().skip(13).take(2);
    of_children
        .filter_map(|field| field.parse::<u64>().ok())
        .sum()
}

/// Wall time, processor time and peak memory (`VmHWM`, kB) of a command.
struct Run {
    wall: Duration,
    ticks: u64,
    peak: u64,
}

fn run(program: &str, args: &[&str], file: &Path) -> Option<Run> {
    let (begin, before) = (Instant::now(), ticks());
    // not /dev/null: grep stops at the first match if nobody can see the count
    let stdout = match program {
        "cat" => Stdio::null(),
        _ => File::create(std::env::temp_dir().join("unhang-bench.out"))
            .ok()?
            .into(),
    };
    let mut child = Command::new(program)
        .args(args)
        .arg(file)
        .env("TZ", "UTC")
        .stdout(stdout)
        .spawn()
        .ok()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find(|l| l.starts_with("VmHWM:"));
        let now = line.and_then(|l| l.split_whitespace().nth(1)?.parse().ok());
        peak = peak.max(now.unwrap_or(0));
        match child.try_wait().ok()? {
            Some(_) => {
                return Some(Run {
                    wall: begin.elapsed(),
                    ticks: ticks() - before,
                    peak,
                });
            }
            None => std::thread::sleep(Duration::from_micros(500)),
        }
    }
}

fn log(gib: u64, links: u64) -> PathBuf {
    let path = std::env::temp_dir().join(format!("unhang-bench-{gib}-{links}.log"));
    let wanted = gib << 30;
    let there = fs::metadata(&path).is_ok_and(|m| m.len() >= wanted);
    if !there {
        generate(&path, wanted, links).expect("space in the temporary directory");
    }
    path
}

fn main() {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let built = std::env::var("UNHANG_BENCH_UNHANG");
    let unhang = built.as_deref().unwrap_or(env!("CARGO_BIN_EXE_unhang"));
    if args.first().is_some_and(|a| a == "--memory") {
        for gib in [1, 4] {
            let run = run(unhang, &["report", "--json"], &log(gib, 0)).expect("runs");
            println!(
                "{gib} GiB: {:.2} s, peak {:.1} MiB",
                run.wall.as_secs_f64(),
                run.peak as f64 / 1024.0
            );
        }
        return;
    }
    let number = |i: usize, default| args.get(i).and_then(|a| a.parse().ok()).unwrap_or(default);
    let (gib, runs) = (number(0, 1), number(1, 7));
    for links in LINKS {
        match links {
            0 => println!("{gib} GiB, {BLOCKS} blocks, {runs} runs each, in turn"),
            _ => println!("the same, with a link message of another NIC on one line in {links}"),
        }
        compare(unhang, &log(gib, links), runs);
    }
}

fn compare(unhang: &str, file: &Path, runs: u64) {
    let contenders: [(&str, &str, &[&str]); 4] = [
        ("unhang report", unhang, &["report", "--json"]),
        ("cat", "cat", &[]),
        ("grep -c", "grep", &["-c", WORDS]),
        ("rg -c", "rg", &["-c", WORDS]),
    ];
    let mut all: [Vec<Run>; 4] = Default::default();
    for round in 0..=runs {
        for (i, (_, program, args)) in contenders.iter().enumerate() {
            let Some(result) = run(program, args, file) else {
                continue;
            };
            // The first round fills the page cache.
            if round > 0 {
                all[i].push(result);
            }
        }
    }
    let median = |i: usize, of: fn(&Run) -> f64| {
        let mut values: Vec<f64> = all[i].iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let wall = |i| median(i, |run| run.wall.as_secs_f64());
    let busy = |i| median(i, |run| run.ticks as f64 / 100.0);
    for (i, (name, ..)) in contenders.iter().enumerate() {
        let peak = all[i].iter().map(|run| run.peak).max().unwrap_or(0) as f64 / 1024.0;
        println!(
            "  {name:14} wall {:.3} s, processor {:.2} s, peak {peak:6.1} MiB, unhang/{name} = {:.2} (processor {:.2})",
            wall(i),
            busy(i),
            wall(0) / wall(i),
            busy(0) / busy(i)
        );
    }
}
