//! Machines with NICs of any kind, played by umockdev for libudev and /sys.
//!
//! Needs `umockdev-run`, but no root. The kernel has no such NICs: it answers ENODEV to
//! whatever is asked about them.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Far from the number of any real interface.
const FIRST_IFINDEX: usize = 1_000_000;

/// A machine in umockdev's words.
#[derive(Default)]
struct Machine {
    devices: String,
    nics: usize,
}

impl Machine {
    fn device(&mut self, path: &str, subsystem: &str, more: &[String]) {
        writeln!(self.devices, "P: {path}\nE: SUBSYSTEM={subsystem}").unwrap();
        for line in more {
            writeln!(self.devices, "{line}").unwrap();
        }
        self.devices.push('\n');
    }

    /// A network device below `parent`, with udev's properties.
    fn nic(&mut self, parent: &str, name: &str, properties: &[&str]) {
        let ifindex = FIRST_IFINDEX + self.nics;
        self.nics += 1;
        let mut lines = vec![
            format!("E: INTERFACE={name}"),
            format!("E: IFINDEX={ifindex}"),
            format!("A: ifindex={ifindex}\\n"),
            format!("A: address=52:54:00:00:00:{:02x}\\n", self.nics),
        ];
        lines.extend(properties.iter().map(|property| format!("E: {property}")));
        if parent != "/devices/virtual" {
            let up = "../".repeat(2);
            let device = parent.rsplit('/').next().unwrap();
            lines.push(format!("L: device={up}../{device}"));
        }
        self.device(&format!("{parent}/net/{name}"), "net", &lines);
    }

    /// A PCI card with its network device.
    fn pci_nic(&mut self, name: &str, id: &str, driver: &str) -> String {
        let (vendor, device) = id.split_once(':').unwrap();
        let number = self.nics;
        let parent = format!(
            "/devices/pci0000:00/0000:{:02x}:{:02x}.0",
            number / 32,
            number % 32
        );
        let attributes = [
            format!("E: DRIVER={driver}"),
            format!("L: driver=../../../bus/pci/drivers/{driver}"),
            format!("A: vendor=0x{vendor}\\n"),
            format!("A: device=0x{device}\\n"),
            "A: subsystem_vendor=0x1028\\n".into(),
            "A: subsystem_device=0x0869\\n".into(),
        ];
        self.device(&parent, "pci", &attributes);
        let properties = [
            "ID_BUS=pci".to_owned(),
            format!("ID_NET_DRIVER={driver}"),
            format!("ID_VENDOR_ID=0x{vendor}"),
            format!("ID_MODEL_ID=0x{device}"),
        ];
        let properties: Vec<&str> = properties.iter().map(String::as_str).collect();
        self.nic(&parent, name, &properties);
        parent
    }

    /// Runs `unhang` on this machine, with the shipped rules.
    fn unhang(&self, test: &str, args: &[&str]) -> Output {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("umockdev")
            .join(test);
        fs::create_dir_all(&dir).unwrap();
        let file = dir.join("machine.umockdev");
        fs::write(&file, &self.devices).unwrap();
        // A test may put a journalctl of its own there.
        let path = std::env::var("PATH").unwrap();
        Command::new("umockdev-run")
            .arg("--device")
            .arg(&file)
            .arg("--")
            .arg(env!("CARGO_BIN_EXE_unhang"))
            .args(args)
            .arg("--rules")
            .arg(shipped_rules(&dir))
            .env("PATH", format!("{}:{path}", dir.join("bin").display()))
            .output()
            .expect("umockdev-run is needed: apt-get install umockdev")
    }

