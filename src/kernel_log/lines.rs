//! The fast path: finds the few lines that matter in a log of any size, in constant memory.
//! One multi-pattern search (SIMD, by `aho-corasick`) runs over a large buffer; only lines
//! in which it finds something are cut out, with the lines before them still at hand.
//! A line that does not fit the buffer is given in pieces, cut where no header is.

use super::needles;
use aho_corasick::packed::Searcher;
use std::io::{self, Read};

/// Larger than any record that journald or rsyslog writes, small enough for the L2 cache.
const BUFFER: usize = 256 * 1024;
/// Kept before the search position, so that earlier lines can be looked at.
const BEHIND: usize = 8 * 1024;
/// No header is longer: driver, PCI address, name and the words.
const HEADER: usize = 512;
/// Nor is what stands before one: stamp, host and tag.
const STAMP: usize = 100;

/// A line, or a piece of one that is longer than the buffer.
#[derive(Clone, Copy, Debug)]
pub struct LineSpan {
    start: usize,
    end: usize,
}

pub struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    /// First byte not given out yet: a line's start, or the middle of an overlong one.
    at: usize,
    /// No needle before this position.
    searched: usize,
    filled: usize,
    eof: bool,
    /// Why reading stopped; told after all that was read has been given out.
    failed: Option<io::Error>,
    finder: Searcher,
    /// Bytes dropped from the buffer's front so far.
    dropped: u64,
}

impl<R: Read> Lines<R> {
    /// Reads the beginning of `input` to see whether it is JSON.
    pub fn new(input: R) -> Lines<R> {
        let mut lines = Lines {
            input,
            buffer: vec![0; BUFFER],
            at: 0,
            searched: 0,
            filled: 0,
            eof: false,
            failed: None,
            finder: needles::finder(b""),
            dropped: 0,
        };
        while !lines.eof && lines.filled < BUFFER / 4 {
            lines.fill();
        }
        lines.finder = needles::finder(lines.head());
        lines
    }

    /// What is in the buffer before anything has been given out: the input's first 64 KiB
    /// or more.
    pub fn head(&self) -> &[u8] {
        &self.buffer[self.at..self.filled]
    }

    pub fn position(&self) -> u64 {
        self.dropped + self.filled as u64
    }

    /// Where the line begins in the input.
    pub fn place(&self, line: LineSpan) -> u64 {
        self.dropped + line.start as u64
    }

    pub fn text(&self, line: LineSpan) -> &[u8] {
        &self.buffer[line.start..line.end]
    }

    /// Does this text contain any of the needles?
    pub fn matters(&self, text: &[u8]) -> bool {
        self.finder.find(text).is_some()
    }

    /// The lines before `line`, nearest first, as far as they are still there.
    pub fn before(&self, line: LineSpan) -> impl Iterator<Item = (&[u8], LineSpan)> {
        let mut end = line.start;
        std::iter::from_fn(move || {
            end = end.checked_sub(1)?; // the line break
            let start = memchr::memrchr(b'\n', &self.buffer[..end]).map_or(0, |n| n + 1);
            let line = LineSpan { start, end };
            end = start;
            Some((self.text(line), line))
        })
    }

    /// A place after all that has been given out, for `before`.
    pub fn end(&self) -> LineSpan {
        LineSpan {
            start: self.at,
            end: self.at,
        }
    }

    /// The next line, whatever is in it.
    pub fn next_line(&mut self) -> io::Result<Option<LineSpan>> {
        loop {
            let from = self.at;
            if let Some(n) = memchr::memchr(b'\n', &self.buffer[from..self.filled]) {
                return Ok(Some(self.give(from + n, true)));
            }
            if self.eof {
                if from < self.filled {
                    return Ok(Some(self.give(self.filled, false)));
                }
                return self.failed.take().map_or(Ok(None), Err);
            }
            if self.full() {
                return Ok(Some(self.piece()));
            }
            self.fill();
        }
    }

    /// The next line that contains a needle.
    pub fn next_hit(&mut self) -> io::Result<Option<LineSpan>> {
        loop {
            let from = self.searched.max(self.at);
            let span = aho_corasick::Span::from(from..self.filled);
            if let Some(hit) = self.finder.find_in(&self.buffer, span) {
                let start = memchr::memrchr(b'\n', &self.buffer[self.at..hit.start()])
                    .map_or(self.at, |n| self.at + n + 1);
                self.at = start;
                self.searched = hit.start();
                return self.next_line();
            }
            // All but the last, unfinished line is done with.
            if let Some(n) = memchr::memrchr(b'\n', &self.buffer[from..self.filled]) {
                self.at = from + n + 1;
            }
            if self.eof {
                self.at = self.filled;
                return self.failed.take().map_or(Ok(None), Err);
            }
            // A needle may be cut by the buffer's end.
            self.searched = self.filled.saturating_sub(HEADER).max(self.at);
            if self.full() {
                self.piece();
                continue;
            }
            self.fill();
        }
    }

    fn give(&mut self, end: usize, newline: bool) -> LineSpan {
        let start = self.at;
        self.at = end + usize::from(newline);
        let end = end - usize::from(end > start && self.buffer[end - 1] == b'\r');
        LineSpan { start, end }
    }

    /// The buffer holds one line without an end: give its first part, cut before the last
    /// thing that may be a header, with room for its stamp.
    fn piece(&mut self) -> LineSpan {
        let tail = self.filled.saturating_sub(HEADER).max(self.at);
        let cut = match memchr::memmem::rfind(&self.buffer[tail..self.filled], b"e1000e") {
            Some(n) => (tail + n).saturating_sub(STAMP).max(self.at + 1),
            None => self.filled - 5,
        };
        let line = LineSpan {
            start: self.at,
            end: cut,
        };
        self.at = cut;
        self.searched = self.searched.min(cut);
        line
    }

    fn full(&self) -> bool {
        self.filled == self.buffer.len() && self.at <= BEHIND
    }

    fn fill(&mut self) {
        if self.filled == self.buffer.len() {
            let keep = self.at.saturating_sub(BEHIND);
            self.buffer.copy_within(keep..self.filled, 0);
            self.dropped += keep as u64;
            self.at -= keep;
            self.searched = self.searched.saturating_sub(keep);
            self.filled -= keep;
        }
        let filled = self.filled;
        match self.input.read(&mut self.buffer[filled..]) {
            Ok(0) => self.eof = true,
            Ok(n) => self.filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => {
                self.eof = true;
                self.failed = Some(e);
            }
        }
    }
}
