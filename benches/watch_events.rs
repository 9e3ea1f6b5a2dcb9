//! What foreign link events cost the watcher, natively: of virtual devices, and of lo, which has
//! no kind and so is looked at each time, as a NIC without a rule is. Prints CPU time for each.
//! `UNHANG_BENCH_WATCH` names the program, else it is the bench profile's.

#[path = "speed/namespaces.rs"]
mod namespaces;

use std::fs;
use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

const EVENTS: u32 = 400;
/// In µs of CPU.
const GOAL: f64 = 50.0;

fn main() {
    if namespaces::is_inside() {
        return measure();
    }
    let status = namespaces::again(&[]).status();
    assert!(status.expect("unshare starts").success(), "not measured");
}

fn measure() {
    for mount in [["sysfs", "/sys"], ["tmpfs", "/run"]] {
        let [kind, to] = mount;
        let mounted = Command::new("mount").args(["-t", kind, kind, to]).status();
        assert!(mounted.expect("mount starts").success(), "{to}");
    }
    let mut watcher = watcher();
    let each = ["dummy", "ifb"]
        .into_iter()
        .find_map(|kind| events(&watcher, |n| format!("link add unhang{n} type {kind}\n")));
    println!(
        "unhang-watch   {:.1} µs of CPU for each of {EVENTS} virtual devices that come (goal {GOAL:.0} µs)",
        each.expect("the kernel has such devices")
    );
    let each = events(&watcher, |n| format!("link set lo up alias unhang{n}\n"));
    println!(
        "unhang-watch   {:.1} µs of CPU for each of {EVENTS} changes to lo",
        each.expect("there is lo")
    );
    watcher.kill().expect("it still runs");
    watcher.wait().expect("it ends");
}

/// Starts it and waits until it watches.
fn watcher() -> Child {
    let ready = UnixDatagram::bind("/run/ready").expect("writable");
    let built = std::env::var("UNHANG_BENCH_WATCH");
    let watcher = Command::new(
        built
            .as_deref()
            .unwrap_or(env!("CARGO_BIN_EXE_unhang-watch")),
    )
    .env("NOTIFY_SOCKET", "/run/ready")
    .spawn();
    ready.recv(&mut [0; 64]).expect("it says so");
    watcher.expect("it starts")
}

/// Has the kernel tell of so many events, by `ip`; the CPU time for each in µs, unless it can't.
fn events(watcher: &Child, line: impl Fn(u32) -> String) -> Option<f64> {
    let before = cpu(watcher);
    let mut ip = Command::new("ip")
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("ip starts");
    let lines: String = (0..EVENTS).map(line).collect();
    let written = ip.stdin.take().expect("piped").write_all(lines.as_bytes());
    let done = ip.wait().expect("it ends").success() && written.is_ok();
    sleep(Duration::from_millis(500));
    done.then(|| (cpu(watcher) - before) / f64::from(EVENTS))
}

/// How long it ran until now, in µs.
fn cpu(watcher: &Child) -> f64 {
    let text = fs::read_to_string(format!("/proc/{}/schedstat", watcher.id())).expect("it runs");
    let nanoseconds = text.split(' ').next().expect("three numbers");
    nanoseconds.parse::<f64>().expect("a number") / 1e3
}