    fn json(&self, test: &str, args: &[&str]) -> Value {
        let output = self.unhang(test, &[args, &["--json"]].concat());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn status(&self, test: &str) -> Vec<Value> {
        let status = self.json(test, &["status"]);
        assert_eq!(status["schema"], 1);
        status["nics"].as_array().unwrap().clone()
    }
}

/// A copy that may be trusted, whoever checked the project out.
fn shipped_rules(dir: &Path) -> PathBuf {
    let rules = dir.join("rules.d");
    fs::create_dir_all(&rules).unwrap();
    fs::set_permissions(&rules, Permissions::from_mode(0o755)).unwrap();
    let name = "10-e1000e.toml";
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("rules")
        .join(name);
    fs::write(rules.join(name), fs::read(shipped).unwrap()).unwrap();
    fs::set_permissions(rules.join(name), Permissions::from_mode(0o644)).unwrap();
    rules
}

/// PCI ID and short name of each chip, read from the table on its own way.
fn table() -> Vec<(&'static str, &'static str)> {
    include_str!("../src/e1000e-ids.csv")
        .lines()
        .filter(|line| line.starts_with("8086:"))
        .map(|line| {
            let fields: Vec<&str> = line.splitn(4, ',').collect();
            (fields[0], fields[2])
        })
        .collect()
}

#[test]
fn each_of_the_113_chips_is_named_and_matched() {
    let mut machine = Machine::default();
    for (number, (id, _)) in table().iter().enumerate() {
        machine.pci_nic(&format!("nic{number}"), id, "e1000e");
    }
    let nics = machine.status("all-chips");
    assert_eq!(nics.len(), 113);
    for (nic, (id, chip)) in nics.iter().zip(table()) {
        assert_eq!(nic["pci"], id);
        assert_eq!(nic["chip"], chip, "{id}");
        assert_eq!(nic["driver"], "e1000e", "{id}");
        assert_eq!(nic["rules"], serde_json::json!(["e1000e-tx-hang"]), "{id}");
    }
}

/// One of each that the shipped rules must leave alone.
fn neighbours() -> Machine {
    let mut machine = Machine::default();
    machine.pci_nic("igb0", "8086:1521", "igb");
    machine.pci_nic("igc0", "8086:15f3", "igc");
    machine.pci_nic("ixgbe0", "8086:10fb", "ixgbe");
    machine.pci_nic("old0", "8086:100e", "e1000");
    machine.pci_nic("realtek0", "10ec:8168", "r8169");
    // A chip of e1000e's that somebody has given to another driver.
    machine.pci_nic("other0", "8086:15bb", "vfio-net");
    // USB devices have the same properties, without 0x; the second one is there to mislead.
    let usb = "/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0";
    for (name, vendor, model) in [("enxusb0", "0bda", "8153"), ("enxusb1", "8086", "15bb")] {
        let parent = format!("{usb}{name}");
        machine.device(
            &parent,
            "usb",
            &["L: driver=../../../bus/usb/drivers/r8152".into()],
        );
        let vendor = format!("ID_VENDOR_ID={vendor}");
        let model = format!("ID_MODEL_ID={model}");
        let properties = ["ID_BUS=usb", "ID_NET_DRIVER=r8152", &vendor, &model];
        machine.nic(&parent, name, &properties);
    }
    let virtio = "/devices/pci0000:00/0000:00:1d.0";
    let attributes = ["A: vendor=0x1af4\\n", "A: device=0x1000\\n"].map(str::to_owned);
    machine.device(virtio, "pci", &attributes);
    let virtio = format!("{virtio}/virtio0");
    // A virtio device has a vendor and a device of its own, which are no PCI IDs.
    let attributes = ["A: vendor=0x8086\\n", "A: device=0x15bb\\n"].map(str::to_owned);
    machine.device(&virtio, "virtio", &attributes);
    machine.nic(&virtio, "virtio0", &["ID_NET_DRIVER=virtio_net"]);
    let platform = "/devices/platform/soc/5b040000.ethernet";
    machine.device(platform, "platform", &[]);
    machine.nic(platform, "end0", &["ID_NET_DRIVER=fec"]);
    machine
}

#[test]
fn nics_of_other_drivers_are_left_alone() {
    let nics = neighbours().status("neighbours");
    let names: Vec<&Value> = nics.iter().map(|nic| &nic["interface"]).collect();
    let all = [
        "igb0", "igc0", "ixgbe0", "old0", "realtek0", "other0", "enxusb0", "enxusb1", "virtio0",
        "end0",
    ];
    assert_eq!(names, all);
    for nic in &nics {
        assert_eq!(nic["rules"], serde_json::json!([]), "{nic}");
        assert_eq!(nic["in_force"], Value::Null, "{nic}");
    }
}

#[test]
fn only_pci_devices_have_a_pci_id() {
    let nics = neighbours().status("pci-ids");
    let pci = |name: &str| nics.iter().find(|nic| nic["interface"] == name).unwrap()["pci"].clone();
    assert_eq!(pci("igb0"), "8086:1521");
    assert_eq!(pci("enxusb0"), Value::Null);
    assert_eq!(pci("enxusb1"), Value::Null);
    assert_eq!(pci("end0"), Value::Null);
    assert_eq!(pci("virtio0"), "1af4:1000", "that of the card below it");
}

#[test]
fn apply_finds_nothing_to_do_among_them() {
    let output = neighbours().unhang("apply", &["apply"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("no rule is for a NIC of this machine"),
        "{stderr}"
    );
}

#[test]
fn a_bridge_is_no_nic() {
    let mut machine = neighbours();
    machine.nic("/devices/virtual", "br0", &[]);
    let nics = machine.status("bridge");
    assert!(nics.iter().all(|nic| nic["interface"] != "br0"), "{nics:?}");
}

#[test]
fn explain_knows_chip_subsystem_and_address_of_a_real_nic() {
    let mut machine = Machine::default();
    machine.pci_nic("eno1", "8086:15b8", "e1000e");
    let explained = machine.json("explain", &["explain", "eno1"]);
    assert_eq!(explained["chip"], "I219-V (2)");
    assert_eq!(explained["pci"], "8086:15b8:1028:0869");
    assert_eq!(explained["rules"], serde_json::json!(["e1000e-tx-hang"]));
    let text = machine.unhang("explain-text", &["explain", "eno1"]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(
        text.starts_with(
            "eno1: e1000e 8086:15b8 I219-V (2), pci-0000:00:00.0, 52:54:00:00:00:01\n"
        ),
        "{text}"
    );
}

#[test]
fn a_nic_that_goes_away_meanwhile_is_called_gone() {
    // The kernel does not have it.
    let mut machine = Machine::default();
    machine.pci_nic("eno1", "8086:15b8", "e1000e");
    for args in [&["apply", "eno1"][..], &["apply", "--dry-run", "eno1"]] {
        let output = machine.unhang("gone", args);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains("the NIC is gone"), "{said}");
        assert_eq!(output.status.code(), Some(4));
    }
}

#[test]
fn who_asks_for_a_nic_that_is_not_there_is_told_which_are() {
    for command in ["apply", "explain"] {
        let output = neighbours().unhang("no-such-nic", &[command, "eth7"]);
        assert_eq!(output.status.code(), Some(4));
        let stderr = String::from_utf8_lossy(&output.stderr);
        let said = "there is no interface 'eth7'; there are igb0, igc0, ";
        assert!(stderr.contains(said), "{stderr}");
    }
}

#[test]
fn without_any_nic_status_says_so() {
    let mut machine = Machine::default();
    machine.nic("/devices/virtual", "lo", &[]);
    let output = machine.unhang("no-nic", &["status"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "no NIC\n");
}

/// A journalctl for the NIC at 0000:00:00.0: what the kernel and we said of it, so many
/// seconds ago.
fn journalctl(test: &str, said: &[(u64, &str, &str)]) {
    let bin = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("umockdev")
        .join(test)
        .join("bin");
    fs::create_dir_all(&bin).unwrap();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let mut journal = String::new();
    for (ago, speaker, message) in said {
        let transport = if *speaker == "kernel" {
            "kernel"
        } else {
            "syslog"
        };
        let entry = serde_json::json!({
            "__REALTIME_TIMESTAMP": format!("{}000000", now - ago),
            "__MONOTONIC_TIMESTAMP": format!("{}000000", 1_000_000 - ago),
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
        *\" _KERNEL_DEVICE=+pci:0000:00:00.0 + SYSLOG_IDENTIFIER=unhang\") exec cat \"${0%/*}/journal\" ;;\n\
        *\" _TRANSPORT=kernel + SYSLOG_IDENTIFIER=unhang\") exec cat \"${0%/*}/journal\" ;;\n\
        *\" -n 1 _TRANSPORT=kernel\") exec cat \"${0%/*}/last\" ;;\n\
        *) exit 9 ;;\nesac\n";
    let file = bin.join("journalctl");
    fs::write(&file, script).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
}

const BLOCK: &str = "e1000e 0000:00:00.0 eno1: Detected Hardware Unit Hang:\n  TDH                  <11>\n  TDT                  <5e>\n  next_to_use          <5e>\n  next_to_clean        <11>\nMAC Status             <40080083>";
const UP: &str =
    "e1000e 0000:00:00.0 eno1: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: Rx/Tx";
const RESET: &str = "e1000e 0000:00:00.0 eno1: Reset adapter unexpectedly";
const OFF: &str = "eno1: tso gso gro off (were on); rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event manual";

fn one_nic() -> Machine {
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
    let output = one_nic().unhang("evidence", &["status"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let line = "  incidents: 1 this boot, 1 in all, the last ";
    assert!(
        text.contains(line) && text.contains("; too early to say\n"),
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
    let sample = "unhang_hang_incidents_total{interface=\"eno1\"} 1\n";
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
    let sample = "unhang_hang_incidents_total{interface=\"eno1\"} 0\n";
    assert!(text.contains(sample), "{text}");
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
    // With no e1000e NIC, nobody asks.
    let mut other = Machine::default();
    other.pci_nic("enp1s0", "8086:1521", "igb");
    let output = other.unhang("denied", &["status"]);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
