//! The journal of this machine, read by running `journalctl`: the kernel's lines of all
//! boots, our own, and sudo's. Its list of boots adds when each began and ended, which kernel lines
//! alone do not show.

use super::sources::{Error, Source};
use crate::kernel_log::Stamp;
use jiff::tz::TimeZone;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running journalctl; ended when dropped.
pub struct Journal {
    child: Child,
}

/// Fields that are needed; journalctl adds the stamps and the boot ID.
const FIELDS: &str = "MESSAGE,_TRANSPORT,SYSLOG_IDENTIFIER,_UID,_EXE";

/// The same, and whose they are.
const FIELDS_AND_HOST: &str =
    "MESSAGE,_TRANSPORT,SYSLOG_IDENTIFIER,_UID,_EXE,_HOSTNAME,_MACHINE_ID";

/// `SD_MESSAGE_JOURNAL_STOP`: the last entry of a boot that was shut down, with both clocks.
const STOPPED: &str = "MESSAGE_ID=d93fb3c9c24d451a97cea615ce59c00b";

/// Of so many boots at a time the last entry is asked for.
const AT_ONCE: usize = 16;

/// What is read besides the kernel's lines: ours, and what sudo ran, ethtool among it.
const OTHERS: [&str; 5] = [
    "SYSLOG_IDENTIFIER=unhang",
    "+",
    STOPPED,
    "+",
    "SYSLOG_IDENTIFIER=sudo",
];

/// How much of the journal to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All kernel lines of all boots, and ours.
    All,
    /// Of all boots, what the kernel said about the PCI devices with these addresses, and our
    /// lines: these are indexed (`_KERNEL_DEVICE`), so that this is quick in a large journal.
    Devices(Vec<String>),
    /// The same of this boot, without asking when it began.
    DevicesThisBoot(Vec<String>),
}

impl Journal {
    pub fn open(zone: &TimeZone, now: i64, scope: &Scope) -> Result<(Journal, Source), Error> {
        let mut matches = Vec::new();
        if matches!(scope, Scope::DevicesThisBoot(_)) {
            matches.push("-b".to_owned());
        }
        match scope {
            Scope::Devices(addresses) | Scope::DevicesThisBoot(addresses) => {
                for address in addresses {
                    matches.extend([format!("_KERNEL_DEVICE=+pci:{address}"), "+".into()]);
                }
            }
            Scope::All => matches.extend(["_TRANSPORT=kernel".into(), "+".into()]),
        }
        matches.extend(OTHERS.map(String::from));
        let (mut journal, mut source) = Journal::start(zone, now, &matches)?;
        if source.is_empty() && *scope != Scope::All && journal.failure().is_none() {
            // Nothing was said of them, or nothing may be read? The last kernel line tells.
            let last = ["-n", "1", "_TRANSPORT=kernel"].map(String::from);
            (journal, source) = Journal::start(zone, now, &last)?;
        }
        if source.is_empty() {
            return Err(Error::Journal(journal.complaint()));
        }
        Ok((journal, source))
    }

    /// The journals of other machines in a folder, as systemd-journal-remote writes them or
    /// copied from their /var/log/journal.
    pub fn open_directory(
        zone: &TimeZone,
        now: i64,
        directory: &Path,
    ) -> Result<(Journal, Source), Error> {
        let mut all = vec!["--merge".to_owned(), in_directory(directory)];
        all.extend(["--output-fields", FIELDS_AND_HOST].map(String::from));
        all.extend(["_TRANSPORT=kernel", "+"].map(String::from));
        all.extend(OTHERS.map(String::from));
        let (mut journal, source) = Journal::start(zone, now, &all)?;
        if source.is_empty() {
            return Err(Error::Unusable {
                name: super::clean(&directory.to_string_lossy()),
                what: journal.said().unwrap_or_else(|| {
                    "holds no journal with kernel lines that you may read".into()
                }),
            });
        }
        Ok((journal, source))
    }

