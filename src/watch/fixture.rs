//! A watcher for tests: of a system that is a folder, with these rules' directories and this state.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::state::{self, WatchState};
use super::{Watched, Watcher};
use crate::features::Connection;
use crate::log::Log;
use crate::nic::Nic;
use crate::notify::Queue;
use crate::rules::load;
use crate::saved_state::SavedState;

/// The number of the one NIC that is watched. No device has it, so that no kernel is asked to change one.
pub const IFINDEX: u32 = 2_000_000_000;
pub const PCI_ADDRESS: &str = "0000:00:1f.6";

pub fn rules_dir(root: &Path) -> PathBuf {
    root.join("rules.d")
}

pub fn nic() -> Nic {
    Nic {
        ifindex: IFINDEX,
        name: "eno1".into(),
        driver: Some("e1000e".into()),
        path: Some("pci-0000:00:1f.6".into()),
        ..Nic::default()
    }
}

/// Runs a test of a watcher in an event loop.
pub fn with_watcher(root: &Path, state: WatchState, test: impl AsyncFnOnce(&mut Watcher)) {
    let dirs = vec![rules_dir(root)];
    let work = async {
        let eno1 = Watched {
            nic: nic(),
            bus_address: Some(PCI_ADDRESS.into()),
            complaint: None,
            stall: None,
            noted: None,
        };
        let mut watcher = Watcher {
            rules: Arc::new(load(&dirs)),
            dirs,
            kernel: Connection::open().unwrap(),
            log: Log::below(root),
            nics: BTreeMap::from([(IFINDEX, eno1)]),
            state,
            state_path: state::path(root),
            saved: SavedState::below(root),
            queue: Queue::below(root),
            root: root.to_owned(),
            complaints: Vec::new(),
            without_trials: false,
        };
        test(&mut watcher).await;
    };
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(work);
}
