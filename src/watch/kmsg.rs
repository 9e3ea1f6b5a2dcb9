//! The kernel's log as it is written: /dev/kmsg.
//!
//! A record is `PRIORITY,SEQUENCE,MICROSECONDS,FLAGS;MESSAGE` and below it lines of
//! ` KEY=VALUE` (Documentation/ABI/testing/dev-kmsg). What a user's program writes there
//! carries another facility than the kernel's 0, and so can't pretend to be a driver.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Instant;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::{SFlag, fstat, makedev};
use tokio::io::unix::AsyncFd;

use super::DAY;

/// Major and minor number of /dev/kmsg (Documentation/admin-guide/devices.txt).
const KMSG: (u64, u64) = (1, 11);
/// The kernel's limit for a record with its dictionary (`PRINTK_MESSAGE_MAX` is less).
const RECORD_MAX: usize = 8192;

/// What e1000e said about one of its NICs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The record's number; it grows through one boot.
    pub sequence: u64,
    /// Microseconds since boot, by the clock that stamps the log.
    pub micros: u64,
    /// PCI address, e.g. `0000:00:1f.6`.
    pub pci_address: String,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A hang block, with the hardware's position in the ring (TDH).
    HangBlock {
        /// `None` if the block was cut off.
        tdh: Option<u64>,
    },
    /// The driver resets the adapter by itself.
    Reset,
    LinkUp,
}

impl Record {
    /// Reads a record; `None` if it is nothing that e1000e says of hangs.
    pub fn parse(record: &[u8]) -> Option<Record> {
        let text = std::str::from_utf8(record).ok()?;
        let (prefix, rest) = text.split_once(';')?;
        let mut fields = prefix.split(',');
        let priority: u32 = fields.next()?.parse().ok()?;
        let sequence = fields.next()?.parse().ok()?;
        let micros = fields.next()?.parse().ok()?;
        if priority >> 3 != 0 {
            return None;
        }
        let mut lines = rest.lines();
        let message = lines.next()?.strip_prefix("e1000e ")?;
        let device = lines.find_map(|line| line.strip_prefix(" DEVICE=+pci:"))?;
        let what = if message.contains(": Detected Hardware Unit Hang:") {
            What::HangBlock { tdh: tdh(message) }
        } else if message.ends_with(": Reset adapter unexpectedly")
            || message.ends_with(": Reset adapter")
        {
            What::Reset
        } else if message.contains(": NIC Link is Up") {
            What::LinkUp
        } else {
            return None;
        };
        Some(Record {
            sequence,
            micros,
            pci_address: device.to_owned(),
            what,
        })
    }
}

/// The block's first field. Its line's end is written `\x0a`.
fn tdh(message: &str) -> Option<u64> {
    let (_, after) = message.split_once("TDH ")?;
    let (value, _) = after.trim_start().strip_prefix('<')?.split_once('>')?;
    u64::from_str_radix(value, 16).ok()
}

/// Reads /dev/kmsg, from the oldest record that it still has.
pub struct Kmsg {
    file: AsyncFd<File>,
    buffer: Vec<u8>,
    /// All that was logged before the reader came has been read.
    caught_up: bool,
    /// When a record of no matter was last told of.
    told: Instant,
}

