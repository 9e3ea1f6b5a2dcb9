//! Noticing that rule files change, and reading them anew without forgetting what was good.

use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use tokio::sync::mpsc::Sender;

use super::signals::Signal;
use crate::rules::{FileProblem, RuleSet, load};

/// An editor writes a file in several steps; the rules are read when it is quiet again.
const QUIET: Duration = Duration::from_millis(300);

/// Tells when something in the rule directories changes, until the watcher ends.
pub async fn changes(dirs: Vec<PathBuf>, to: Sender<Signal>) {
    if let Err(error) = watch(&dirs, &to).await {
        // Nobody listens any more only when the watcher ends.
        let _ = to.send(Signal::Broken("inotify", error)).await;
    }
}

async fn watch(dirs: &[PathBuf], to: &Sender<Signal>) -> io::Result<()> {
    loop {
        // Made anew each time: a directory may have come or gone.
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        for dir in dirs {
            let (dir, flags) = place_to_watch(dir);
            inotify.add_watch(dir, flags)?;
        }
        let events = super::async_fd(inotify.as_fd().try_clone_to_owned()?)?;
        let _ready = events.readable().await?;
        tokio::time::sleep(QUIET).await;
        if to.send(Signal::Rules).await.is_err() {
            return Ok(());
        }
    }
}

/// The directory, or while it is not there the nearest one above it that is.
fn place_to_watch(dir: &Path) -> (&Path, AddWatchFlags) {
    let within = AddWatchFlags::IN_CLOSE_WRITE
        | AddWatchFlags::IN_ATTRIB
        | AddWatchFlags::IN_CREATE
        | AddWatchFlags::IN_DELETE
        | AddWatchFlags::IN_MOVE
        | AddWatchFlags::IN_DELETE_SELF
        | AddWatchFlags::IN_MOVE_SELF;
    let above = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO;
    match dir.ancestors().find(|place| place.is_dir()) {
        Some(place) if place == dir => (place, within),
        Some(place) => (place, above),
        None => (Path::new("/"), above),
    }
}

/// Reads the rules anew. A file that was good and is broken now keeps the rules that it had.
pub fn reload(old: &RuleSet, dirs: &[PathBuf]) -> RuleSet {
    let mut new = load(dirs);
    let broken = |rules: &Result<_, FileProblem>| rules.is_err();
    for file in new.files.iter_mut().filter(|file| broken(&file.rules)) {
        let Some(was) = old.files.iter().find(|was| was.path == file.path) else {
            continue;
        };
        if let Ok(rules) = &was.rules {
            file.rules = Ok(rules.clone());
            file.text.clone_from(&was.text);
        }
    }
    new
}
