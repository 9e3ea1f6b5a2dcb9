//! The machine that a file is generated for, below a root directory: its NICs as /sys and
//! udev's database show them, and the version of its systemd.
//!
//! With another root than / nothing of the running machine is asked, so that a file can be
//! made for an image or for a mounted disk.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::discover::{self, Found};
use crate::nic::Nic;
use crate::root_files;
use crate::timeout;

const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub struct Machine {
    pub root: PathBuf,
    /// Its hardware NICs, by name.
    pub nics: Vec<Present>,
    /// The version of its systemd; `None` if that is not to be found out.
    pub systemd: Option<u32>,
}

/// A NIC with what `.link` files can match on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Present {
    pub nic: Nic,
    /// What udev's database says of it. Empty if udev has not seen it.
    pub properties: BTreeMap<String, String>,
    /// Its address is the one burnt in.
    pub permanent_mac: bool,
}

impl Present {
    pub fn property(&self, key: &str) -> Option<&str> {
        self.properties.get(key).map(String::as_str)
    }

    /// A NIC that is not there. Properties that follow from what is known of it are filled in.
    pub fn imagined(nic: Nic) -> Present {
        let mut properties = BTreeMap::new();
        if let Some(pci) = nic.pci {
            properties.insert("ID_VENDOR_ID".into(), format!("0x{:04x}", pci.vendor));
            properties.insert("ID_MODEL_ID".into(), format!("0x{:04x}", pci.device));
            properties.insert("ID_BUS".into(), "pci".into());
        }
        Present {
            permanent_mac: nic.mac.is_some(),
            nic,
            properties,
        }
    }
}

impl Machine {
    /// The machine whose files are below `root`.
    pub fn read(root: &Path) -> Machine {
        let running = root == Path::new("/");
        Machine {
            root: root.to_owned(),
            nics: nics(root),
            systemd: if running {
                running_version().or_else(|| installed_version(root))
            } else {
                installed_version(root)
            },
        }
    }

    pub fn nic(&self, name: &str) -> Option<&Present> {
        self.nics.iter().find(|present| present.nic.name == name)
    }

    /// Whether a key that came with `since` is known to its systemd; if the version is not known,
    /// whether every systemd still in use has it.
    pub fn knows(&self, since: u32) -> bool {
        knows(self.systemd, since)
    }

    /// Where the file at `path` on the machine really is.
    pub fn real(&self, path: &Path) -> io::Result<PathBuf> {
        root_files::inside(&self.root, path)
    }

    pub fn read_file(&self, path: &Path) -> io::Result<String> {
        root_files::read(&self.root, path)
    }

    /// The text of a file of the machine's, if it can be read.
    pub fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        self.read_file(path.as_ref()).ok()
    }

    pub fn files(&self, dir: impl AsRef<Path>) -> Vec<PathBuf> {
        root_files::list(&self.root, dir.as_ref())
    }

    /// The first of these programs that it has.
    pub fn program(&self, name: &str) -> Option<String> {
        let paths = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(|dir| format!("{dir}/{name}"));
        let mut there = paths
            .into_iter()
            .filter(|path| self.real(Path::new(path)).is_ok_and(|real| real.exists()));
        there.next()
    }
}

/// Whether systemd of this version, or if that is not known every one in use, knows what came with `since`.
pub fn knows(systemd: Option<u32>, since: u32) -> bool {
    since <= systemd.unwrap_or(OLDEST_IN_USE)
}

/// Debian 11's and RHEL 9's neighbourhood: what a file for an unknown systemd may use.
const OLDEST_IN_USE: u32 = 247;

/// Hardware NICs: net devices with a device below them.
fn nics(root: &Path) -> Vec<Present> {
    let found = discover::all(root).unwrap_or_default();
    let physical = found.into_iter().filter(|found| found.physical);
    let mut nics: Vec<Present> = physical.map(|found| present(root, found)).collect();
    nics.sort_by(|a, b| a.nic.name.cmp(&b.nic.name));
    nics
}

fn present(root: &Path, found: Found) -> Present {
    let file = format!("/sys/class/net/{}/addr_assign_type", found.nic.name);
    let kind = root_files::read(root, Path::new(&file));
    Present {
        // NET_ADDR_PERM (include/linux/netdevice.h)
        permanent_mac: kind.is_ok_and(|kind| kind.trim_end() == "0"),
        nic: found.nic,
        properties: found.properties,
    }
}

/// What the programs of the running system say.
fn running_version() -> Option<u32> {
    ["udevadm", "systemctl"].into_iter().find_map(|program| {
        let mut work = timeout::start(PATIENCE, move |sender| {
            let mut command = Command::new(program);
            command.arg("--version").stdin(Stdio::null());
            let output = command.stderr(Stdio::null()).output().ok();
            // Nobody waits any more after a time-out.
            let _ = sender.send(output);
        });
        let output = work.next_result().ok()???;
        // "257 (257.9-1)" or "systemd 257 (257.9-1)"
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut words = text.split([' ', '\n', '~']);
        words.find_map(|word| word.parse().ok())
    })
}

/// The version in the name of systemd's private library.
fn installed_version(root: &Path) -> Option<u32> {
    let lib = Path::new("/usr/lib");
    let below = root_files::list(root, lib).into_iter();
    let dirs = below.map(|dir| dir.join("systemd"));
    let dirs = dirs.chain([lib.join("systemd"), "/usr/lib64/systemd".into()]);
    let mut files = dirs.flat_map(|dir| root_files::list(root, &dir));
    files.find_map(|file| {
        let name = file.file_name()?;
        let version = name.to_str()?.strip_prefix("libsystemd-shared-")?;
        version.split(['.', '-', '~']).next()?.parse().ok()
    })
}
