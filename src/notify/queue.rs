//! The queue of events: a folder below /run with one file for each event, named by its number.
//!
//! An event is first staged, under a hidden name that nobody looks at, then the watcher saves
//! its state with the event's number in it, then the event is published. Whoever is started in place
//! of a killed watcher publishes what the state has and drops the rest: each event is
//! queued exactly once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Event;
use crate::replace::replace;

/// What unhang-notify.path watches, below the root.
const PATH: &str = "run/unhang/notify";
/// So many events wait at most. Each is some hundred bytes of memory.
const MAX_WAITING: usize = 100;

#[derive(Debug)]
pub struct Queue {
    dir: PathBuf,
}

/// A file of the queue.
#[derive(Debug, Serialize, Deserialize)]
pub struct Queued {
    pub event: Event,
    /// The hooks that were called for it, also if that failed: each is called once.
    #[serde(default)]
    pub called: Vec<String>,
}

impl Queue {
    pub fn below(root: &Path) -> Queue {
        Queue {
            dir: root.join(PATH),
        }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn published(&self, number: u64) -> PathBuf {
        self.dir.join(format!("{number:08}.json"))
    }

    fn staged(&self, number: u64) -> PathBuf {
        self.dir.join(format!(".{number:08}"))
    }

    /// Keeps an event until it is published.
    pub fn stage(&self, number: u64, event: Event) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        if self.waiting()?.len() >= MAX_WAITING {
            let full = format!(
                "{MAX_WAITING} events wait in {} already; does unhang-notify.path run?",
                self.dir.display()
            );
            return Err(io::Error::other(full));
        }
        let called = Vec::new();
        let text = serde_json::to_vec(&Queued { event, called })?;
        replace(&self.staged(number), &text, 0o644)
    }

    /// Publishes the staged events up to this number, and drops those after it.
    pub fn publish(&self, last: u64) -> io::Result<()> {
        let Some(entries) = if_there(fs::read_dir(&self.dir))? else {
            return Ok(());
        };
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let number = name.and_then(|name| name.strip_prefix('.')?.parse().ok());
            match number {
                Some(number) if number <= last => fs::rename(&path, self.published(number))?,
                Some(_) => fs::remove_file(&path)?,
                None => {}
            }
        }
        Ok(())
    }

    /// The files of the published events, in their order.
    pub fn waiting(&self) -> io::Result<Vec<PathBuf>> {
        let Some(entries) = if_there(fs::read_dir(&self.dir))? else {
            return Ok(Vec::new());
        };
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "json") {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }
}

fn if_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nic::Nic;
    use crate::notify::Kind;

    fn event() -> Event {
        Event::of_nic(Kind::Exhausted, &Nic::default(), "left alone")
    }

    fn names(queue: &Queue) -> Vec<String> {
        let paths = queue.waiting().unwrap();
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        paths.iter().map(name).collect()
    }

    #[test]
    fn an_event_is_there_once_the_state_has_its_number_and_then_once_only() {
        let root = tempfile::tempdir().unwrap();
        let queue = Queue::below(root.path());
        queue.publish(7).unwrap();
        assert!(names(&queue).is_empty());
        queue.stage(8, event()).unwrap();
        assert!(names(&queue).is_empty());
        // Killed after the state was saved: the next one publishes it, and what was called is gone.
        queue.publish(8).unwrap();
        assert_eq!(names(&queue), ["00000008.json"]);
        fs::remove_file(&queue.waiting().unwrap()[0]).unwrap();
        queue.publish(8).unwrap();
        assert!(names(&queue).is_empty());
        // Killed before: it never was.
        queue.stage(9, event()).unwrap();
        queue.publish(8).unwrap();
        queue.publish(9).unwrap();
        assert!(names(&queue).is_empty());
    }

    #[test]
    fn events_stand_in_their_order_and_are_not_without_number() {
        let root = tempfile::tempdir().unwrap();
        let queue = Queue::below(root.path());
        for number in 1..=100 {
            queue.stage(number, event()).unwrap();
            queue.publish(number).unwrap();
        }
        let full = queue.stage(101, event()).unwrap_err().to_string();
        assert!(full.starts_with("100 events wait in "), "{full}");
        let waiting = names(&queue);
        assert_eq!(
            (waiting.len(), waiting[99].as_str()),
            (100, "00000100.json")
        );
    }
}
