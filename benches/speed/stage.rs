//! Where it is measured: a network and mount namespace with NICs, rules and a log of its own.

use std::fs::{self, File};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};

use unhang::features::{FeatureKernel, Key};
use unhang::running_kernel::with_connection;

/// The article's remedy, as a rule writes it.
const RULE: &str = "[[rule]]\nname = \"bench\"\nmatch.interface = [\"v\", \"n*\"]\n\
                    [rule.offload]\ntso = false\ngso = false\ngro = false\n";

/// NICs, rules, and a log that is read.
pub struct Stage {
    log: Receiver<String>,
}

/// Runs a script; where it fails there is nothing to measure.
pub fn sh(script: &str) -> String {
    let output = Command::new("sh")
        .args(["-euc", script])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{script}");
    String::from_utf8(output.stdout).unwrap()
}

impl Stage {
    /// Sets it up, in a process that is in namespaces of its own already.
    pub fn new() -> Stage {
        // 512 is what systemd sets; a new namespace has the kernel's 10.
        sh("mount -t sysfs sysfs /sys
            mount -t tmpfs tmpfs /run
            mkdir -p /run/dev /run/unhang/rules.d /run/udev/rules.d
            touch /run/dev/null
            mount --bind /dev/null /run/dev/null
            mount --rbind /run/dev /dev
            for dir in /etc /usr/local/lib /usr/lib; do
                [ ! -d $dir/unhang ] || mount -t tmpfs tmpfs $dir/unhang
            done
            echo 512 > /proc/sys/net/unix/max_dgram_qlen");
        fs::copy("rules/10-e1000e.toml", "/run/unhang/rules.d/10-e1000e.toml").unwrap();
        fs::write("/run/unhang/rules.d/60-bench.toml", RULE).unwrap();
        let shipped = "udev-rules/85-unhang.rules";
        fs::copy(shipped, "/run/udev/rules.d/85-unhang.rules").unwrap();
        sh("ip link add v type veth peer name w");
        Stage { log: read_log() }
    }

    /// The lines that were logged since the last time, as many as are expected.
    pub fn logged(&self, expected: usize) -> Vec<String> {
        let patience = Duration::from_secs(5);
        let lines = (0..expected).map(|_| self.log.recv_timeout(patience));
        let lines = lines.collect::<Result<_, _>>();
        let lines = lines.expect("a line in the log");
        assert_eq!(self.log.try_recv().ok(), None, "one line too many");
        lines
    }
}

/// A log daemon that does nothing but read.
fn read_log() -> Receiver<String> {
    let socket = UnixDatagram::bind("/dev/log").unwrap();
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(length) = socket.recv(&mut buffer) {
            let line = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Has the kernel forget these programs' pages. Those of a file that was written lately lie in larger
/// pieces, which starts it up to 5 % faster; after a boot all were read.
pub fn as_after_boot(programs: &[&Path]) {
    for program in programs {
        let file = File::open(program).unwrap();
        file.sync_all().unwrap();
        posix_fadvise(file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED).unwrap();
    }
}

/// The number of the NIC of this name.
pub fn ifindex(nic: &str) -> u32 {
    let number = fs::read_to_string(Path::new("/sys/class/net").join(nic).join("ifindex"));
    number.unwrap().trim().parse().unwrap()
}

/// The features under tso, gso and gro that this NIC has and can switch.
pub fn remedy(nic: &str) -> Vec<String> {
    let ifindex = ifindex(nic);
    let features = with_connection(async |kernel| kernel.get(ifindex).await).unwrap();
    let keys = ["tso", "gso", "gro"].map(Key::new);
    let concerned =
        features.unwrap().list.into_iter().filter(|feature| {
            feature.changeable && keys.iter().any(|key| key.covers(&feature.name))
        });
    concerned.map(|feature| feature.name).collect()
}

/// The number of the `ethtool` family on this kernel.
pub fn family() -> u16 {
    let said = sh("genl ctrl get name ethtool");
    let id = said
        .split_whitespace()
        .find_map(|word| word.strip_prefix("0x"));
    id.and_then(|hex| u16::from_str_radix(hex, 16).ok())
        .expect("ID in what genl says")
}

/// As it was before: these features on, and nothing remembered. Starts no process.
pub fn undo(nics: &[u32], features: &[String]) {
    let _ = fs::remove_dir_all("/run/unhang/nics");
    switch(nics, features, true);
}

/// Switches these features of the NICs on or off.
fn switch(nics: &[u32], features: &[String], on: bool) {
    let wanted: Vec<(&str, bool)> = features.iter().map(|name| (name.as_str(), on)).collect();
    let done = with_connection(async |kernel| {
        for nic in nics {
            let changes = kernel.set(*nic, &wanted).await.unwrap();
            assert_eq!(changes.refused, [""; 0], "of NIC {nic}");
        }
    });
    done.unwrap();
}

/// Whether all these features of the NICs are off.
pub fn all_off(nics: &[u32], features: &[String]) -> bool {
    let off = with_connection(async |kernel| {
        let mut off = true;
        for nic in nics {
            let now = kernel.get(*nic).await.unwrap();
            let is_off = |name: &String| now.get(name).is_some_and(|feature| !feature.active);
            off &= features.iter().all(is_off);
        }
        off
    });
    off.unwrap()
}

/// What udev makes of an `add` of the NIC, with `rules` besides its own and the shipped one:
/// the properties, which are the environment of what it starts, and what it starts.
pub fn udev_add(nic: &str, rules: &str) -> (Vec<(String, String)>, Vec<String>) {
    fs::write("/run/udev/rules.d/81-bench.rules", rules).unwrap();
    let said = sh(&format!(
        "udevadm test --action=add /sys/class/net/{nic} 2>/dev/null"
    ));
    let is_key = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    let mut properties = Vec::new();
    let mut runs = Vec::new();
    for line in said.lines().map(str::trim) {
        // udev before 257 and since.
        let run = line
            .strip_prefix("run: ")
            .or(line.strip_prefix("RUN{program} : "));
        if let Some(command) = run {
            runs.push(command.trim_matches('\'').to_owned());
        } else if let Some((key, value)) = line.split_once('=').filter(|(key, _)| is_key(key)) {
            properties.push((key.to_owned(), value.to_owned()));
        }
    }
    (properties, runs)
}