    fn start(zone: &TimeZone, now: i64, matches: &[String]) -> Result<(Journal, Source), Error> {
        let mut command = Command::new("journalctl");
        command.args(["-o", "json", "--no-pager", "-q", "--output-fields", FIELDS]);
        command.args(matches).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| {
            Error::Journal(match e.kind() {
                std::io::ErrorKind::NotFound => "is not on this machine".into(),
                _ => e.to_string(),
            })
        })?;
        let Some(output) = child.stdout.take() else {
            return Err(Error::Journal("gives no output".into()));
        };
        let journal = Journal { child };
        let source = Source::new("journalctl".into(), Box::new(output), zone, now)?;
        Ok((journal, source))
    }

    /// Why not all lines were given, when no more come.
    pub fn end(&mut self) -> Option<Error> {
        self.failure().map(Error::JournalCut)
    }

    fn failure(&mut self) -> Option<String> {
        match self.child.wait() {
            Ok(status) if status.success() => None,
            Ok(status) => Some(match self.said() {
                Some(line) => format!("{status}: {line}"),
                None => status.to_string(),
            }),
            Err(error) => Some(error.to_string()),
        }
    }

    fn complaint(&mut self) -> String {
        match self.said() {
            Some(line) => format!("says \"{line}\""),
            None => "has no kernel lines that you may read (root and group systemd-journal may)"
                .to_string(),
        }
    }

    /// Its first line of complaint.
    fn said(&mut self) -> Option<String> {
        let mut said = String::new();
        if let Some(stderr) = self.child.stderr.take() {
            let _ = stderr.take(4096).read_to_string(&mut said);
        }
        let first = said.lines().map(str::trim).find(|l| !l.is_empty());
        first.map(super::clean)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The option that reads the journals in a folder.
fn in_directory(directory: &Path) -> String {
    format!("--directory={}", directory.display())
}

/// The ID of the boot that runs now, as the journal writes it.
pub fn this_boot() -> Option<u128> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    u128::from_str_radix(&id.trim().replace('-', ""), 16).ok()
}

/// The last entry of each boot, by both clocks.
pub fn last_entries(boots: &[u128], directory: Option<&Path>) -> Vec<(u128, Stamp)> {
    let ask = |boot: &u128| {
        let child = Command::new("journalctl")
            .args(directory.map(in_directory))
            .args(["-b", &format!("{boot:032x}"), "-n", "1"])
            .args(["-o", "json", "--no-pager", "-q", "--output-fields=_BOOT_ID"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        Some((*boot, child.ok()?))
    };
    let mut last = Vec::new();
    for boots in boots.chunks(AT_ONCE) {
        let asked: Vec<(u128, Child)> = boots.iter().filter_map(ask).collect();
        let told = asked.into_iter().filter_map(|(boot, child)| {
            let output = child.wait_with_output().ok()?;
            Some((boot, both_clocks(&output.stdout)?))
        });
        last.extend(told);
    }
    last
}

fn both_clocks(entry: &[u8]) -> Option<Stamp> {
    let entry: serde_json::Value = serde_json::from_slice(entry).ok()?;
    let micros = |key: &str| entry.get(key)?.as_str()?.parse().ok();
    Some(Stamp {
        wall: Some(micros("__REALTIME_TIMESTAMP")?),
        uptime: Some(micros("__MONOTONIC_TIMESTAMP")?),
    })
}

/// Major and minor version of the kernel that runs now.
pub fn this_kernel() -> Option<(u16, u16)> {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let mut next = || numbers.next()?.parse().ok();
    Some((next()?, next()?))
}

pub fn is_there() -> bool {
    ["/run/log/journal", "/var/log/journal"]
        .iter()
        .any(|dir| std::path::Path::new(dir).exists())
}

/// The journal's list of boots, which is made while its lines are read; empty by default.
#[derive(Default)]
pub struct BootList(Option<Child>);

impl BootList {
    pub fn ask(directory: Option<&Path>) -> BootList {
        let child = Command::new("journalctl")
            .args(directory.map(in_directory))
            .args(["--list-boots", "-o", "json", "--no-pager", "-q"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        BootList(child.ok())
    }

    /// Boot ID, wall time of the first and of the last entry of every boot (µs); empty if
    /// journalctl is too old to tell as JSON (before systemd 251).
    pub fn read(self) -> Vec<(u128, i64, i64)> {
        let output = self.0.and_then(|child| child.wait_with_output().ok());
        parse_boots(&output.map(|o| o.stdout).unwrap_or_default())
    }
}

/// `[{"index":-1,"boot_id":"…","first_entry":µs,"last_entry":µs}, …]`
pub fn parse_boots(text: &[u8]) -> Vec<(u128, i64, i64)> {
    let list: Vec<serde_json::Value> = serde_json::from_slice(text).unwrap_or_default();
    let one = |boot: &serde_json::Value| {
        let id = u128::from_str_radix(boot.get("boot_id")?.as_str()?, 16).ok()?;
        let micros = |key: &str| boot.get(key)?.as_i64();
        Some((id, micros("first_entry")?, micros("last_entry")?))
    };
    list.iter().filter_map(one).collect()
}
