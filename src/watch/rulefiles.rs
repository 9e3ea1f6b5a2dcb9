//! Noticing that rule files change, and reloading them without losing the last good version.

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};
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
        // A new one each time: a directory may have come or gone.
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let mut awaited = Vec::new();
        for dir in dirs {
            let (place, child) = place_to_watch(dir);
            let descriptor =
                inotify.add_watch(place, if child.is_none() { WITHIN } else { ABOVE })?;
            awaited.push((descriptor, child));
        }
        let events = super::async_fd(inotify.as_fd().try_clone_to_owned()?)?;
        loop {
            let mut ready = events.readable().await?;
            // A part of what there is, so that it is asked until there is no more.
            match inotify.read_events() {
                Ok(some) if some.iter().any(|event| concerns(&awaited, event)) => break,
                Ok(_) => {}
                Err(Errno::EAGAIN) => ready.clear_ready(),
                Err(error) => return Err(error.into()),
            }
        }
        tokio::time::sleep(QUIET).await;
        if to.send(Signal::Rules).await.is_err() {
            return Ok(());
        }
    }
}

const WITHIN: AddWatchFlags = AddWatchFlags::IN_CLOSE_WRITE
    .union(AddWatchFlags::IN_ATTRIB)
    .union(AddWatchFlags::IN_CREATE)
    .union(AddWatchFlags::IN_DELETE)
    .union(AddWatchFlags::IN_MOVE)
    .union(AddWatchFlags::IN_DELETE_SELF)
    .union(AddWatchFlags::IN_MOVE_SELF);
const ABOVE: AddWatchFlags = AddWatchFlags::IN_CREATE
    .union(AddWatchFlags::IN_MOVED_TO)
    .union(AddWatchFlags::IN_DELETE_SELF)
    .union(AddWatchFlags::IN_MOVE_SELF);

/// The directory, or while it is not there the nearest one above it that is, and the name in
/// that on the way to it.
fn place_to_watch(dir: &Path) -> (&Path, Option<&OsStr>) {
    let mut child = None;
    for place in dir.ancestors() {
        if place.is_dir() {
            return (place, child);
        }
        child = place.file_name();
    }
    (Path::new("/"), child)
}

/// Whether rules may have changed by this. Of what happens in a directory above, such as /etc, only
/// the directory that is waited for does.
fn concerns(awaited: &[(WatchDescriptor, Option<&OsStr>)], event: &InotifyEvent) -> bool {
    let Some(name) = &event.name else { return true };
    awaited.iter().any(|(descriptor, child)| {
        *descriptor == event.wd && child.is_none_or(|child| child == name)
    })
}

/// Reloads the rules, and tells what is to be said about the files. A file that was good and is
/// broken now keeps the rules that it had; one that is refused, because of who may write it,
/// does not.
pub fn reload(old: &RuleSet, dirs: &[PathBuf]) -> (RuleSet, Vec<String>) {
    let mut new = load(dirs);
    let complaints = new.complaints();
    for file in &mut new.files {
        if matches!(file.rules, Ok(_) | Err(FileProblem::Untrusted(_))) {
            continue;
        }
        let Some(was) = old.files.iter().find(|was| was.path == file.path) else {
            continue;
        };
        if let Ok(rules) = &was.rules {
            file.rules = Ok(rules.clone());
            file.text.clone_from(&was.text);
        }
    }
    (new, complaints)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const GOOD: &str =
        "[[rule]]\nname = \"a\"\n[rule.match]\ndriver = \"e1000e\"\n[rule.offload]\ntso = false\n";

    #[test]
    fn a_broken_file_is_named_and_keeps_its_good_rules_until_it_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = [dir.path().to_owned()];
        let file = dir.path().join("60-mine.toml");
        fs::write(&file, GOOD).unwrap();
        let good = load(&dirs);
        fs::write(&file, "[[rule").unwrap();
        let (kept, complaints) = reload(&good, &dirs);
        assert!(kept.rules().eq(good.rules()));
        assert_eq!(complaints.len(), 1);
        let (still, again) = reload(&kept, &dirs);
        assert!(still.rules().eq(good.rules()));
        assert_eq!(again, complaints);
        fs::remove_file(&file).unwrap();
        let (none, complaints) = reload(&still, &dirs);
        assert_eq!((none.rules().count(), complaints.len()), (0, 0));
    }

    #[test]
    fn a_file_that_is_refused_keeps_no_rules() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let dirs = [dir.path().to_owned()];
        let file = dir.path().join("60-mine.toml");
        fs::write(&file, GOOD).unwrap();
        let good = load(&dirs);
        assert_eq!(good.rules().count(), 1);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        let (refused, complaints) = reload(&good, &dirs);
        assert_eq!((refused.rules().count(), complaints.len()), (0, 1));
    }

    #[test]
    fn a_rule_directory_that_comes_after_many_other_names_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let rules = dir.path().join("unhang");
        let (to, mut signals) = tokio::sync::mpsc::channel(1);
        let test = async {
            tokio::spawn(changes(vec![rules.clone()], to));
            tokio::task::yield_now().await;
            for number in 0..1000 {
                fs::write(dir.path().join(format!("other-{number}")), "").unwrap();
            }
            fs::create_dir(&rules).unwrap();
            tokio::time::timeout(QUIET * 10, signals.recv()).await
        };
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let signal = runtime.enable_all().build().unwrap().block_on(test);
        assert!(matches!(signal, Ok(Some(Signal::Rules))), "{signal:?}");
    }

    #[test]
    fn while_a_directory_is_missing_only_its_coming_matters() {
        let dir = tempfile::tempdir().unwrap();
        let rules = dir.path().join("unhang/rules.d");
        assert_eq!(
            place_to_watch(&rules),
            (dir.path(), Some(OsStr::new("unhang")))
        );
        fs::create_dir_all(&rules).unwrap();
        assert_eq!(place_to_watch(&rules), (rules.as_path(), None));
    }
}
