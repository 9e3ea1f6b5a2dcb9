//! `unhang status` on a machine with an e1000e NIC and a journal of 100,000 kernel lines, and
//! with a journal that has nine times as many lines of other programs besides, in many files.
//! Prints medians. The NIC is umockdev's, the journal is written by systemd-journal-remote
//! and read by the real journalctl. `UNHANG_BENCH_UNHANG` names the program, else it is the
//! bench profile's. Arguments: ROUNDS (41).

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const REMOTE: &str = "/lib/systemd/systemd-journal-remote";
const KERNEL_LINES: u64 = 100_000;
const HANGS: u64 = 3;
const FIRST: u64 = 1_767_600_000;
const DAY: u64 = 86_400;
const GOAL: Duration = Duration::from_millis(20);

/// A journal.
struct Kind {
    name: &'static str,
    files: u64,
    boots: u64,
    /// All lines, for each of the kernel's.
    lines: u64,
}

const KINDS: [Kind; 2] = [
    Kind {
        name: "kernel",
        files: 2,
        boots: 10,
        lines: 1,
    },
    Kind {
        name: "all",
        files: 20,
        boots: 40,
        lines: 10,
    },
];

const MACHINE: &str = "P: /devices/pci0000:00/0000:00:1f.6
E: SUBSYSTEM=pci
E: DRIVER=e1000e
L: driver=../../../bus/pci/drivers/e1000e
A: vendor=0x8086\\n
A: device=0x15bb\\n

P: /devices/pci0000:00/0000:00:1f.6/net/eno1
E: SUBSYSTEM=net
E: INTERFACE=eno1
E: IFINDEX=1000000
E: ID_NET_DRIVER=e1000e
E: ID_VENDOR_ID=0x8086
E: ID_MODEL_ID=0x15bb
A: ifindex=1000000\\n
A: address=52:54:00:00:00:01\\n
L: device=../../../0000:00:1f.6
";

/// One entry in the journal's export format.
fn entry(out: &mut Vec<u8>, boot: u64, up: u64, nic: bool, speaker: &str, message: &str) {
    let wall = (FIRST + boot * 3 * DAY) * 1_000_000 + up;
    let transport = if speaker == "kernel" {
        "kernel"
    } else {
        "syslog"
    };
    let mut text = format!(
        "__REALTIME_TIMESTAMP={wall}\n__MONOTONIC_TIMESTAMP={up}\n_BOOT_ID={:032x}\n_TRANSPORT={transport}\nSYSLOG_IDENTIFIER={speaker}\n",
        0xf00d + boot
    );
    if nic {
        text += "_KERNEL_SUBSYSTEM=pci\n_KERNEL_DEVICE=+pci:0000:00:1f.6\n";
    }
    out.extend(text.bytes());
    out.extend(b"MESSAGE\n");
    out.extend((message.len() as u64).to_le_bytes());
    out.extend(message.bytes());
    out.extend(b"\n\n");
}

/// Two days of up-time.
fn boot(out: &mut Vec<u8>, kind: &Kind, boot: u64) {
    let lines = KERNEL_LINES * kind.lines / kind.boots;
    let nic = "e1000e 0000:00:1f.6 eno1: ";
    for i in 0..lines {
        let up = 5_000_000 + i * (2 * DAY * 1_000_000 / lines);
        let mut say = |nic, message: &str| entry(out, boot, up, nic, "kernel", message);
        match i {
            0 => say(false, "Linux version 6.12.38+deb13-amd64"),
            10 => say(true, &format!("{nic}NIC Link is Up 1000 Mbps Full Duplex")),
            _ if i % (lines / HANGS) == lines / HANGS / 2 => {
                let mut block = format!("{nic}Detected Hardware Unit Hang:\n");
                for (name, value) in [("TDH", 0x4c), ("TDT", 0x5e), ("next_to_use", 0x5e)] {
                    let _ = writeln!(block, "  {name:20} <{value:x}>");
                }
                say(true, &(block + "MAC Status             <40080083>"));
                say(true, &format!("{nic}Reset adapter unexpectedly"));
            }
            _ if i % kind.lines == 0 => say(
                false,
                &format!("br0: port {}(veth{i:06x}) entered forwarding state", i % 40),
            ),
            _ => {
                let (who, pid) = (if i % 2 == 0 { "sshd" } else { "cron" }, i % 30_000);
                entry(out, boot, up, false, who, &format!("job {i} of {pid}"));
            }
        }
    }
}

