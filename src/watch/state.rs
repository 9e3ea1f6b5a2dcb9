//! What the watcher knows, kept under /run so that it survives a restart of the service and
//! `unhang status` can show it. A reboot ends it, and all that it counts.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::exhausted::LinkDown;
use super::guard::Guard;
use super::tell::Recovered;
use super::wedge::Wedge;
use crate::replace::replace;

/// Where the watcher keeps it, below the root.
const PATH: &str = "run/unhang/watch.json";

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WatchState {
    /// The last record of the kernel's log that was acted on.
    pub sequence: Option<u64>,
    /// How many events were queued for the hooks; the last one's number.
    pub events: u64,
    /// Per NIC, by ifindex.
    pub nics: BTreeMap<u32, NicState>,
}

/// What the watcher knows of one NIC, since boot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NicState {
    /// When the link last came up, in seconds since 1970.
    pub last_link_up: Option<u64>,
    /// How often the carrier had come up then; tells a link-up that nobody watched.
    pub carrier_ups: Option<u32>,
    /// Offloads that somebody else had changed and that were put back.
    pub put_back: u32,
    /// Wedges: runs of hang blocks without a reset.
    pub wedges: u32,
    pub recoveries: u32,
    /// What the hooks were last told that is not in force.
    pub told: Option<String>,
    pub guard: Guard,
    pub wedge: Wedge,
    pub link_down: LinkDown,
    /// Not told yet.
    pub recovered: Option<Recovered>,
}

pub fn path(root: &Path) -> PathBuf {
    root.join(PATH)
}

impl WatchState {
    /// The state of an earlier run, or an empty one: a file that can't be read is no reason
    /// not to watch.
    pub fn load(path: &Path) -> WatchState {
        let text = fs::read(path).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Replaces the file atomically.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        // 'unhang status' is for everybody, whatever the service's umask.
        replace(path, &serde_json::to_vec(self)?, 0o644)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_loaded_and_what_is_broken_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        let file = path(dir.path());
        assert_eq!(WatchState::load(&file), WatchState::default());
        let mut state = WatchState {
            sequence: Some(7),
            ..WatchState::default()
        };
        state.nics.entry(2).or_default().put_back = 3;
        state.save(&file).unwrap();
        assert_eq!(WatchState::load(&file), state);
        fs::write(&file, "{\"sequence\": ").unwrap();
        assert_eq!(WatchState::load(&file), WatchState::default());
    }
}
