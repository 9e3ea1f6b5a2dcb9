//! The hooks in /etc/unhang/notify.d: which are called, and calling one.
//!
//! The names are those of run-parts(8), the trust is that of rule files. A hook gets the event as JSON
//! on its standard input and as variables; it has half a minute, and one runs at a time.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;

use super::queue::Queued;
use super::reboot::reboot;
use super::{Event, Queue};
use crate::log::{Level, Log};
use crate::replace::replace;
use crate::root_files;
use crate::timeout;
use crate::trust::{distrust, distrust_file, foreign_owner};

/// Where the hooks are, below the root.
pub const DIR: &str = "etc/unhang/notify.d";
/// A hook that takes longer is killed.
pub const LIMIT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct Hook {
    pub name: String,
    path: PathBuf,
    /// Why it is not called.
    pub refused: Option<String>,
}

/// What there is in the hooks' folder, in order.
pub fn find(root: &Path) -> Vec<Hook> {
    let dir = Path::new(DIR);
    let distrusted = root_files::inside(root, dir)
        .and_then(fs::metadata)
        .ok()
        .and_then(|meta| distrust(&meta));
    let hook = |path: PathBuf| {
        let name = path.file_name()?.to_string_lossy().into_owned();
        let of_dir = distrusted.clone();
        let refused = match of_dir.map(|reason| format!("of its directory: {reason}")) {
            None => refusal(root, &path, &name).unwrap_or_else(|error| Some(error.to_string())),
            distrusted => distrusted,
        };
        let path = root_files::inside(root, &path).ok()?;
        Some(Hook {
            name,
            path,
            refused,
        })
    };
    root_files::list(root, dir)
        .into_iter()
        .filter_map(hook)
        .collect()
}

/// Why what is there is not called, if it is not.
fn refusal(root: &Path, path: &Path, name: &str) -> io::Result<Option<String>> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.chars().all(legal) {
        return Ok(Some(
            "its name has something else than letters, digits, - and _".into(),
        ));
    }
    let dir = root_files::inside(root, Path::new(DIR))?;
    if let Some(reason) = foreign_owner(&fs::symlink_metadata(dir.join(name))?) {
        return Ok(Some(reason));
    }
    let real = root_files::inside(root, path)?;
    let meta = fs::metadata(&real)?;
    Ok(if !meta.is_file() {
        Some("it is not a regular file".into())
    } else if meta.permissions().mode() & 0o111 == 0 {
        Some("it is not executable: run 'chmod +x' on it".into())
    } else {
        distrust_file(&real, &meta)
    })
}

impl Hook {
    /// Calls the hook; what it prints goes where ours goes. The error is why it did not do its work.
    pub fn call(&self, event: &Event, host: &str, limit: Duration) -> Result<(), String> {
        let mut json = serde_json::to_value(event).map_err(|error| error.to_string())?;
        json["host"] = host.into();
        let mut command = Command::new(&self.path);
        command.stdin(Stdio::piped()).process_group(0);
        for (key, value) in json.as_object().into_iter().flatten() {
            let value = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            command.env(format!("UNHANG_{}", key.to_uppercase()), value);
        }
        let child = command.spawn().map_err(|error| error.to_string())?;
        let group = i32::try_from(child.id()).map(Pid::from_raw);
        let mut work = timeout::start(limit, move |ended| {
            // Nobody is there to hear it once it is late.
            let _ = ended.send(talk(child, &format!("{json}\n")));
        });
        match work.next_result() {
            Ok(Some(Ok(status))) if status.success() => Ok(()),
            Ok(Some(Ok(status))) => Err(status.to_string()),
            Ok(Some(Err(error))) => Err(error.to_string()),
            Ok(None) | Err(_) => {
                // With what it started. It may have ended just now.
                let _ = group.map(|group| killpg(group, Signal::SIGKILL));
                Err(format!("killed after {} s", limit.as_secs()))
            }
        }
    }
}

fn talk(mut child: Child, json: &str) -> io::Result<std::process::ExitStatus> {
    if let Some(mut stdin) = child.stdin.take() {
        // A hook need not read it; it is less than a pipe holds.
        let _ = stdin.write_all(json.as_bytes());
    }
    child.wait()
}

/// The machine's name, as the kernel has it.
pub fn host(root: &Path) -> String {
    let name = root_files::read(root, Path::new("proc/sys/kernel/hostname"));
    name.map_or_else(|_| "localhost".into(), |name| name.trim().to_owned())
}

/// Calls the hooks for all that waits in the queue, and empties it.
pub fn run_queue(root: &Path) -> io::Result<()> {
    run_queue_within(root, LIMIT)
}

fn run_queue_within(root: &Path, limit: Duration) -> io::Result<()> {
    let log = Log::below(root);
    let queue = Queue::below(root);
    let Ok(dir) = fs::File::open(queue.dir()) else {
        return Ok(());
    };
    // One at a time, also if somebody starts this by hand; the other one empties the queue.
    let exclusive = nix::fcntl::FlockArg::LockExclusiveNonblock;
    let Ok(_lock) = nix::fcntl::Flock::lock(dir, exclusive) else {
        return Ok(());
    };
    loop {
        let waiting = queue.waiting()?;
        if waiting.is_empty() {
            return Ok(());
        }
        for path in waiting {
            match fs::read(&path).map(|text| serde_json::from_slice(&text)) {
                Ok(Ok(queued)) => {
                    let event = tell(root, &log, &path, queued, limit)?;
                    if let (true, Some(interface)) = (event.reboot, &event.interface) {
                        reboot(root, &log, interface);
                    }
                }
                Ok(Err(error)) => {
                    let what = format!("{} is no event: {error}", path.display());
                    log.write(Level::Warning, &what);
                }
                Err(error) => return Err(error),
            }
            fs::remove_file(&path)?;
        }
    }
}

/// Tells every hook of an event that was not told of it yet.
fn tell(
    root: &Path,
    log: &Log,
    path: &Path,
    mut queued: Queued,
    limit: Duration,
) -> io::Result<Event> {
    let host = host(root);
    for hook in find(root) {
        if queued.called.contains(&hook.name) {
            continue;
        }
        queued.called.push(hook.name.clone());
        // Before it is called: whoever is started in place of this does not call it twice.
        replace(path, &serde_json::to_vec(&queued)?, 0o644)?;
        let done = match &hook.refused {
            Some(reason) => Err(format!("not called, because {reason}")),
            None => hook
                .call(&queued.event, &host, limit)
                .map_err(|error| format!("failed: {error}")),
        };
        let about = queued.event.interface.as_deref().unwrap_or("-");
        let kind = queued.event.event.name();
        let (level, done) = match &done {
            Ok(()) => (Level::Info, "done"),
            Err(reason) => (Level::Warning, reason.as_str()),
        };
        log.write(
            level,
            &format!("hook {} for {kind} of {about}: {done}", hook.name),
        );
    }
    Ok(queued.event)
}

#[cfg(test)]
mod tests;
