//! Which NIC an event or a command is about.
//!
//! A [`Nic`] is what rules match on: driver, PCI IDs, name, MAC and path. In a udev event
//! it comes from the environment that udevd gives the helper, completed from /sys; by hand
//! it comes from libudev ([`crate::discover`]). The kernel is addressed by its
//! ifindex all the way: a name may change between the event and the action.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::str::FromStr;

use crate::chip::{self, Chip};

/// PCI vendor and device, and the subsystem's where known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PciId {
    pub vendor: u16,
    pub device: u16,
    pub subsystem: Option<(u16, u16)>,
}

impl PciId {
    /// Whether `self`, as a rule wrote it, names `other`, a real device: without
    /// a subsystem it names every subsystem.
    pub fn covers(&self, other: &PciId) -> bool {
        (self.vendor, self.device) == (other.vendor, other.device)
            && (self.subsystem.is_none() || self.subsystem == other.subsystem)
    }

    /// The chip, if it is one of the e1000e driver's.
    pub fn chip(&self) -> Option<Chip> {
        chip::find(self.vendor, self.device)
    }
}

/// `vendor:device`, the subsystem only in the alternate form (`{:#}`).
impl fmt::Display for PciId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:04x}", self.vendor, self.device)?;
        match self.subsystem {
            Some((vendor, device)) if f.alternate() => write!(f, ":{vendor:04x}:{device:04x}"),
            _ => Ok(()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a PCI ID is vendor:device or vendor:device:subvendor:subdevice, each four hex digits")]
pub struct InvalidPciId;

impl FromStr for PciId {
    type Err = InvalidPciId;

    fn from_str(text: &str) -> Result<Self, InvalidPciId> {
        let parts = text
            .split(':')
            .map(|part| match part.len() {
                4 if !part.starts_with('+') => u16::from_str_radix(part, 16).ok(),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
            .ok_or(InvalidPciId)?;
        match parts[..] {
            [vendor, device] => Ok(PciId {
                vendor,
                device,
                subsystem: None,
            }),
            [vendor, device, subvendor, subdevice] => Ok(PciId {
                vendor,
                device,
                subsystem: Some((subvendor, subdevice)),
            }),
            _ => Err(InvalidPciId),
        }
    }
}

/// One network device, as far as rules and log lines care.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Nic {
    /// The kernel's number for it; unlike the name it never changes. 0 for a device that is not there.
    pub ifindex: u32,
    pub name: String,
    /// Kernel driver, e.g. `e1000e`.
    pub driver: Option<String>,
    /// PCI IDs; none for a device that is not on a PCI bus.
    pub pci: Option<PciId>,
    /// udev's `ID_PATH`, e.g. `pci-0000:00:1f.6`.
    pub path: Option<String>,
    /// The port's number (`dev_port`), where the ports of a card share its place on the bus.
    pub port: u32,
    /// Number of its directory in /sys: no other device has it or gets it, whatever its ifindex.
    pub inode: u64,
    /// Hardware address, lower case with colons.
    pub mac: Option<String>,
}

impl Nic {
    /// The chip, if it is one of the e1000e driver's.
    pub fn chip(&self) -> Option<Chip> {
        self.pci.and_then(|pci| pci.chip())
    }

    /// Driver, PCI ID and chip in one phrase: `e1000e 8086:15bb I219-LM (7)`.
    pub fn identity(&self) -> String {
        let parts = [
            Some(self.driver.clone().unwrap_or_else(|| "no driver".into())),
            self.pci.map(|pci| pci.to_string()),
            self.chip().map(|chip| chip.name.to_owned()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// Fills in what is still missing from `dir`, a net device's folder in /sys.
    pub(crate) fn complete_from_sysfs(&mut self, dir: &Path) {
        let link_name = |link: &str| {
            let target = fs::read_link(dir.join(link)).ok()?;
            target.file_name()?.to_str().map(str::to_owned)
        };
        if self.driver.is_none() {
            self.driver = link_name("device/driver");
        }
        self.inode = fs::metadata(dir).map_or(0, |dir| dir.ino());
        // Only a PCI device's `vendor` is a PCI ID; a virtio device sits below the PCI device.
        let device = match link_name("device/subsystem").as_deref() {
            Some("pci") => Some("device"),
            Some("virtio") if link_name("device/../subsystem").as_deref() == Some("pci") => {
                Some("device/..")
            }
            _ => None,
        };
        if let Some(device) = device {
            let port = read(dir, "dev_port").and_then(|port| port.parse().ok());
            self.port = port.unwrap_or_default();
            let id = |file: &str| {
                let text = read(&dir.join(device), file)?;
                u16::from_str_radix(text.strip_prefix("0x")?, 16).ok()
            };
            if let (Some(vendor), Some(model)) = (id("vendor"), id("device")) {
                let subsystem = id("subsystem_vendor").zip(id("subsystem_device"));
                self.pci = Some(PciId {
                    vendor,
                    device: model,
                    subsystem,
                });
            }
            if self.path.is_none() {
                let address = fs::canonicalize(dir.join(device)).ok();
                let address = address.as_deref().and_then(Path::file_name);
                self.path = address.map(|address| format!("pci-{}", address.to_string_lossy()));
            }
        }
        if self.mac.is_none() {
            self.mac = read(dir, "address").filter(|mac| !mac.is_empty());
        }
    }

    /// The NIC of a udev event, from the properties in the helper's environment, completed
    /// from /sys below `root`.
    pub fn from_udev_event(
        property: impl Fn(&str) -> Option<String>,
        root: &Path,
    ) -> Result<Nic, NotAnEvent> {
        let required = |key: &'static str| property(key).ok_or(NotAnEvent::Missing(key));
        let name = required("INTERFACE")?;
        let ifindex = required("IFINDEX")?;
        let ifindex = match ifindex.parse() {
            Ok(number) if number > 0 => number,
            _ => return Err(NotAnEvent::BadIfindex(ifindex)),
        };
        let prefixed_hex = |key: &str| {
            let text = property(key)?;
            u16::from_str_radix(text.strip_prefix("0x")?, 16).ok()
        };
        // USB devices have the same properties, but without 0x: those are no PCI IDs.
        let pci = prefixed_hex("ID_VENDOR_ID")
            .zip(prefixed_hex("ID_MODEL_ID"))
            .filter(|_| property("ID_BUS").is_none_or(|bus| bus == "pci"))
            .map(|(vendor, device)| PciId {
                vendor,
                device,
                subsystem: None,
            });
        let mut nic = Nic {
            ifindex,
            name,
            driver: property("ID_NET_DRIVER"),
            pci,
            path: property("ID_PATH"),
            ..Nic::default()
        };
        if let Some(dir) = nic.sysfs_dir(property("DEVPATH").as_deref(), root) {
            nic.complete_from_sysfs(&dir);
        }
        Ok(nic)
    }

    /// The device's folder in /sys: by the event's path or name, if that is still the same device.
    fn sysfs_dir(&self, devpath: Option<&str>, root: &Path) -> Option<std::path::PathBuf> {
        let by_path = devpath.map(|path| root.join("sys").join(path.trim_start_matches('/')));
        let by_name = Some(root.join("sys/class/net").join(&self.name));
        [by_path, by_name]
            .into_iter()
            .flatten()
            .find(|dir| read(dir, "ifindex") == Some(self.ifindex.to_string()))
    }
}

/// A NIC in words, as `--as` takes it: `driver=e1000e pci=8086:15b8`.
impl FromStr for Nic {
    type Err = InvalidNic;

    fn from_str(text: &str) -> Result<Nic, InvalidNic> {
        let mut nic = Nic::default();
        for word in text.split_whitespace() {
            let (key, value) = word
                .split_once('=')
                .filter(|(_, value)| !value.is_empty())
                .ok_or_else(|| {
                    InvalidNic(format!("'{word}' is not key=value, such as driver=e1000e"))
                })?;
            match key {
                "driver" => nic.driver = Some(value.to_owned()),
                "pci" => {
                    let pci = value.parse::<PciId>();
                    nic.pci = Some(pci.map_err(|error| InvalidNic(format!("'{value}': {error}")))?);
                }
                "interface" => value.clone_into(&mut nic.name),
                "mac" => nic.mac = Some(parse_mac(value).map_err(InvalidNic)?),
                "path" => nic.path = Some(value.to_owned()),
                _ => {
                    return Err(InvalidNic(format!(
                        "unknown key '{key}'; known are driver, pci, interface, mac, path"
                    )));
                }
            }
        }
        if nic == Nic::default() {
            return Err(InvalidNic(
                "describe the NIC, for example \"driver=e1000e pci=8086:15b8\"".into(),
            ));
        }
        // No other driver binds to its chips.
        nic.driver = nic
            .driver
            .or(nic.pci.and_then(|pci| pci.chip()).map(|_| "e1000e".into()));
        Ok(nic)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidNic(String);

/// Why the environment is not that of a udev event for a net device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEvent {
    #[error(
        "{0} is not set: this program is called by udev for a net device; by hand, use 'unhang apply'"
    )]
    Missing(&'static str),
    #[error("IFINDEX is '{0}', which is no interface number")]
    BadIfindex(String),
}

/// A MAC address in lower case with colons, from any usual writing with separators.
pub fn parse_mac(text: &str) -> Result<String, String> {
    let mac = text.to_ascii_lowercase().replace('-', ":");
    let octets: Vec<&str> = mac.split(':').collect();
    let is_octet = |o: &&str| o.len() == 2 && o.bytes().all(|b| b.is_ascii_hexdigit());
    if octets.len() == 6 && octets.iter().all(is_octet) {
        Ok(mac)
    } else {
        Err(format!(
            "'{text}' is no MAC address: write six pairs of hex digits, such as 52:54:00:12:34:56"
        ))
    }
}

/// How many `packets` or `bytes` a NIC has sent since its driver found it, by the kernel's count.
pub fn sent(interface: &str, what: &str) -> Option<u64> {
    let statistics = Path::new("/sys/class/net")
        .join(interface)
        .join("statistics");
    read(&statistics, &format!("tx_{what}"))?.parse().ok()
}

/// A file's text in `dir` without the line's end; `None` where it can't be read.
fn read(dir: &Path, file: &str) -> Option<String> {
    let text = fs::read_to_string(dir.join(file)).ok()?;
    Some(text.trim_end().to_owned())
}
