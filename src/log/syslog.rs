//! Bringing log lines out: syslog, else the kernel's log, else stderr, and never waiting for
//! a reader that does not read.

use std::cell::Cell;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use syslog::{Facility, Formatter3164, Logger};

use super::Level;
use crate::text::printable;

/// How long a full syslog socket is waited for, in milliseconds.
const SYSLOG_PATIENCE_MS: u16 = 100;

#[derive(Debug, Clone)]
pub struct Log {
    syslog_socket: PathBuf,
    kmsg: PathBuf,
    process: String,
    /// Syslog did not read in time: it is tried again, but no more waited for.
    unread: Cell<bool>,
}

impl Log {
    /// The log of the system below `root`.
    pub fn below(root: &Path) -> Log {
        Log::to(root.join("dev/log"), root.join("dev/kmsg"))
    }

    pub fn to(syslog_socket: impl Into<PathBuf>, kmsg: impl Into<PathBuf>) -> Log {
        Log {
            syslog_socket: syslog_socket.into(),
            kmsg: kmsg.into(),
            process: "unhang".into(),
            unread: Cell::new(false),
        }
    }

    /// Logs one line: to syslog, or if that can't be reached to the kernel's log, or else to stderr.
    pub fn write(&self, level: Level, line: &str) {
        let line = &printable(line);
        let Some(message) = self.format(level, line) else {
            return;
        };
        let written = self.to_syslog(&message).is_ok() || self.to_kernel_log(level, line).is_ok();
        if !written {
            // Nobody is left to be told if that fails too.
            let _ = writeln!(std::io::stderr(), "{}: {line}", self.process);
        }
    }

    fn format(&self, level: Level, line: &str) -> Option<Vec<u8>> {
        let formatter = Formatter3164 {
            facility: Facility::LOG_DAEMON,
            hostname: None,
            process: self.process.clone(),
            pid: std::process::id(),
        };
        let mut logger = Logger::new(Vec::new(), formatter);
        let written = match level {
            Level::Debug => logger.debug(line),
            Level::Info => logger.info(line),
            Level::Warning => logger.warning(line),
            Level::Error => logger.err(line),
        };
        written.ok().map(|()| logger.backend)
    }

    /// The `syslog` crate's own socket would wait for ever when the daemon does not read.
    fn to_syslog(&self, message: &[u8]) -> std::io::Result<()> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect(&self.syslog_socket)?;
        if let Err(error) = socket.send(message) {
            if error.kind() != std::io::ErrorKind::WouldBlock || self.unread.get() {
                return Err(error);
            }
            let writable = PollFd::new(socket.as_fd(), PollFlags::POLLOUT);
            let readers = poll(&mut [writable], PollTimeout::from(SYSLOG_PATIENCE_MS))?;
            self.unread.set(readers == 0);
            socket.send(message)?;
        }
        Ok(())
    }

    /// The kernel keeps a facility that is not its own (Documentation/ABI/testing/dev-kmsg).
    fn to_kernel_log(&self, level: Level, line: &str) -> std::io::Result<()> {
        let severity = match level {
            Level::Debug => 7,
            Level::Info => 6,
            Level::Warning => 4,
            Level::Error => 3,
        };
        let priority = Facility::LOG_DAEMON as u8 | severity;
        let record = format!(
            "<{priority}>{}[{}]: {line}\n",
            self.process,
            std::process::id()
        );
        let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let mut kmsg = OpenOptions::new()
            .write(true)
            .custom_flags(flags.bits())
            .open(&self.kmsg)?;
        kmsg.write_all(record.as_bytes())
    }
}