impl Kmsg {
    /// Opens the kernel's log, unless standard input is it: the service manager can open it
    /// there, and the watcher then needs no right to.
    pub fn open() -> io::Result<Kmsg> {
        let stdin = io::stdin();
        let given = fstat(&stdin)?;
        let is_kmsg = SFlag::from_bits_truncate(given.st_mode).contains(SFlag::S_IFCHR)
            && given.st_rdev == makedev(KMSG.0, KMSG.1);
        let file = if is_kmsg {
            let file = File::from(stdin.as_fd().try_clone_to_owned()?);
            fcntl(&file, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
            file
        } else {
            let flags = OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
            OpenOptions::new()
                .read(true)
                .custom_flags(flags.bits())
                .open("/dev/kmsg")?
        };
        Ok(Kmsg {
            file: super::async_fd(file)?,
            buffer: vec![0; RECORD_MAX],
            caught_up: false,
            told: Instant::now(),
        })
    }

    /// The next thing that e1000e said, and whether it did so just now. The log's own clock can't
    /// tell that: it is never corrected, and so moves away from all others with the weeks.
    /// `None`, once a day at most: something else was logged.
    pub async fn next(&mut self) -> io::Result<(Option<Record>, bool)> {
        loop {
            let mut ready = self.file.readable().await?;
            let read = ready.try_io(|file| file.get_ref().read(&mut self.buffer));
            match read {
                Ok(Ok(0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(Ok(length)) => match Record::parse(&self.buffer[..length]) {
                    None if self.told.elapsed() < DAY => {}
                    None => {
                        self.told = Instant::now();
                        return Ok((None, self.caught_up));
                    }
                    record => return Ok((record, self.caught_up)),
                },
                // EPIPE: records were overwritten before they were read; the next read goes on
                // with the oldest. EINVAL: a record larger than the buffer, none of e1000e's.
                Ok(Err(error)) if is_gap(&error) => {}
                Ok(Err(error)) => return Err(error),
                Err(_would_block) => self.caught_up = true,
            }
        }
    }
}

fn is_gap(error: &io::Error) -> bool {
    let gap = [Errno::EPIPE, Errno::EINVAL, Errno::EINTR];
    error
        .raw_os_error()
        .is_some_and(|number| gap.contains(&Errno::from_raw(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str = "3,1204,91503122,-;e1000e 0000:00:1f.6 eno1: Detected Hardware Unit Hang:\\x0a  TDH                  <2f>\\x0a  TDT                  <31>\n SUBSYSTEM=pci\n DEVICE=+pci:0000:00:1f.6\n";

    #[test]
    fn a_hang_block_names_its_nic_by_pci_address() {
        let record = Record::parse(BLOCK.as_bytes()).unwrap();
        assert_eq!((record.sequence, record.micros), (1204, 91_503_122));
        assert_eq!(record.pci_address, "0000:00:1f.6");
        assert_eq!(record.what, What::HangBlock { tdh: Some(0x2f) });
    }

    #[test]
    fn what_a_user_prints_into_the_log_is_nothing() {
        let user = BLOCK.replacen("3,", "11,", 1);
        assert_eq!(Record::parse(user.as_bytes()), None);
    }

    #[test]
    fn other_drivers_and_quotations_are_nothing() {
        for message in [
            "igb 0000:00:1f.6 eth0: Detected Tx Unit Hang",
            "e1000 0000:00:1f.6 eth0: Detected Hardware Unit Hang:",
            "audit: e1000e 0000:00:1f.6 eno1: Detected Hardware Unit Hang:",
        ] {
            let record = format!("3,7,1,-;{message}\n SUBSYSTEM=pci\n DEVICE=+pci:0000:00:1f.6\n");
            assert_eq!(Record::parse(record.as_bytes()), None, "{message}");
        }
    }

    #[test]
    fn reset_and_link_up_are_told() {
        let what = |message: &str| {
            let record =
                format!("6,8,2,-;e1000e {message}\n SUBSYSTEM=pci\n DEVICE=+pci:0000:00:1f.6\n");
            Record::parse(record.as_bytes()).map(|record| record.what)
        };
        assert_eq!(
            what("0000:00:1f.6 eno1: Reset adapter unexpectedly"),
            Some(What::Reset)
        );
        let up = "0000:00:1f.6 eno1: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: Rx/Tx";
        assert_eq!(what(up), Some(What::LinkUp));
        assert_eq!(what("0000:00:1f.6 eno1: NIC Link is Down"), None);
    }

    #[test]
    fn a_cut_record_never_panics() {
        for end in 0..BLOCK.len() {
            let _ = Record::parse(&BLOCK.as_bytes()[..end]);
        }
    }
}
