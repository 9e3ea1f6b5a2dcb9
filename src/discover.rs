//! Finding the machine's NICs: through libudev, or in the files of another system than the
//! running one.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use udev::Device;

use crate::nic::Nic;
use crate::root_files;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub nic: Nic,
    /// Whether it is hardware: not a bridge, a VLAN, a veth …
    pub physical: bool,
    /// What udev says of it. Empty if udev has not seen it.
    pub properties: BTreeMap<String, String>,
}

/// The network device of this name, if it (still) is the one of this ifindex.
pub fn by_name(name: &str, ifindex: u32) -> Option<Found> {
    let device = Device::from_subsystem_sysname("net".into(), name.into()).ok()?;
    let found = Found::new(device.syspath(), properties(&device))?;
    (found.nic.ifindex == ifindex).then_some(found)
}

/// All network devices of the system below `root`, in the order of their ifindex.
pub fn all(root: &Path) -> io::Result<Vec<Found>> {
    let running = root == Path::new("/");
    let net = Path::new("/sys/class/net");
    let mut found = Vec::new();
    // libudev's own enumeration looks at all that is above each device, too.
    for entry in fs::read_dir(root_files::inside(root, net)?)? {
        let dir = net.join(entry?.file_name());
        // Not all that is there is a device: bonding_masters.
        if !running {
            found.extend(below(root, &dir));
        } else if let Ok(device) = Device::from_syspath(&dir) {
            found.extend(Found::new(device.syspath(), properties(&device)));
        }
    }
    found.sort_by_key(|found| found.nic.ifindex);
    Ok(found)
}

/// A device of another system, by its files; what leads out of its root is not its.
fn below(root: &Path, dir: &Path) -> Option<Found> {
    let real = root_files::inside(root, dir).ok()?;
    let mut found = Found::new(&real, database(root, dir))?;
    let device = root_files::inside(root, &dir.join("device")).ok()?;
    found.physical &= fs::canonicalize(real.join("device")).ok() == fs::canonicalize(device).ok();
    Some(found)
}

fn properties(device: &Device) -> BTreeMap<String, String> {
    let text = |text: &std::ffi::OsStr| text.to_str().map(str::to_owned);
    let properties = device.properties();
    properties
        .filter_map(|property| Some((text(property.name())?, text(property.value())?)))
        .collect()
}

/// What udev's database has of the device (`E:KEY=VALUE` lines).
fn database(root: &Path, dir: &Path) -> BTreeMap<String, String> {
    let ifindex = root_files::read(root, &dir.join("ifindex")).unwrap_or_default();
    let ifindex = ifindex.trim_end();
    let file = format!("/run/udev/data/n{ifindex}");
    let text = root_files::read(root, Path::new(&file)).unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.strip_prefix("E:"));
    let mut properties: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    // The kernel's own.
    properties.insert("IFINDEX".into(), ifindex.to_owned());
    properties
}

impl Found {
    /// `None` for what is no network device, or is going away.
    fn new(dir: &Path, properties: BTreeMap<String, String>) -> Option<Found> {
        let property = |key| properties.get(key).cloned();
        let mut nic = Nic {
            ifindex: property("IFINDEX")?.parse().ok()?,
            name: dir.file_name()?.to_str()?.to_owned(),
            driver: property("ID_NET_DRIVER"),
            path: property("ID_PATH"),
            ..Nic::default()
        };
        nic.complete_from_sysfs(dir);
        // libudev looks for a parent in each folder above.
        let physical = dir.join("device").exists();
        Some(Found {
            nic,
            physical,
            properties,
        })
    }
}