/// Writes the journal, once.
fn journal(dir: &Path, kind: &Kind) -> std::io::Result<()> {
    if dir.join("complete").exists() {
        return Ok(());
    }
    fs::create_dir_all(dir)?;
    let boots = kind.boots / kind.files;
    for file in 0..kind.files {
        let mut lines = Vec::new();
        for number in 0..boots {
            boot(&mut lines, kind, file * boots + number);
        }
        let to = dir.join(format!("system@{file:02}.journal"));
        let _ = fs::remove_file(&to);
        let mut remote = Command::new(REMOTE)
            .arg("-o")
            .arg(to)
            .arg("-")
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        remote.stdin.take().expect("piped").write_all(&lines)?;
        if !remote.wait()?.success() {
            return Err(std::io::Error::other("systemd-journal-remote failed"));
        }
    }
    fs::write(dir.join("complete"), "")
}

/// Within umockdev's machine: runs the command and prints the time.
fn measure(unhang: &str, kind: &Kind, rounds: usize) {
    let run = |args: &[&str]| {
        let begin = Instant::now();
        let output = Command::new(unhang).args(args).output().expect("it starts");
        (begin.elapsed(), output)
    };
    let (_, output) = run(&["status"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    let all = format!(" {} in all", HANGS * kind.boots);
    assert!(said.contains(&all), "{said}{complaint}");
    let mut times: Vec<Duration> = (0..rounds).map(|_| run(&["status"]).0).collect();
    times.sort();
    let (best, median) = (times[0], times[rounds / 2]);
    let goal = match kind.lines {
        1 => format!(" (goal {} ms)", GOAL.as_millis()),
        _ => String::new(),
    };
    println!(
        "unhang status  median {:.1} ms, best {:.1} ms; {KERNEL_LINES} kernel lines in a journal of {} lines, {} boots, {} files{goal}",
        median.as_secs_f64() * 1e3,
        best.as_secs_f64() * 1e3,
        KERNEL_LINES * kind.lines,
        kind.boots,
        kind.files
    );
}

fn main() {
    let args: Vec<String> = std::env::args().filter(|a| a != "--bench").collect();
    let rounds = args.get(1).and_then(|a| a.parse().ok()).unwrap_or(41);
    let built = std::env::var("UNHANG_BENCH_UNHANG");
    let unhang = built.as_deref().unwrap_or(env!("CARGO_BIN_EXE_unhang"));
    let unhang = fs::canonicalize(unhang).expect("built");
    let unhang = unhang.to_str().expect("a plain path");
    if let Ok(name) = std::env::var("UNHANG_BENCH_MOCKED") {
        let kind = KINDS.iter().find(|kind| kind.name == name);
        return measure(unhang, kind.expect("one of them"), rounds);
    }
    if !Path::new(REMOTE).exists() {
        println!("unhang status  not measured: {REMOTE} is missing");
        return;
    }
    for kind in &KINDS {
        mocked(unhang, kind, rounds);
    }
}

/// Runs this program again on umockdev's machine.
fn mocked(unhang: &str, kind: &Kind, rounds: usize) {
    let name = format!("unhang-bench-journal-{}", kind.name);
    let dir: PathBuf = std::env::temp_dir().join(name);
    journal(&dir, kind).expect("space in the temporary directory");
    let bin = dir.join("bin");
    fs::create_dir_all(&bin).expect("writable");
    let script = format!(
        "#!/bin/sh\nunset LD_PRELOAD\nPATH=/usr/bin:/bin\nexec journalctl -D '{}' \"$@\"\n",
        dir.display()
    );
    fs::write(bin.join("journalctl"), script).expect("writable");
    fs::set_permissions(bin.join("journalctl"), Permissions::from_mode(0o755)).expect("ours");
    fs::write(dir.join("machine.umockdev"), MACHINE).expect("writable");
    let path = std::env::var("PATH").unwrap_or_default();
    let status = Command::new("umockdev-run")
        .arg("--device")
        .arg(dir.join("machine.umockdev"))
        .arg("--")
        .arg(std::env::current_exe().expect("known"))
        .arg(rounds.to_string())
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("UNHANG_BENCH_UNHANG", unhang)
        .env("UNHANG_BENCH_MOCKED", kind.name)
        .status();
    match status {
        Ok(status) => assert!(status.success(), "not as expected"),
        Err(error) => println!("unhang status  not measured: umockdev-run: {error}"),
    }
}
