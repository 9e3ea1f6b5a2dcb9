//! What a NIC's features were before unhang changed them, and whether 'unhang revert' put
//! them back.
//!
//! One small text file per network device, below /run: a reboot ends it, as it ends the
//! changes. A file that can't be written keeps nothing from being applied.
//!
//! ```text
//! reverted
//! on tx-tcp-segmentation
//! on rx-gro
//! ```

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::nic::Nic;
use crate::rules::{Decision, on_off};

/// Where the files are, below the root.
const DIR: &str = "run/unhang/nics";
const REVERTED: &str = "reverted";

/// The files.
#[derive(Debug, Clone)]
pub struct Memory {
    dir: PathBuf,
}

/// What is remembered of one network device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remembered {
    /// It is as it was before, and to be left so until 'unhang apply'.
    pub reverted: bool,
    /// Features that unhang changed, and whether they were on before.
    pub before: Vec<(String, bool)>,
}

impl Default for Memory {
    /// The running system's.
    fn default() -> Memory {
        Memory::below(Path::new("/"))
    }
}

impl Memory {
    /// The files below `root`.
    pub fn below(root: &Path) -> Memory {
        Memory {
            dir: root.join(DIR),
        }
    }

    /// The kernel counts ifindexes up, but each network namespace from its own beginning, and a
    /// number can be asked for: the place on the bus (or else the address) tells such devices apart.
    fn file(&self, nic: &Nic) -> PathBuf {
        let place = nic.path.as_ref().or(nic.mac.as_ref());
        let safe = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        let place = place.map_or("", String::as_str);
        let place = place.replace(|c| !safe(c), "_");
        self.dir.join(format!("{}-{place}", nic.ifindex))
    }

    /// What is remembered of this device.
    pub fn read(&self, nic: &Nic) -> Remembered {
        let text = fs::read_to_string(self.file(nic)).unwrap_or_default();
        let feature = |line: &str| match line.split_once(' ')? {
            ("on", name) => Some((name.to_owned(), true)),
            ("off", name) => Some((name.to_owned(), false)),
            _ => None,
        };
        Remembered {
            reverted: text.lines().any(|line| line == REVERTED),
            before: text.lines().filter_map(feature).collect(),
        }
    }

    /// Replaces what is remembered of this device, in one step.
    pub fn write(&self, nic: &Nic, remembered: &Remembered) -> io::Result<()> {
        if *remembered == Remembered::default() {
            return match fs::remove_file(self.file(nic)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        let mut text = String::new();
        if remembered.reverted {
            text += REVERTED;
            text += "\n";
        }
        for (name, on) in &remembered.before {
            text += &format!("{} {name}\n", on_off(*on));
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(&self.dir)?;
        let new = self
            .dir
            .join(format!(".{}.{}", nic.ifindex, std::process::id()));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&new)?;
        let written = file
            .write_all(text.as_bytes())
            // 'unhang status' is for everybody, whatever the watcher's umask.
            .and_then(|()| file.set_permissions(Permissions::from_mode(0o644)))
            .and_then(|()| fs::rename(&new, self.file(nic)));
        if written.is_err() {
            // What is left of it is in nobody's way.
            let _ = fs::remove_file(&new);
        }
        written
    }

    /// Remembers what these features were. Of a feature that is remembered already, that counts:
    /// it is older.
    pub fn add(&self, nic: &Nic, before: &[(&str, bool)]) -> io::Result<()> {
        let mut remembered = self.read(nic);
        let known = remembered.before.len();
        for (name, on) in before {
            if !remembered.before.iter().any(|(other, _)| other == name) {
                remembered.before.push(((*name).to_owned(), *on));
            }
        }
        if remembered.before.len() > known {
            self.write(nic, &remembered)?;
        }
        Ok(())
    }

    /// Whether this device is to be left alone.
    pub fn is_reverted(&self, nic: &Nic) -> bool {
        self.read(nic).reverted
    }

    /// The decision for this device, with nothing in it while the device is to be left alone.
    #[must_use]
    pub fn respected_by<'r>(&self, nic: &Nic, decision: Decision<'r>) -> Decision<'r> {
        if self.is_reverted(nic) {
            decision.without(|_| true)
        } else {
            decision
        }
    }

    /// From now on the rules count again for this device. What it was before is still known.
    pub fn end_revert(&self, nic: &Nic) -> io::Result<()> {
        let remembered = self.read(nic);
        if !remembered.reverted {
            return Ok(());
        }
        let reverted = false;
        self.write(
            nic,
            &Remembered {
                reverted,
                ..remembered
            },
        )
    }

    /// The device is gone.
    pub fn forget(&self, nic: &Nic) {
        // If that fails, a small file is left until the reboot.
        let _ = fs::remove_file(self.file(nic));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_memory(name: &str, test: impl Fn(&Memory)) {
        let root = std::env::temp_dir().join(format!("unhang-{name}-{}", std::process::id()));
        test(&Memory::below(&root));
        fs::remove_dir_all(&root).unwrap();
    }

    fn nic(ifindex: u32, path: &str) -> Nic {
        Nic {
            ifindex,
            path: Some(path.into()),
            ..Nic::default()
        }
    }

    #[test]
    fn the_first_change_counts() {
        with_memory("first", |memory| {
            let eno1 = nic(2, "pci-0000:00:1f.6");
            memory.add(&eno1, &[("rx-gro", true)]).unwrap();
            memory
                .add(&eno1, &[("rx-gro", false), ("rx-lro", false)])
                .unwrap();
            let before = vec![("rx-gro".to_owned(), true), ("rx-lro".to_owned(), false)];
            assert_eq!(memory.read(&eno1).before, before);
        });
    }

    #[test]
    fn another_device_with_the_same_number_is_another_device() {
        with_memory("another", |memory| {
            memory
                .add(&nic(2, "pci-0000:00:1f.6"), &[("rx-gro", true)])
                .unwrap();
            let other = memory.read(&nic(2, "pci-0000:03:00.0"));
            assert_eq!(other, Remembered::default());
        });
    }

    #[test]
    fn a_revert_is_kept_until_it_ends_and_nothing_is_left_of_nothing() {
        with_memory("revert", |memory| {
            let eno1 = nic(2, "../../etc/passwd");
            let reverted = Remembered {
                reverted: true,
                before: Vec::new(),
            };
            memory.write(&eno1, &reverted).unwrap();
            memory.add(&eno1, &[]).unwrap();
            assert!(memory.is_reverted(&eno1));
            memory.end_revert(&eno1).unwrap();
            assert_eq!(fs::read_dir(&memory.dir).unwrap().count(), 0);
        });
    }

    #[test]
    fn a_file_of_anything_is_no_error() {
        with_memory("anything", |memory| {
            let eno1 = nic(2, "x");
            memory.add(&eno1, &[("rx-gro", true)]).unwrap();
            fs::write(memory.file(&eno1), "\u{0}\non\noff rx-lro\nmaybe x\n").unwrap();
            let before = vec![("rx-lro".to_owned(), false)];
            assert_eq!(memory.read(&eno1).before, before);
        });
    }
}
