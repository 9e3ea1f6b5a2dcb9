//! Large plain files are skimmed by several threads: each reads every n-th piece and notes
//! where there is something; what `Skim` then gives to the line reader are only the places
//! around, with the file's beginning and end. Reading is `pread`, not `mmap`: a log that is
//! truncated meanwhile (logrotate's copytruncate) must not kill the reader.

use super::needles;
use aho_corasick::packed::Searcher;
use memchr::memmem::Finder;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

/// Smaller files are read as they are.
pub const WORTH_IT: u64 = 16 << 20;
/// What a thread reads at once; its buffer stays in the cache.
const PIECE: u64 = 256 << 10;
/// Kept before and after a find: earlier lines for their stamps, a block's other lines.
const AROUND: u64 = 16 << 10;
/// The beginning is kept: it tells what kind of file this is.
const HEAD: u64 = 64 << 10;
/// A needle may lie across the end of a piece.
const OVERLAP: u64 = 32;
const THREADS: usize = 4;

type Found = io::Result<Vec<Range<u64>>>;

/// A `Read` that leaves out the dull parts of a file.
pub struct Skim {
    file: Arc<File>,
    size: u64,
    /// One channel a thread; piece i comes through channel i mod n.
    threads: Vec<Receiver<Found>>,
    piece: u64,
    ranges: VecDeque<Range<u64>>,
    at: u64,
    skipped: bool,
}

impl Skim {
    /// Begins to read `file`, which has `size` bytes.
    pub fn new(file: File, size: u64) -> io::Result<Skim> {
        let mut head = [0; 256];
        let n = file.read_at(&mut head, 0)?;
        let file = Arc::new(file);
        let count = std::thread::available_parallelism().map_or(1, |n| n.get().min(THREADS));
        let mut threads = Vec::with_capacity(count);
        for first in 0..count as u64 {
            let (send, receive) = sync_channel(16);
            let (file, head) = (Arc::clone(&file), head[..n].to_vec());
            std::thread::spawn(move || {
                let finders = (needles::finder(&head), needles::driver());
                let mut buffer = vec![0; (PIECE + OVERLAP) as usize];
                let pieces = (first..size.div_ceil(PIECE)).step_by(count);
                for piece in pieces {
                    let found = search(&file, piece * PIECE, &mut buffer, &finders);
                    if send.send(found).is_err() {
                        return; // nobody wants to know any more
                    }
                }
            });
            threads.push(receive);
        }
        Ok(Skim {
            file,
            size,
            threads,
            piece: 0,
            ranges: std::iter::once(0..HEAD).collect(),
            at: 0,
            skipped: false,
        })
    }

    /// Makes sure that the first range is complete: the next one begins behind its end.
    fn gather(&mut self) -> io::Result<()> {
        let pieces = self.size.div_ceil(PIECE);
        while self.piece < pieces {
            let open = self.ranges.len() < 2
                && self
                    .ranges
                    .front()
                    .is_none_or(|r| r.end + AROUND >= self.piece * PIECE);
            if !open {
                return Ok(());
            }
            let thread = (self.piece % self.threads.len() as u64) as usize;
            let found = self.threads[thread].recv();
            self.piece += 1;
            for range in found.map_err(|_| io::Error::other("a thread ended early"))?? {
                self.add(range);
            }
            if self.piece == pieces {
                // The end, and whatever has been appended meanwhile.
                self.add(self.size.saturating_sub(AROUND)..u64::MAX);
            }
        }
        Ok(())
    }

    fn add(&mut self, range: Range<u64>) {
        match self.ranges.back_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => self.ranges.push_back(range),
        }
    }
}

fn search(
    file: &File,
    start: u64,
    buffer: &mut [u8],
    (finder, driver): &(Searcher, Finder),
) -> Found {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], start + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    let mut found: Vec<Range<u64>> = Vec::new();
    let mut from = 0;
    while let Some(hit) = finder.find_in(&buffer[..filled], (from..filled).into()) {
        if !needles::counts(&buffer[..filled], &hit, driver) {
            from = hit.end();
            continue;
        }
        let at = start + hit.start() as u64;
        let range = at.saturating_sub(AROUND)..at + AROUND;
        match found.last_mut() {
            Some(last) if range.start <= last.end => last.end = range.end,
            _ => found.push(range),
        }
        // Whatever follows closely is within the range anyhow.
        from = hit.end() + (AROUND / 2) as usize;
        if from >= filled {
            break;
        }
    }
    Ok(found)
}

impl Read for Skim {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            self.gather()?;
            let Some(range) = self.ranges.front().cloned() else {
                return Ok(0);
            };
            if self.at < range.start {
                self.at = range.start;
                self.skipped = true;
            }
            let left = range.end.saturating_sub(self.at);
            if left == 0 {
                self.ranges.pop_front();
                continue;
            }
            let most = out.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let n = self.file.read_at(&mut out[..most], self.at)?;
            if n == 0 {
                self.ranges.clear();
                return Ok(0);
            }
            self.at += n as u64;
            if !std::mem::take(&mut self.skipped) {
                return Ok(n);
            }
            // Begin with a whole line. One longer than all that is kept is given as it is.
            let Some(end) = memchr::memchr(b'\n', &out[..n]) else {
                return Ok(n);
            };
            out.copy_within(end..n, 0);
            return Ok(n - end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn nothing_that_matters_is_left_out() {
        let mut file = tempfile::tempfile().unwrap();
        let mut wanted = Vec::new();
        let mut n = 0u64;
        let mut written = 0;
        while written < 20 << 20 {
            n += 1;
            // Some close together, some far apart, some across the ends of pieces.
            let hit = n % 4099 < 3 || n % 50_021 == 0;
            let line = if hit {
                format!("[{n:12}.000000] e1000e 0000:00:1f.6 eno1: Reset adapter unexpectedly\n")
            } else if n % 100 == 0 {
                format!("[{n:12}.000000] igb 0000:01:00.0 eno2: igb: eno2 NIC Link is Down\n")
            } else {
                format!("[{n:12}.000000] dull\n")
            };
            if hit {
                wanted.push(line.clone());
            }
            written += line.len();
            file.write_all(line.as_bytes()).unwrap();
        }
        let mut got = String::new();
        let size = file.metadata().unwrap().len();
        Skim::new(file, size)
            .unwrap()
            .read_to_string(&mut got)
            .unwrap();
        let hits: Vec<String> = got
            .lines()
            .filter(|l| l.contains("Reset"))
            .map(|l| format!("{l}\n"))
            .collect();
        assert_eq!(hits, wanted);
        assert!(got.len() < written / 2 && got.ends_with("dull\n"));
        assert!(got.lines().all(|l| l.is_empty() || l.starts_with('[')));
    }
}
