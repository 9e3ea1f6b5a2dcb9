//! A hang refutes the trial that a NIC is on: what was before is restored.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Watcher;
use super::restore::When;
use crate::log::{Event, Level, Line, TrialPart, TrialStep};
use crate::nic::Nic;
use crate::notify::{self, Kind};
use crate::revert::restore_after;
use crate::rules::decide;
use crate::trial::Trial;

impl Watcher {
    /// The NIC hangs, or did so some time ago while nobody watched: ends its trial, if it was on one then.
    pub(super) async fn refute_trial(&mut self, nic: &Nic, ago: Option<Duration>) {
        let rules = Arc::clone(&self.rules);
        let Some(trial) = Trial::on(&rules, nic) else {
            return;
        };
        if ago.is_some_and(|ago| !is_older(trial.path, ago)) {
            return;
        }
        match fs::remove_file(trial.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                let path = trial.path.display();
                let what = format!(
                    "{path} can't be removed: {error}; its trial is refuted: 'unhang try --stop' ends it"
                );
                self.log.write(Level::Error, &what);
                self.without_trials = true;
            }
            _ => {}
        }
        let (new, complaints) = self.reload();
        self.complain(complaints);
        self.rules = Arc::new(new);
        let rules = Arc::clone(&self.rules);
        let decision = decide(rules.rules(), nic);
        let restored =
            restore_after(&mut self.kernel, &self.saved, nic, trial.rule, &decision).await;
        let part = TrialPart {
            setting: trial.setting.to_string(),
            step: TrialStep::Refuted,
        };
        let event = notify::Event::of_nic(Kind::TrialEnded, nic, &part.to_string());
        self.tell(event);
        self.save();
        let line = Line::of_trial(part, Some(&trial.rule.name), &restored);
        self.log.write(Level::Warning, &line.to_string());
        if restored.error.is_some() {
            if let Some((level, line)) = Line::new(&restored, &Event::trial()) {
                self.log.write(level, &line.to_string());
            }
        }
        self.put_right(nic.ifindex, When::Unseen, &Event::trial())
            .await;
    }
}

/// Whether the file, which is written once, as the trial begins, is that old.
fn is_older(path: &Path, age: Duration) -> bool {
    let written = fs::metadata(path).and_then(|meta| meta.modified());
    written.is_ok_and(|written| written.elapsed().is_ok_and(|is| is > age))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::notify::Queue;
    use crate::rules::Criterion;
    use crate::trial::{Setting, file};
    use crate::watch::fixture::{nic, rules_dir, with_watcher};
    use crate::watch::state::WatchState;

    #[test]
    fn a_hang_ends_the_trial_of_this_nic_and_of_no_other() {
        let root = tempfile::tempdir().unwrap();
        let other = Nic {
            path: Some("pci-0000:00:19.0".into()),
            ..nic()
        };
        let criterion = Criterion {
            since: "2026-11-24T22:00:00Z".into(),
            tenths: 58,
        };
        let setting: Setting = "eee=off".parse().unwrap();
        let (name, rule) = file(&nic(), &setting, &criterion, "none").unwrap();
        let dir = rules_dir(root.path());
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(&name), rule).unwrap();
        let queue = Queue::below(root.path());
        with_watcher(root.path(), WatchState::default(), async |watcher| {
            watcher.refute_trial(&other, None).await;
            // A block from before it began, read when the watcher starts.
            let hour = Duration::from_secs(3600);
            watcher.refute_trial(&nic(), Some(hour)).await;
            assert!(dir.join(&name).exists());
            assert!(queue.waiting().unwrap().is_empty());
            let written = fs::File::options().write(true).open(dir.join(&name));
            let earlier = SystemTime::now() - 2 * hour;
            written.unwrap().set_modified(earlier).unwrap();
            for ago in [Some(hour), None] {
                watcher.refute_trial(&nic(), ago).await;
            }
            assert_eq!(watcher.rules.rules().count(), 0);
        });
        assert!(!dir.join(&name).exists());
        let told = queue.waiting().unwrap();
        assert_eq!(told.len(), 1);
        let told = fs::read_to_string(&told[0]).unwrap();
        assert!(
            told.contains("trial-ended") && told.contains("trial eee off refuted"),
            "{told}"
        );
    }
}
