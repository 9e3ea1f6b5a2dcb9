//! Where the log comes from: files (plain or .gz), standard input, or the journal of this
//! machine. Several files are merged by time, so that rotated ones may be given in any
//! order and a line that two of them have counts once. What cannot be read is said in one
//! line that tells what, where and what to do.

use crate::kernel_log::skim::{self, Skim};
use crate::kernel_log::{Clock, Hosts, KernelEvent, Reader, SECOND, Seen};
use flate2::read::MultiGzDecoder;
use jiff::tz::TimeZone;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Why a source was not, or not wholly, read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "{name}: is a directory; give the log files in it, or --directory if journals are in it"
    )]
    IsDirectory { name: String },
    /// A folder of journals, or a report of `unhang report --json`.
    #[error("{name}: {what}")]
    Unusable { name: String, what: String },
    /// It isn't there; or not any more, when logs are being rotated.
    #[error("{name}: there is no such file")]
    Missing { name: String },
    /// Only others may read it.
    #[error("{name}: you may not read it; try again with sudo")]
    Denied { name: String },
    /// Nothing at all was in it.
    #[error("{name}: is empty, so it tells nothing")]
    Empty { name: String },
    #[error("{name}: {source}")]
    Open { name: String, source: io::Error },
    #[error(
        "{name}: reading stopped after {read} bytes: {source}; what was read so far is in the report"
    )]
    Read {
        name: String,
        read: u64,
        source: io::Error,
    },
    #[error(
        "{name}: the gzip data ends too early or is damaged ({source}); what could be unpacked is in the report, copy the file again for the rest"
    )]
    Gzip { name: String, source: io::Error },
    #[error("{name}: is {what}; {hint}")]
    NotText {
        name: String,
        what: &'static str,
        hint: &'static str,
    },
    /// Their boots and NICs would be taken for those of one.
    #[error(
        "the log has lines of several machines ({}), and only one is asked for; read those of one, for instance: grep -w {} FILE | unhang report -",
        .0.join(", "), .0.first().map_or("NAME", String::as_str)
    )]
    SeveralHosts(Vec<String>),
    #[error(
        "journalctl: {0}; give log files instead, for instance: unhang report /var/log/kern.log*"
    )]
    Journal(String),
    /// It gave some lines, and then failed.
    #[error("journalctl: ended early ({0}); the report has only what it gave until then")]
    JournalCut(String),
}

type Input = Box<dyn Read + Send>;

pub struct Source {
    name: String,
    gzip: bool,
    reader: Reader<Input>,
    head: Option<Seen>,
    /// Wall time of the last event that had one: places those that have none.
    at: i64,
}

impl Source {
    /// Opens `name`; `-` is standard input. `now` dates a pipe's yearless stamps.
    pub fn open(name: &Path, zone: &TimeZone, now: i64) -> Result<Source, Error> {
        let shown = super::clean(&name.to_string_lossy());
        if name.as_os_str() == "-" {
            return Source::new("standard input".into(), Box::new(io::stdin()), zone, now);
        }
        let fail = |source: io::Error| {
            let name = shown.clone();
            match source.kind() {
                io::ErrorKind::NotFound => Error::Missing { name },
                io::ErrorKind::PermissionDenied => Error::Denied { name },
                _ => Error::Open { name, source },
            }
        };
        let file = File::open(name).map_err(fail)?;
        let about = file.metadata().map_err(fail)?;
        if about.is_dir() {
            return Err(Error::IsDirectory { name: shown });
        }
        let changed = about.modified().ok().filter(|_| about.is_file());
        let reference = changed.and_then(|t| jiff::Timestamp::try_from(t).ok());
        let reference = reference.map_or(now, jiff::Timestamp::as_microsecond);
        let mut clock = Clock::new(zone.clone(), reference);
        if about.is_file() && plain(&file) {
            let lines = samples(&file, about.len());
            clock.look_ahead(lines.iter().map(Vec::as_slice));
            if about.len() >= skim::WORTH_IT {
                let skim = Skim::new(file, about.len()).map_err(fail)?;
                return Source::read_by(shown, Box::new(skim), clock);
            }
        }
        Source::read_by(shown, Box::new(file), clock)
    }

