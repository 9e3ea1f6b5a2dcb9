//! Which NIC a udev event is about: udev's properties, completed from a /sys of our own.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use unhang::nic::{Nic, NotAnEvent};

/// The properties of an `add` event, as udevd 252 gives them to a program in RUN.
const ADD: &[(&str, &str)] = &[
    ("ACTION", "add"),
    ("DEVPATH", "/devices/pci0000:00/0000:00:1f.6/net/eno1"),
    ("SUBSYSTEM", "net"),
    ("INTERFACE", "eno1"),
    ("IFINDEX", "2"),
    ("SEQNUM", "1934"),
    ("ID_BUS", "pci"),
    ("ID_NET_DRIVER", "e1000e"),
    ("ID_VENDOR_ID", "0x8086"),
    ("ID_MODEL_ID", "0x15bb"),
    ("ID_PATH", "pci-0000:00:1f.6"),
];

/// The event with these properties instead; an empty one is absent.
fn event(changes: &[(&str, &str)], root: &Path) -> Result<Nic, NotAnEvent> {
    let property = |key: &str| {
        let properties = changes.iter().chain(ADD);
        let mut values = properties.filter(|(name, _)| *name == key);
        let value = values.next().map(|(_, value)| (*value).to_owned());
        value.filter(|value| !value.is_empty())
    };
    Nic::from_udev_event(property, root)
}

/// A folder with a /sys in it.
struct Root(PathBuf);

