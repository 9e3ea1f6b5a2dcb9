//! A network and mount namespace for a test, with two ends of a cable in it.
//!
//! The test runs itself again inside; /sys, /run and /dev are its own there, so that no rule,
//! no log and no NIC of the machine is touched.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Command, Output};

use super::propagation::propagation;

/// Runs the test whose closure this is in namespaces of its own. Needs root.
pub fn isolated<F: FnOnce(Namespace)>(test: F) {
    const INSIDE: &str = "UNHANG_TEST_IS_ISOLATED";
    if std::env::var_os(INSIDE).is_some() {
        return test(Namespace::new());
    }
    assert!(
        nix::unistd::geteuid().is_root(),
        "network namespaces need root: run this as root"
    );
    let path = std::any::type_name::<F>();
    let name = path.trim_end_matches("::{{closure}}");
    let (_, name) = name.split_once("::").expect("the crate's name comes first");
    let output = Command::new("unshare")
        .args(["--net", "--mount", "--propagation", propagation(), "--"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("unshare is needed: apt-get install util-linux");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Where a test runs.
pub struct Namespace {
    syslog: UnixDatagram,
}

impl Namespace {
    fn new() -> Namespace {
        sh("mount -t sysfs sysfs /sys
            mount -t tmpfs tmpfs /run
            mkdir -p /run/dev /run/unhang/rules.d
            touch /run/dev/null
            mount --bind /dev/null /run/dev/null
            mount --rbind /run/dev /dev
            ip link set lo up
            echo 512 > /proc/sys/net/unix/max_dgram_qlen
            ip link add v0 type veth peer name v1
            ethtool -K v0 gro on");
        let syslog = UnixDatagram::bind("/dev/log").unwrap();
        syslog.set_nonblocking(true).unwrap();
        Namespace { syslog }
    }

    /// What was logged since the last time: severity and text, without time and process.
    pub fn logged(&self) -> Vec<(u8, String)> {
        let mut lines = Vec::new();
        let mut buffer = [0; 8192];
        while let Ok(length) = self.syslog.recv(&mut buffer) {
            let message = std::str::from_utf8(&buffer[..length]).unwrap();
            let (priority, rest) = message[1..].split_once('>').unwrap();
            let priority: u8 = priority.parse().unwrap();
            assert_eq!(priority & !7, 3 << 3, "facility daemon");
            let (tag, text) = rest.split_once("]: ").unwrap();
            assert!(tag.starts_with("unhang["), "{message}");
            lines.push((priority & 7, text.to_owned()));
        }
        lines
    }
}

/// Fills the log's socket until nobody gets anything into it.
pub fn stop_reading_the_log() {
    loop {
        let filler = UnixDatagram::unbound().unwrap();
        filler.set_nonblocking(true).unwrap();
        if filler.send_to(b"<30>old", "/dev/log").is_err() {
            return;
        }
        while filler.send_to(b"<30>old", "/dev/log").is_ok() {}
    }
}

pub const ERROR: u8 = 3;
pub const WARNING: u8 = 4;
pub const INFO: u8 = 6;
pub const DEBUG: u8 = 7;

/// Runs a script; that it fails is the test's failure.
#[track_caller]
pub fn sh(script: &str) -> String {
    let output = Command::new("sh").args(["-euc", script]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// A rule called mine for the NICs of this name, in a rule file of the system.
pub fn rule(interface: &str, offloads: &str) {
    let text = format!(
        "[[rule]]\nname = \"mine\"\nmatch.interface = \"{interface}\"\n[rule.offload]\n{offloads}\n"
    );
    fs::write("/run/unhang/rules.d/60-mine.toml", text).unwrap();
}

/// What came of a command.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    pub stdout: String,
    pub stderr: String,
    pub status: Option<i32>,
}

impl From<Output> for Said {
    fn from(output: Output) -> Said {
        Said {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            status: output.status.code(),
        }
    }
}

/// Runs `unhang`.
pub fn unhang(args: &[&str]) -> Said {
    let program = env!("CARGO_BIN_EXE_unhang");
    Command::new(program).args(args).output().unwrap().into()
}

/// The helper: that of a package if `UNHANG_HELPER` names one, which has another C library in it.
pub fn helper_program() -> PathBuf {
    let packaged = std::env::var_os("UNHANG_HELPER");
    packaged.map_or(env!("CARGO_BIN_EXE_unhang-helper").into(), PathBuf::from)
}

/// Runs the helper as udevd does: nothing in its environment but the event.
pub fn helper(event: &[(&str, &str)]) -> Said {
    Command::new(helper_program())
        .current_dir("/")
        .env_clear()
        .envs(event.iter().copied())
        .output()
        .unwrap()
        .into()
}

/// What `ethtool -k` says of a feature or a group.
pub fn ethtool(interface: &str, name: &str) -> String {
    let all = sh(&format!("ethtool -k {interface}"));
    let find = |line: &str| {
        Some(
            line.trim()
                .strip_prefix(name)?
                .strip_prefix(": ")?
                .to_owned(),
        )
    };
    let found = all.lines().find_map(find);
    found.unwrap_or_else(|| panic!("no {name} in {all}"))
}

/// The groups that the article names, as `ethtool -k` has them.
pub fn remedy(interface: &str) -> [String; 3] {
    [
        "tcp-segmentation-offload",
        "generic-segmentation-offload",
        "generic-receive-offload",
    ]
    .map(|group| ethtool(interface, group))
}
