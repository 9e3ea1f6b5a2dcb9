//! Finding the machine's NICs, through libudev.

use std::fs;
use std::io;

use udev::Device;

use crate::nic::Nic;

/// A network device of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What rules match on.
    pub nic: Nic,
    /// Whether it is hardware: not a bridge, a VLAN, a veth …
    pub physical: bool,
}

/// The network device of this name, if it (still) is the one of this ifindex.
pub fn by_name(name: &str, ifindex: u32) -> Option<Found> {
    let device = Device::from_subsystem_sysname("net".into(), name.into()).ok()?;
    Found::new(&device).filter(|found| found.nic.ifindex == ifindex)
}

/// All network devices, in the order of their ifindex.
pub fn all() -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    // libudev's own enumeration looks at all that is above each device, too.
    for entry in fs::read_dir("/sys/class/net")? {
        // Not all that is there is a device: bonding_masters.
        if let Ok(device) = Device::from_syspath(&entry?.path()) {
            found.extend(Found::new(&device));
        }
    }
    found.sort_by_key(|found| found.nic.ifindex);
    Ok(found)
}

impl Found {
    /// `None` for what is no network device, or is going away.
    fn new(device: &Device) -> Option<Found> {
        let property = |key| device.property_value(key)?.to_str().map(str::to_owned);
        let mut nic = Nic {
            ifindex: property("IFINDEX")?.parse().ok()?,
            name: device.sysname().to_str()?.to_owned(),
            driver: property("ID_NET_DRIVER"),
            path: property("ID_PATH"),
            ..Nic::default()
        };
        nic.complete_from_sysfs(device.syspath());
        // libudev looks for a parent in each folder above.
        let physical = device.syspath().join("device").exists();
        Some(Found { nic, physical })
    }
}