impl Root {
    fn new(name: &str) -> Root {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("udev-event")
            .join(name);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("sys/class/net")).unwrap();
        Root(dir)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join("sys").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn link(&self, path: &str, target: &str) {
        let path = self.0.join("sys").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    /// A NIC below a device of this bus, whose folder in /sys is given.
    fn nic(&self, device: &str, bus: &str, driver: &str, name: &str, ifindex: u32) {
        self.link(&format!("{device}/subsystem"), &format!("/sys/bus/{bus}"));
        self.link(
            &format!("{device}/driver"),
            &format!("/sys/bus/{bus}/drivers/{driver}"),
        );
        let net = format!("{device}/net/{name}");
        self.write(&format!("{net}/ifindex"), &format!("{ifindex}\n"));
        self.write(&format!("{net}/address"), "52:54:00:aa:00:01\n");
        self.link(&format!("{net}/device"), "../..");
        self.link(&format!("class/net/{name}"), &format!("../../{net}"));
    }

    fn ids(&self, device: &str, ids: [&str; 4]) {
        let files = ["vendor", "device", "subsystem_vendor", "subsystem_device"];
        for (file, id) in files.iter().zip(ids) {
            self.write(&format!("{device}/{file}"), &format!("0x{id}\n"));
        }
    }

    fn e1000e(name: &str, interface: &str, ifindex: u32) -> Root {
        let root = Root::new(name);
        let device = "devices/pci0000:00/0000:00:1f.6";
        root.nic(device, "pci", "e1000e", interface, ifindex);
        root.ids(device, ["8086", "15bb", "1028", "0869"]);
        root
    }
}

#[test]
fn properties_alone_say_what_rules_need() {
    let root = Root::new("no-sys");
    let nic = event(&[], &root.0).unwrap();
    assert_eq!((nic.ifindex, nic.name.as_str()), (2, "eno1"));
    assert_eq!(nic.identity(), "e1000e 8086:15bb I219-LM (7)");
    assert_eq!(nic.path.as_deref(), Some("pci-0000:00:1f.6"));
    assert_eq!(nic.mac, None);
}

#[test]
fn sys_adds_the_subsystem_and_the_address() {
    let root = Root::e1000e("complete", "eno1", 2);
    let nic = event(&[], &root.0).unwrap();
    assert_eq!(format!("{:#}", nic.pci.unwrap()), "8086:15bb:1028:0869");
    assert_eq!(nic.mac.as_deref(), Some("52:54:00:aa:00:01"));
}

#[test]
fn sys_alone_says_it_all_where_no_rules_of_udev_were() {
    // In an initramfs: what the kernel itself gives, and nothing of 75-net-description.
    let root = Root::e1000e("kernel-only", "eno1", 2);
    let bare = [
        "ID_BUS",
        "ID_NET_DRIVER",
        "ID_VENDOR_ID",
        "ID_MODEL_ID",
        "ID_PATH",
    ];
    let nic = event(&bare.map(|key| (key, "")), &root.0).unwrap();
    assert_eq!(nic.identity(), "e1000e 8086:15bb I219-LM (7)");
    assert_eq!(nic.path.as_deref(), Some("pci-0000:00:1f.6"));
}

#[test]
fn a_devpath_that_is_stale_after_a_rename_does_no_harm() {
    // The event says eth0; the device is called eno1 already and INTERFACE says so.
    let root = Root::e1000e("stale-path", "eno1", 2);
    let stale = ("DEVPATH", "/devices/pci0000:00/0000:00:1f.6/net/eth0");
    let nic = event(&[stale], &root.0).unwrap();
    assert_eq!(nic.mac.as_deref(), Some("52:54:00:aa:00:01"));
}

#[test]
fn a_path_that_another_device_has_by_now_is_not_read() {
    let root = Root::e1000e("other-device", "eno1", 3);
    let nic = event(&[], &root.0).unwrap();
    assert_eq!(nic.ifindex, 2);
    assert_eq!(nic.mac, None, "that is the address of number 3");
}

#[test]
fn ids_of_usb_devices_are_no_pci_ids() {
    let root = Root::new("usb");
    let device = "devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0";
    root.nic(device, "usb", "r8152", "enx0", 2);
    // 75-net-description writes them without 0x; the second pair is there to mislead.
    for (vendor, model) in [("0bda", "8153"), ("0x8086", "0x15bb")] {
        let properties = [
            (
                "DEVPATH",
                "/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0/net/enx0",
            ),
            ("INTERFACE", "enx0"),
            ("ID_BUS", "usb"),
            ("ID_NET_DRIVER", "r8152"),
            ("ID_VENDOR_ID", vendor),
            ("ID_MODEL_ID", model),
        ];
        let nic = event(&properties, &root.0).unwrap();
        assert_eq!((nic.pci, nic.driver.as_deref()), (None, Some("r8152")));
    }
}

#[test]
fn a_virtio_nic_has_the_pci_id_of_its_card() {
    let root = Root::new("virtio");
    let card = "devices/pci0000:00/0000:00:03.0";
    root.link(&format!("{card}/subsystem"), "/sys/bus/pci");
    root.ids(card, ["1af4", "1000", "1af4", "0001"]);
    let device = format!("{card}/virtio0");
    root.nic(&device, "virtio", "virtio_net", "ens3", 2);
    root.ids(&device, ["8086", "15bb", "8086", "15bb"]);
    let properties = [
        (
            "DEVPATH",
            "/devices/pci0000:00/0000:00:03.0/virtio0/net/ens3",
        ),
        ("INTERFACE", "ens3"),
        ("ID_NET_DRIVER", ""),
        ("ID_VENDOR_ID", ""),
        ("ID_MODEL_ID", ""),
    ];
    let nic = event(&properties, &root.0).unwrap();
    assert_eq!(nic.identity(), "virtio_net 1af4:1000");
}

#[test]
fn a_nic_without_a_bus_has_no_pci_id() {
    let root = Root::new("virtual");
    root.write("devices/virtual/net/dummy0/ifindex", "2\n");
    let properties = [
        ("DEVPATH", "/devices/virtual/net/dummy0"),
        ("INTERFACE", "dummy0"),
        ("ID_BUS", ""),
        ("ID_NET_DRIVER", "dummy"),
        ("ID_VENDOR_ID", ""),
        ("ID_MODEL_ID", ""),
        ("ID_PATH", ""),
    ];
    let nic = event(&properties, &root.0).unwrap();
    assert_eq!(nic.identity(), "dummy");
}

#[test]
fn an_event_of_a_removed_nic_is_read_like_any_other() {
    // ID_NET_DRIVER is still set, /sys no longer there.
    let root = Root::new("removed");
    let nic = event(&[("ACTION", "remove")], &root.0).unwrap();
    assert_eq!(nic.driver.as_deref(), Some("e1000e"));
}

#[test]
fn what_is_no_event_of_a_net_device_is_refused_with_the_reason() {
    let root = Root::new("no-event");
    let refused = |changes: &[(&str, &str)]| event(changes, &root.0).unwrap_err().to_string();
    assert!(refused(&[("IFINDEX", "")]).starts_with("IFINDEX is not set: "));
    assert!(refused(&[("INTERFACE", "")]).contains("by hand, use 'unhang apply'"));
    for number in ["0", "-1", "two", "99999999999"] {
        let said = format!("IFINDEX is '{number}', which is no interface number");
        assert_eq!(refused(&[("IFINDEX", number)]), said);
    }
}

#[test]
fn broken_ids_are_no_ids() {
    let root = Root::new("broken-ids");
    for id in ["", "0x", "0x12345", "0xzzzz", "8086", "0X8086"] {
        assert_eq!(
            event(&[("ID_VENDOR_ID", id)], &root.0).unwrap().pci,
            None,
            "{id}"
        );
    }
}
