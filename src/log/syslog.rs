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
use syslog::{Facility, Severity};

use super::Level;
use crate::text::printable;

/// How long a full syslog socket is waited for, in milliseconds.
const SYSLOG_PATIENCE_MS: u16 = 100;

#[derive(Debug, Clone)]
pub struct Log {
    syslog_socket: PathBuf,
    kmsg: PathBuf,
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
            unread: Cell::new(false),
        }
    }

    /// Logs one line: to syslog, or if that can't be reached to the kernel's log, or else to stderr.
    pub fn write(&self, level: Level, line: &str) {
        let severity = match level {
            Level::Debug => Severity::LOG_DEBUG,
            Level::Info => Severity::LOG_INFO,
            Level::Warning => Severity::LOG_WARNING,
            Level::Error => Severity::LOG_ERR,
        };
        let priority = Facility::LOG_DAEMON as u8 | severity as u8;
        let line = printable(line);
        let pid = std::process::id();
        // Without a time, which is that of the reading: the `syslog` crate has none but UTC.
        let record = format!("<{priority}>unhang[{pid}]: {line}");
        let written = self.to_syslog(&record).is_ok() || self.to_kernel_log(&record).is_ok();
        if !written {
            // Nobody is left to be told if that fails too.
            let _ = writeln!(std::io::stderr(), "unhang: {line}");
        }
    }

    /// The `syslog` crate's own socket would wait for ever when the daemon does not read.
    fn to_syslog(&self, record: &str) -> std::io::Result<()> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect(&self.syslog_socket)?;
        if let Err(error) = socket.send(record.as_bytes()) {
            if error.kind() != std::io::ErrorKind::WouldBlock || self.unread.get() {
                return Err(error);
            }
            let writable = PollFd::new(socket.as_fd(), PollFlags::POLLOUT);
            let readers = poll(&mut [writable], PollTimeout::from(SYSLOG_PATIENCE_MS))?;
            self.unread.set(readers == 0);
            socket.send(record.as_bytes())?;
        }
        Ok(())
    }

    /// The kernel keeps a facility that is not its own (Documentation/ABI/testing/dev-kmsg).
    fn to_kernel_log(&self, record: &str) -> std::io::Result<()> {
        let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let mut kmsg = OpenOptions::new()
            .write(true)
            .custom_flags(flags.bits())
            .open(&self.kmsg)?;
        kmsg.write_all(format!("{record}\n").as_bytes())
    }
}