    /// A source from bytes; recognises gzip, refuses what is no text.
    pub fn new(
        name: String,
        input: Input,
        zone: &TimeZone,
        reference: i64,
    ) -> Result<Source, Error> {
        Source::read_by(name, input, Clock::new(zone.clone(), reference))
    }

    fn read_by(name: String, mut input: Input, clock: Clock) -> Result<Source, Error> {
        let mut magic = Vec::new();
        let fail = |name: &str, source| Error::Read {
            name: name.to_string(),
            read: 0,
            source,
        };
        let head = (&mut input).take(4).read_to_end(&mut magic);
        head.map_err(|e| fail(&name, e))?;
        let gzip = magic.starts_with(&[0x1f, 0x8b]);
        let whole = io::Cursor::new(magic).chain(input);
        let input: Input = if gzip {
            Box::new(MultiGzDecoder::new(whole))
        } else {
            Box::new(whole)
        };
        let reader = Reader::new(input, clock);
        if let Some((what, hint)) = no_log(reader.head()).or_else(|| no_text(reader.head())) {
            return Err(Error::NotText { name, what, hint });
        }
        Ok(Source {
            name,
            gzip,
            reader,
            head: None,
            at: i64::MIN,
        })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The machines that its beginning names.
    pub fn hosts(&self) -> Hosts {
        self.reader.hosts_in_head()
    }

    /// Nothing in it at all?
    pub fn is_empty(&self) -> bool {
        self.reader.head().is_empty()
    }

    fn advance(&mut self) -> Result<(), Error> {
        self.head = match self.reader.next() {
            None => None,
            Some(Ok(seen)) => {
                self.at = seen.stamp.wall.unwrap_or(self.at);
                Some(seen)
            }
            Some(Err(source)) => {
                self.head = None;
                let name = self.name.clone();
                return Err(if self.gzip {
                    Error::Gzip { name, source }
                } else {
                    Error::Read {
                        name,
                        read: self.reader.position(),
                        source,
                    }
                });
            }
        };
        Ok(())
    }
}

/// Reads all sources, in the order of time, into `take`. What fails is in the result; the
/// rest has been read all the same. Also whose lines they were.
pub fn read_all(mut sources: Vec<Source>, mut take: impl FnMut(Seen)) -> (Vec<Error>, Hosts) {
    let mut errors = Vec::new();
    let many = sources.len() > 1;
    for source in &mut sources {
        errors.extend(source.advance().err());
    }
    // What was given out last, to leave out another file's copy of it.
    let mut recent: VecDeque<(usize, Seen)> = VecDeque::new();
    loop {
        let next = sources
            .iter()
            .enumerate()
            .filter(|(_, s)| s.head.is_some())
            .min_by_key(|(_, s)| s.at);
        let Some(index) = next.map(|(index, _)| index) else {
            let mut hosts = Hosts::default();
            for source in &sources {
                hosts.extend(source.reader.hosts().clone());
            }
            return (errors, hosts);
        };
        let Some(seen) = sources[index].head.take() else {
            continue;
        };
        errors.extend(sources[index].advance().err());
        if !many {
            take(seen);
            continue;
        }
        if recent
            .iter()
            .any(|(i, other)| *i != index && same(&seen, other))
        {
            continue;
        }
        if seen.event != KernelEvent::Mark {
            recent.push_back((index, seen.clone()));
            if recent.len() > 64 {
                recent.pop_front();
            }
        }
        take(seen);
    }
}

/// The same line in two files: stamps may be printed with or without fractions.
fn same(a: &Seen, b: &Seen) -> bool {
    let near = match (a.stamp.wall, b.stamp.wall) {
        (Some(a), Some(b)) => (a - b).abs() < SECOND,
        _ => false,
    };
    let same_host = a.host == b.host || a.host.is_none() || b.host.is_none();
    near && same_host && a.event == b.event && a.device == b.device && a.event != KernelEvent::Mark
}

/// Not gzip?
fn plain(file: &File) -> bool {
    let mut magic = [0; 2];
    let read = std::os::unix::fs::FileExt::read_at(file, &mut magic, 0);
    read.is_ok() && magic != [0x1f, 0x8b]
}

/// A line here and there.
fn samples(file: &File, size: u64) -> Vec<Vec<u8>> {
    const SAMPLES: u64 = 64;
    let line = |i: u64| {
        let mut piece = [0; 4096];
        let at = size * i / (SAMPLES + 1);
        let read = std::os::unix::fs::FileExt::read_at(file, &mut piece, at).ok()?;
        let mut lines = piece[..read].split(|b| *b == b'\n');
        // The first is cut, but for the file's.
        lines.nth(usize::from(at > 0)).map(<[u8]>::to_vec)
    };
    (0..=SAMPLES).filter_map(line).collect()
}

/// Is this journalctl's output in a form of which a line does not tell what it belongs to?
fn no_log(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let find = |words: &[u8]| memchr::memmem::find(head, words).is_some();
    let mut lines = head.split(|b| *b == b'\n').take(8).map(<[u8]>::trim_ascii);
    let first = lines.clone().next()?;
    let what = if first == b"{" && find(b"\"__REALTIME_TIMESTAMP\"") {
        "journal entries over several lines (json-pretty)"
    } else if first.starts_with(b"data: {") {
        "journal entries as events (json-sse)"
    } else if first.starts_with(b"\x1e{") {
        "journal entries as a JSON sequence (json-seq)"
    } else if lines.clone().any(|line| line.starts_with(b"__CURSOR=")) {
        "journalctl's export format"
    } else if lines.any(|line| memchr::memmem::find(line, b"[s=").is_some() && line.ends_with(b"]"))
        && find(b"    _BOOT_ID=")
    {
        "journalctl's verbose format"
    } else {
        return None;
    };
    Some((what, "write it as: journalctl -o json | unhang report -"))
}

/// Is this the beginning of something other than text? Blocks of zeros are none the less
/// text: a file system leaves them in a log when the power fails.
fn no_text(head: &[u8]) -> Option<(&'static str, &'static str)> {
    const UNPACK: &str = "unpack it first, or pipe it: … | unhang report -";
    const CONVERT: &str = "convert it first: iconv -f UTF-16 FILE | unhang report -";
    let known: [(&[u8], &str, &str); 8] = [
        (
            b"LPKSHHRH",
            "a journal file",
            "read it with: journalctl --file FILE -o json | unhang report -",
        ),
        (b"\xfd7zXZ", "packed with xz", UNPACK),
        (b"\x28\xb5\x2f\xfd", "packed with zstd", UNPACK),
        (b"BZh", "packed with bzip2", UNPACK),
        (b"\x7fELF", "a program", "give log files"),
        (b"PK\x03\x04", "packed with zip", UNPACK),
        // What PowerShell's > writes.
        (b"\xff\xfe", "UTF-16 text", CONVERT),
        (b"\xfe\xff", "UTF-16 text", CONVERT),
    ];
    for (magic, what, hint) in known {
        if head.starts_with(magic) {
            return Some((what, hint));
        }
    }
    let head = &head[..head.len().min(64 * 1024)];
    let mut strange = 0;
    let mut zeros = 0usize;
    for &b in head {
        if b == 0 {
            zeros += 1;
        } else {
            strange += if zeros < 16 { zeros } else { 0 };
            zeros = 0;
            strange += usize::from(b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x1b));
        }
    }
    (strange * 10 > head.len() + 64).then_some(("binary data, not a log", "give log files"))
}
