//! What commands say of the journal: of a journalctl that plays one.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::machine::Machine;

/// A journalctl for the NIC at 0000:00:00.0: what the kernel and we said of it, so many
/// seconds ago.
pub fn journalctl(test: &str, said: &[(u64, &str, &str)]) {
    let bin = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("umockdev")
        .join(test)
        .join("bin");
    fs::create_dir_all(&bin).unwrap();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let up = fs::read_to_string("/proc/uptime").unwrap();
    let up: i64 = up.split('.').next().unwrap().parse().unwrap();
    let mut journal = String::new();
    for (ago, speaker, message) in said {
        let transport = if *speaker == "kernel" {
            "kernel"
        } else {
            "syslog"
        };
        let entry = serde_json::json!({
            "__REALTIME_TIMESTAMP": format!("{}000000", now - ago),
            "__MONOTONIC_TIMESTAMP": format!("{}000000", up - i64::try_from(*ago).unwrap()),
            "_BOOT_ID": boot.trim().replace('-', ""),
            "_TRANSPORT": transport,
            "SYSLOG_IDENTIFIER": speaker,
            "MESSAGE": message,
        });
        writeln!(journal, "{entry}").unwrap();
    }
    fs::write(bin.join("journal"), journal).unwrap();
    let stamp = format!("\"__REALTIME_TIMESTAMP\":\"{now}000000\"");
    let last =
        format!("{{{stamp},\"_TRANSPORT\":\"kernel\",\"MESSAGE\":\"usb 1-1: new device\"}}\n");
    fs::write(bin.join("last"), last).unwrap();
    let script = "#!/bin/sh\ncase \"$*\" in\n*--list-boots*) echo '[]' ;;\n\
        *\" _KERNEL_DEVICE=+pci:0000:00:00.0 + SYSLOG_IDENTIFIER=unhang + \"*) exec cat \"${0%/*}/journal\" ;;\n\
        *\" _TRANSPORT=kernel + SYSLOG_IDENTIFIER=unhang + \"*) exec cat \"${0%/*}/journal\" ;;\n\
        *\" -n 1 _TRANSPORT=kernel\") exec cat \"${0%/*}/last\" ;;\n\
        *) exit 9 ;;\nesac\n";
    let file = bin.join("journalctl");
    fs::write(&file, script).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
}

pub const BLOCK: &str = "e1000e 0000:00:00.0 eno1: Detected Hardware Unit Hang:\n  TDH                  <11>\n  TDT                  <5e>\n  next_to_use          <5e>\n  next_to_clean        <11>\nMAC Status             <40080083>";
pub const UP: &str =
    "e1000e 0000:00:00.0 eno1: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: Rx/Tx";
pub const RESET: &str = "e1000e 0000:00:00.0 eno1: Reset adapter unexpectedly";
pub const OFF: &str = "eno1: tso gso gro off (were on); rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event manual";

pub fn one_nic() -> Machine {
    let mut machine = Machine::default();
    machine.pci_nic("eno1", "8086:15bb", "e1000e");
    machine
}

