//! What a NIC's settings were before unhang changed them, and whether 'unhang revert' restored
//! them.
//!
//! One small text file per network device, below /run: a reboot ends it, as it ends the
//! changes. A file that can't be written keeps nothing from being applied.
//!
//! ```text
//! reverted
//! tx-tcp-segmentation: on
//! rx-gro: off [requested on]
//! ring rx: 256
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};

use crate::features::Feature;
use crate::nic::Nic;
use crate::replace::replace;
use crate::rules::Decision;
use crate::settings::{Name, Value};

/// Below the root.
const DIR: &str = "run/unhang";
const REVERTED: &str = "reverted";
/// Of a feature: whether it is on, and whether that is what was requested; as ethtool says it.
const STATES: [(&str, bool, bool); 4] = [
    ("on", true, true),
    ("off", false, false),
    ("on [requested off]", true, false),
    ("off [requested on]", false, true),
];
/// How often, and how long each time, another process that applies or restores is waited for.
/// One that is stopped must not keep NICs unprotected.
const LOCK_ATTEMPTS: u32 = 1000;
const LOCK_PAUSE: Duration = Duration::from_millis(2);

#[derive(Debug, Clone)]
pub struct SavedState {
    root: PathBuf,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Saved {
    /// It is restored, and to be left alone until 'unhang apply'.
    pub reverted: bool,
    /// Features that unhang changed, as they were before.
    pub before: Vec<Feature>,
    /// The same of other settings.
    pub values: Vec<(Name, Value)>,
}

impl Saved {
    /// The same and these, while the rules count. Of what is saved already, that counts: it is older.
    #[must_use]
    pub fn and<'f>(
        &self,
        features: impl Iterator<Item = &'f Feature>,
        others: impl Iterator<Item = (&'f Name, Value)>,
    ) -> Saved {
        let mut before = self.before.clone();
        for feature in features {
            if !before.iter().any(|other| other.name == feature.name) {
                before.push(feature.clone());
            }
        }
        let mut values = self.values.clone();
        for (name, value) in others {
            if !values.iter().any(|(other, _)| other == name) {
                values.push((name.clone(), value));
            }
        }
        Saved {
            reverted: false,
            before,
            values,
        }
    }
}

impl SavedState {
    pub fn below(root: &Path) -> SavedState {
        SavedState {
            root: root.to_owned(),
        }
    }

    /// Named after the place on the bus: the ifindex is another one when the driver is loaded
    /// again, and the address can be changed. What is on no bus goes with its driver.
    fn file(&self, nic: &Nic) -> PathBuf {
        let safe = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        let name = match &nic.path {
            Some(path) => format!("{}-{}", path.replace(|c| !safe(c), "_"), nic.port),
            None => nic.inode.to_string(),
        };
        self.root.join(DIR).join("nics").join(name)
    }

    /// Keeps other processes from applying and restoring until the result is dropped. `None` if
    /// that is not possible, or another one does not end.
    pub fn lock(&self) -> Option<Flock<File>> {
        let open = || {
            let mut options = OpenOptions::new();
            // Not for everybody: any user could hold it then.
            let options = options.write(true).create(true).truncate(false).mode(0o600);
            options.open(self.root.join(DIR).join("lock"))
        };
        let mut file = self.in_dir(open).ok()?;
        for _ in 0..LOCK_ATTEMPTS {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Some(lock),
                Err((unlocked, _)) => file = unlocked,
            }
            sleep(LOCK_PAUSE);
        }
        None
    }

