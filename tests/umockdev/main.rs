//! Machines with NICs of any kind, played by umockdev for libudev and /sys.
//!
//! Needs `umockdev-run`, and for the dashboard a Prometheus, but no root. The kernel has no such NICs: it answers ENODEV to
//! whatever is asked about them.

mod dashboard;
mod evidence;
mod machine;
mod node_problem_detector;

use serde_json::Value;

use machine::Machine;

/// PCI ID and short name of each chip, read from the table on its own way.
fn table() -> Vec<(&'static str, &'static str)> {
    include_str!("../../src/e1000e-ids.csv")
        .lines()
        .filter(|line| line.starts_with("8086:"))
        .map(|line| {
            let fields: Vec<&str> = line.splitn(4, ',').collect();
            (fields[0], fields[2])
        })
        .collect()
}

#[test]
fn each_chip_is_named_and_matched() {
    let mut machine = Machine::default();
    for (number, (id, _)) in table().iter().enumerate() {
        machine.pci_nic(&format!("nic{number}"), id, "e1000e");
    }
    let nics = machine.status("all-chips");
    assert_eq!(nics.len(), table().len());
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
        stderr.contains("no rule matches a NIC of this machine"),
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