#[test]
fn status_counts_incidents() {
    let said = [
        (90_000, "kernel", UP),
        (80_000, "kernel", BLOCK),
        (79_995, "kernel", RESET),
        (50_000, "unhang", OFF),
    ];
    journalctl("evidence", &said);
    let nics = one_nic().status("evidence");
    assert_eq!(nics[0]["incidents"], 1);
    assert_eq!(nics[0]["incidents_in_all"], 1);
    assert_eq!(nics[0]["recoveries"], 0);
    assert_eq!(nics[0]["wedged"], false);
    assert_eq!(nics[0]["verdict"], "too-early");
    assert_eq!(nics[0]["configuration"], "tso gso gro off");
    let output = one_nic().unhang("evidence", &["status"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let line = "  incidents: 1 this boot, 1 in all, the last ";
    assert!(
        text.contains(line) && text.contains("; tso gso gro off: too early to say\n"),
        "{text}"
    );
}

#[test]
fn a_nic_that_hangs_now_is_said_and_found_by_check() {
    journalctl(
        "wedged",
        &[
            (9000, "kernel", UP),
            (3, "kernel", BLOCK),
            (1, "kernel", BLOCK),
        ],
    );
    let nics = one_nic().status("wedged");
    assert_eq!(nics[0]["wedged"], true);
    let output = one_nic().unhang("wedged", &["status", "--check"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("it hangs now"), "{text}");
}

#[test]
fn metrics_read_what_was_said_of_the_nics_in_this_boot() {
    let said = [
        (9000, "kernel", UP),
        (80, "kernel", BLOCK),
        (75, "kernel", RESET),
    ];
    journalctl("metrics", &said);
    let output = one_nic().unhang("metrics", &["metrics"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let sample = "unhang_hang_incidents_total{interface=\"eno1\",chip=\"I219-LM (7)\",configuration=\"not known\"} 1\n";
    assert!(text.contains(sample), "{text}");
}

#[test]
fn a_journal_without_a_line_of_the_nic_has_none_of_its_hangs() {
    journalctl("quiet", &[]);
    let nics = one_nic().status("quiet");
    assert_eq!(nics[0]["incidents"], 0);
    let output = one_nic().unhang("quiet", &["metrics"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for sample in [
        "unhang_hang_blocks_total{interface=\"eno1\"} 0\n",
        "unhang_kernel_log_read{interface=\"eno1\"} 1\n",
    ] {
        assert!(text.contains(sample), "{text}");
    }
}

/// Old kernels print such a block at link-up though nothing hangs; which kernel it is, the
/// lines of one device don't say.
#[test]
fn a_first_packet_that_hangs_on_the_kernel_of_now_is_no_false_alarm() {
    let block = "e1000e 0000:00:00.0 eno1: Detected Hardware Unit Hang:\n  TDH                  <0>\n  TDT                  <1>\n  next_to_use          <1>\n  next_to_clean        <0>\n  next_to_watch        <0>\nMAC Status             <40080083>";
    let said = [
        (803, "kernel", UP),
        (800, "kernel", block),
        (795, "kernel", RESET),
    ];
    journalctl("first-packet", &said);
    assert_eq!(one_nic().status("first-packet")[0]["incidents"], 1);
}

#[test]
fn the_vendors_report_has_the_firmware_as_ethtool_tells_it() {
    journalctl("vendor", &[(9000, "kernel", UP)]);
    let bin = Path::new(env!("CARGO_TARGET_TMPDIR")).join("umockdev/vendor/bin");
    let script = "#!/bin/sh\n[ \"$*\" = '-i eno1' ] || exit 9\n\
        printf 'driver: e1000e\\nversion: 6.12.38\\nfirmware-version: 0.5-4\\nexpansion-rom-version:\\n'\n";
    fs::write(bin.join("ethtool"), script).unwrap();
    fs::set_permissions(bin.join("ethtool"), Permissions::from_mode(0o755)).unwrap();
    let output = one_nic().unhang("vendor", &["report", "--vendor"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("  Firmware     0.5-4\n"), "{text}");
    assert!(text.contains("  Rule         e1000e-tx-hang\n"), "{text}");
}

#[test]
fn without_a_journal_the_incidents_are_unknown_and_the_rest_is_shown() {
    let bin = Path::new(env!("CARGO_TARGET_TMPDIR")).join("umockdev/denied/bin");
    fs::create_dir_all(&bin).unwrap();
    fs::write(bin.join("journalctl"), "#!/bin/sh\nexit 1\n").unwrap();
    fs::set_permissions(bin.join("journalctl"), Permissions::from_mode(0o755)).unwrap();
    let output = one_nic().unhang("denied", &["status", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(talk.matches("incidents unknown").count(), 1, "{talk}");
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(status["nics"][0]["incidents"], Value::Null);
    // No counter is no zero, and somebody has to notice.
    let output = one_nic().unhang("denied", &["metrics"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("incidents_total"), "{text}");
    let sample = "unhang_kernel_log_read{interface=\"eno1\"} 0\n";
    assert!(text.contains(sample), "{text}");
    // With no e1000e NIC, nobody asks.
    let mut other = Machine::default();
    other.pci_nic("enp1s0", "8086:1521", "igb");
    let output = other.unhang("denied", &["status"]);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
