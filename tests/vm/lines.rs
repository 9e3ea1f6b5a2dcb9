//! Lines from a socket, each awaited up to a deadline and no longer.
//! What has come of a line stays here when the deadline passes, so that nothing is lost.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

pub struct Lines {
    reader: BufReader<UnixStream>,
    partial: Vec<u8>,
}

pub enum Got {
    Line(String),
    Closed,
    Late,
}

impl Lines {
    pub fn new(stream: UnixStream) -> Self {
        Lines {
            reader: BufReader::new(stream),
            partial: Vec::new(),
        }
    }

    pub fn read(&mut self, deadline: Instant) -> io::Result<Got> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let left = left.max(Duration::from_millis(1));
            self.reader.get_ref().set_read_timeout(Some(left))?;
            match self.reader.read_until(b'\n', &mut self.partial) {
                Ok(_) if self.partial.is_empty() => return Ok(Got::Closed),
                Ok(_) => {
                    let line = String::from_utf8_lossy(&self.partial);
                    let line = line.trim_end_matches(['\r', '\n']).to_owned();
                    self.partial.clear();
                    return Ok(Got::Line(line));
                }
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(Got::Closed),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    if Instant::now() >= deadline {
                        return Ok(Got::Late);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    pub fn write(&mut self, line: &str) -> io::Result<()> {
        self.reader
            .get_mut()
            .write_all(format!("{line}\n").as_bytes())
    }
}