    /// Does what needs the directories, and once more if they were not there.
    fn in_dir<T>(&self, work: impl Fn() -> io::Result<T>) -> io::Result<T> {
        match work() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let dir = self.root.join(DIR);
                for dir in [&dir, &dir.join("nics")] {
                    if !dir.exists() {
                        DirBuilder::new().recursive(true).create(dir)?;
                        // 'unhang status' is for everybody, whatever the umask.
                        fs::set_permissions(dir, Permissions::from_mode(0o755))?;
                    }
                }
                work()
            }
            done => done,
        }
    }

    pub fn read(&self, nic: &Nic) -> Saved {
        let text = fs::read_to_string(self.file(nic)).unwrap_or_default();
        let value = |line: &str| {
            let (name, value) = line.rsplit_once(": ")?;
            Some((name.parse::<Name>().ok()?, value.parse().ok()?))
        };
        let feature = |line: &str| {
            let (name, state) = line.split_once(": ").filter(|_| value(line).is_none())?;
            let (_, active, wanted) = STATES.into_iter().find(|(word, ..)| *word == state)?;
            Some(Feature {
                name: name.to_owned(),
                changeable: true,
                wanted,
                active,
            })
        };
        Saved {
            reverted: text.lines().any(|line| line == REVERTED),
            before: text.lines().filter_map(feature).collect(),
            values: text.lines().filter_map(value).collect(),
        }
    }

    /// Replaces what is saved of this device.
    pub fn write(&self, nic: &Nic, saved: &Saved) -> io::Result<()> {
        if *saved == Saved::default() {
            return match fs::remove_file(self.file(nic)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        let mut text = String::new();
        if saved.reverted {
            text += REVERTED;
            text += "\n";
        }
        for feature in &saved.before {
            let is = |(_, active, wanted): &&(_, bool, bool)| {
                (*active, *wanted) == (feature.active, feature.wanted)
            };
            let state = STATES.iter().find(is).map_or("", |(word, ..)| word);
            text += &format!("{}: {state}\n", feature.name);
        }
        for (name, value) in &saved.values {
            text += &format!("{name}: {value}\n");
        }
        let file = self.file(nic);
        self.in_dir(|| replace(&file, text.as_bytes(), 0o644))
    }

    pub fn is_reverted(&self, nic: &Nic) -> bool {
        self.read(nic).reverted
    }

    /// The decision for this device, with nothing in it while the device is to be left alone.
    #[must_use]
    pub fn respected_by<'r>(&self, nic: &Nic, decision: Decision<'r>) -> Decision<'r> {
        if self.is_reverted(nic) {
            decision.without(|_| true).without_values(|_| true)
        } else {
            decision
        }
    }

    /// The device is gone. One on a bus may come back: when its driver is loaded again, say.
    pub fn forget(&self, nic: &Nic) {
        if nic.path.is_none() {
            // If that fails, a small file is left until the reboot.
            let _ = fs::remove_file(self.file(nic));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_saved_state(test: impl Fn(&SavedState)) {
        let root = tempfile::tempdir().unwrap();
        test(&SavedState::below(root.path()));
    }

    fn nic(ifindex: u32, path: Option<&str>) -> Nic {
        Nic {
            ifindex,
            path: path.map(str::to_owned),
            inode: ifindex.into(),
            ..Nic::default()
        }
    }

    fn saved(name: &str, active: bool, wanted: bool) -> Saved {
        let before = Feature {
            name: name.into(),
            changeable: true,
            wanted,
            active,
        };
        Saved {
            before: vec![before],
            ..Saved::default()
        }
    }

    #[test]
    fn what_is_written_is_read() {
        with_saved_state(|state| {
            let eno1 = nic(2, Some("../../etc/passwd"));
            for (word, active, wanted) in STATES {
                let saved = saved("rx-gro", active, wanted);
                state.write(&eno1, &saved).unwrap();
                assert_eq!(state.read(&eno1), saved, "{word}");
            }
            state.write(&eno1, &Saved::default()).unwrap();
            let dir = state.root.join(DIR).join("nics");
            assert_eq!(fs::read_dir(dir).unwrap().count(), 0);
        });
    }

    #[test]
    fn a_device_on_a_bus_is_known_by_its_place_another_one_by_its_number() {
        with_saved_state(|state| {
            let gro = saved("rx-gro", true, true);
            state.write(&nic(2, Some("pci-1")), &gro).unwrap();
            let mut again = nic(9, Some("pci-1"));
            again.mac = Some("52:54:00:00:00:01".into());
            assert_eq!(state.read(&again), gro, "its driver was loaded again");
            again.port = 1;
            assert_eq!(state.read(&again), Saved::default(), "another port");
            assert_eq!(state.read(&nic(2, None)), Saved::default());
            state.forget(&nic(2, Some("pci-1")));
            assert_eq!(state.read(&nic(2, Some("pci-1"))), gro);
            state.write(&nic(2, None), &gro).unwrap();
            assert_eq!(state.read(&nic(2, None)), gro);
            state.forget(&nic(2, None));
            assert_eq!(state.read(&nic(2, None)), Saved::default());
        });
    }

    #[test]
    fn a_file_of_anything_is_no_error() {
        with_saved_state(|state| {
            let eno1 = nic(2, None);
            state.write(&eno1, &saved("rx-gro", true, true)).unwrap();
            let text = "\u{0}\non\nrx-lro: off\nx: maybe\n";
            fs::write(state.file(&eno1), text).unwrap();
            assert_eq!(state.read(&eno1), saved("rx-lro", false, false));
        });
    }

    #[test]
    fn one_process_at_a_time() {
        with_saved_state(|state| {
            let lock = state.lock();
            assert!(lock.is_some());
            let other = state.clone();
            let waits = std::thread::spawn(move || other.lock().is_some());
            sleep(LOCK_PAUSE * 3);
            assert!(!waits.is_finished());
            drop(lock);
            assert!(waits.join().unwrap());
        });
    }
}
