//! Reads a log: takes lines from `lines`, gives them to the grammar, and adds what only the
//! place in the log tells: the first and last sign of life, the last one before each boot,
//! and the increments of `dmesg -H`.

use super::event::{Device, Given, KernelEvent, Seen, Speaker};
use super::grammar::Grammar;
use super::hosts::Hosts;
use super::json;
use super::lines::{LineSpan, Lines};
use super::needles::JOURNAL_STOPPED;
use super::prefix;
use super::registers::{Field, Registers, read_fields};
use super::scan::boot_id;
use super::stamp::{Clock, Stamp};
use memchr::memmem::find;
use std::borrow::Cow;
use std::io::{self, Read};
use std::sync::Arc;

/// At the end of a log of several machines, so many lines are looked at.
const LAST_LINES: usize = 4096;
/// What a journal entry of the kernel's, or of our own, has in it.
const JSON_WORDS: [&[u8]; 2] = [b"\"kernel\"", b"\"unhang\""];

/// Reads events from a log; an iterator.
pub struct Reader<R> {
    lines: Lines<R>,
    grammar: Grammar,
    state: Progress,
    /// Where the last increment of `dmesg -H` that was counted stands, and its time.
    counted: Option<(u64, i64)>,
    /// The log begins within a block, of whichever NIC comes next.
    headless: Option<Seen>,
    failed: Option<io::Error>,
}

#[derive(PartialEq)]
enum Progress {
    Start,
    Running,
    Done,
}

impl<R: Read> Reader<R> {
    /// Begins to read; `clock` knows the zone and year of the file.
    pub fn new(input: R, clock: Clock) -> Reader<R> {
        Reader {
            lines: Lines::new(input),
            grammar: Grammar::new(clock),
            state: Progress::Start,
            counted: None,
            headless: None,
            failed: None,
        }
    }

    /// The input's first 64 KiB or so, before the first event is taken.
    pub fn head(&self) -> &[u8] {
        self.lines.head()
    }

    /// The machines whose lines have been read.
    pub fn hosts(&self) -> &Hosts {
        &self.grammar.hosts
    }

    pub fn position(&self) -> u64 {
        self.lines.position()
    }

    fn step(&mut self) {
        if self.state == Progress::Start {
            self.state = Progress::Running;
            self.first_mark();
            self.headless = self.first_block();
            return;
        }
        let line = if self.grammar.pending() {
            self.lines.next_line()
        } else {
            self.lines.next_hit()
        };
        match line {
            Ok(Some(line)) => return self.line(line),
            Ok(None) => {}
            Err(e) => self.failed = Some(e),
        }
        self.grammar.close();
        self.last_marks();
        self.state = Progress::Done;
    }

    fn line(&mut self, line: LineSpan) {
        let text = self.lines.text(line);
        if self.grammar.pending() && !self.lines.matters(text) {
            if !self.grammar.is_foreign(text) {
                self.grammar.fields(text);
            }
            return;
        }
        let trimmed = text.trim_ascii_start();
        if trimmed.starts_with(b"{") || trimmed.starts_with(b"\"msg\"") {
            let before = self.lines.before(line).map(|(text, _)| text);
            if let Some((given, message)) = json::entry(trimmed, before) {
                if message == JOURNAL_STOPPED.as_bytes() {
                    let host = known(&self.grammar.hosts, &given);
                    self.grammar.mark(Some((given.stamp, given.boot)), host);
                }
                let kernel = !matches!(given.speaker, Some(Speaker::Other));
                if kernel && message.starts_with(b"Linux version ") {
                    self.grammar.close();
                    self.mark_before(line, 16);
                }
                self.grammar.record(&message, &given);
                return;
            }
        }
        if find(text, b"Linux version ").is_some() {
            let boots = self.grammar.boots(&colourless(text));
            if boots {
                self.grammar.close();
                self.mark_before(line, 16);
            }
        } else if is_separator(text) {
            self.grammar.close();
            self.mark_before(line, 16);
        }
        let mut given = Given::default();
        let text = colourless(self.lines.text(line));
        if is_increment(&text) {
            let clock = &mut self.grammar.clock;
            given.stamp = relative(&text, &self.lines, line, self.counted, clock);
            self.counted = given.stamp.wall.map(|wall| (self.lines.place(line), wall));
        }
        self.grammar.text(&text, &given);
    }

    /// The first stamp in the log: what came before is not known.
    fn first_mark(&mut self) {
        let mut several = Hosts::default();
        let firsts = self.in_head(&mut several);
        if several.len() > 1 {
            self.grammar.hosts = several;
            for (given, host) in firsts {
                self.grammar
                    .mark(Some((given.stamp, given.boot)), Some(host));
            }
            return;
        }
        let clock = &mut self.grammar.clock;
        let mut lines = self.lines.head().split(|b| *b == b'\n').take(32).peekable();
        let separator = lines.next_if(|text| is_separator(text));
        let boot = separator.and_then(|text| boot_id(text.get(8..)?));
        let found = lines
            .take_while(|text| !is_separator(text))
            .map(|text| line_given(text, clock))
            .find(|given| !given.stamp.is_empty());
        let found = found.map(|given| (given.stamp, given.boot.or(boot)));
        self.grammar.mark(found, None);
    }

    /// The machines that the log's beginning names.
    pub fn hosts_in_head(&self) -> Hosts {
        let mut hosts = Hosts::default();
        self.in_head(&mut hosts);
        hosts
    }

    /// The first line of each machine that the log's beginning names.
    fn in_head(&self, hosts: &mut Hosts) -> Vec<(Given, Arc<str>)> {
        let clock = &mut self.grammar.clock.clone();
        let mut firsts = Vec::new();
        for text in self.lines.head().split(|b| *b == b'\n') {
            let given = if text.trim_ascii_start().starts_with(b"{") {
                let given = line_given(text, clock);
                let ours = JSON_WORDS.iter().any(|word| find(text, word).is_some());
                Some(given).filter(|_| ours)
            } else {
                let named = prefix::kernels_host(text, &mut clock.clone()).is_some();
                named.then(|| line_given(text, clock))
            };
            let Some(given) = given else {
                continue;
            };
            let before = hosts.len();
            let host = given.host.as_ref();
            let host = host.and_then(|(name, id)| hosts.note(name.as_bytes(), id.as_deref()));
            firsts.extend(host.filter(|_| hosts.len() > before).map(|h| (given, h)));
        }
        firsts
    }

    /// A block of which the log has only the end: a ring buffer drops its oldest lines.
    fn first_block(&mut self) -> Option<Seen> {
        let mut registers = Registers::default();
        let mut stamp = Stamp::default();
        let lines = self.lines.head().split(|b| *b == b'\n').take(13);
        for text in lines.take_while(|text| find(text, b" Unit Hang").is_none()) {
            if read_fields(text, &mut registers) > 0 && stamp.is_empty() {
                stamp = line_given(text, &mut self.grammar.clock.clone()).stamp;
            }
        }
        // Only e1000e prints this one.
        registers.get(Field::Phy1000)?;
        Some(Seen {
            stamp,
            boot: None,
            host: None,
            device: Device::default(),
            event: KernelEvent::Block(Box::new(registers)),
        })
    }

    /// The next event, after the block that the log begins within.
    fn after_headless(&mut self, seen: Seen) -> Seen {
        if seen.event == KernelEvent::Mark {
            return seen;
        }
        let Some(mut block) = self.headless.take() else {
            return seen;
        };
        if seen.device.is_e1000e() {
            block.device = seen.device.clone();
            block.host.clone_from(&seen.host);
        }
        self.grammar.queue.push_front(seen);
        block
    }

    fn mark_before(&mut self, line: LineSpan, lines: usize) {
        let clock = &mut self.grammar.clock.clone();
        let hosts = &self.grammar.hosts;
        let host = (hosts.len() > 1).then(|| {
            let given = line_given(&colourless(self.lines.text(line)), &mut clock.clone());
            known(hosts, &given)
        });
        let host = host.flatten();
        let mut texts = self.lines.before(line).take(lines);
        let found = loop {
            let Some((text, at)) = texts.next() else {
                break None;
            };
            let text = colourless(text);
            if is_separator(&text) {
                break None;
            }
            let mut given = line_given(&text, clock);
            if is_increment(&text) {
                given.stamp = relative(&text, &self.lines, at, self.counted, clock);
            }
            let same = host.is_none() || known(hosts, &given) == host;
            if same && !given.stamp.is_empty() {
                break Some((given.stamp, given.boot));
            }
        };
        self.grammar.mark(found, host);
    }

    /// The last line, or that of each machine as far as they are still there.
    fn last_marks(&mut self) {
        if self.grammar.hosts.len() < 2 {
            self.mark_before(self.lines.end(), 64);
            return;
        }
        let clock = &mut self.grammar.clock.clone();
        let mut seen: Vec<(Given, Arc<str>)> = Vec::new();
        for (text, _) in self.lines.before(self.lines.end()).take(LAST_LINES) {
            let given = line_given(&colourless(text), clock);
            if let Some(host) = known(&self.grammar.hosts, &given) {
                if !seen.iter().any(|(_, other)| *other == host) {
                    seen.push((given, host));
                }
            }
        }
        for (given, host) in seen.into_iter().rev() {
            let found = Some((given.stamp, given.boot));
            self.grammar.mark(found, Some(host));
        }
    }
}

/// journalctl's line between two boots.
fn is_separator(text: &[u8]) -> bool {
    text.starts_with(b"-- Boot ") || text.starts_with(b"-- Reboot")
}

/// `dmesg -H`: increments since the last line with a time of day.
fn relative<R: Read>(
    text: &[u8],
    lines: &Lines<R>,
    line: LineSpan,
    counted: Option<(u64, i64)>,
    clock: &mut Clock,
) -> Stamp {
    let mut deltas = Vec::new();
    for (earlier, at) in lines.before(line).take(4096) {
        if let Some((_, wall)) = counted.filter(|(place, _)| *place == lines.place(at)) {
            clock.set_relative(wall);
            break;
        }
        let earlier = colourless(earlier);
        if earlier.starts_with(b"[") && !is_increment(&earlier) {
            clock.lead(&earlier);
            break;
        }
        deltas.push(earlier);
    }
    for delta in deltas.iter().rev() {
        clock.lead(delta);
    }
    clock.clone().lead(text).0
}

/// Without the colours that dmesg and journalctl give a terminal: they stand between words
/// that belong together.
fn colourless(text: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(0x1b, text) else {
        return Cow::Borrowed(text);
    };
    let mut out = text[..first].to_vec();
    let mut rest = &text[first..];
    while let Some(at) = memchr::memchr(0x1b, rest) {
        out.extend(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(parameters) = rest.strip_prefix(b"[") {
            let part = |b: &u8| b.is_ascii_digit() || matches!(b, b';' | b':');
            let end = parameters.iter().position(|b| !part(b));
            match end.map(|end| (end, parameters[end])) {
                Some((end, b'm' | b'K')) => rest = &parameters[end + 1..],
                _ => out.push(0x1b),
            }
        } else {
            out.push(0x1b);
        }
    }
    out.extend(rest);
    Cow::Owned(out)
}

/// `[  +0.000123]`
fn is_increment(text: &[u8]) -> bool {
    let inside = text.trim_ascii_start().strip_prefix(b"[");
    inside.is_some_and(|rest| rest.trim_ascii_start().starts_with(b"+"))
}

/// Which machine's line it is, if that machine is known.
fn known(hosts: &Hosts, given: &Given) -> Option<Arc<str>> {
    let (name, id) = given.host.as_ref()?;
    hosts.known(name.as_bytes(), id.as_deref())
}

/// Stamp, boot ID and host of any line.
fn line_given(text: &[u8], clock: &mut Clock) -> Given {
    let trimmed = text.trim_ascii_start();
    if trimmed.starts_with(b"{") || trimmed.starts_with(b"\"time\"") {
        return json::stamp(trimmed).unwrap_or_default();
    }
    let (stamp, rest) = clock.lead(&text[..text.len().min(400)]);
    // `Jan  9 10:11:12 host kernel: [  123.4]`: the boot clock stands behind the tag.
    let behind = match find(rest, b"kernel: [") {
        Some(n) => clock.lead(&rest[n + 8..]).0,
        None => Stamp::default(),
    };
    let host = prefix::host(text, &mut clock.clone());
    let host = host.map(|name| (String::from_utf8_lossy(name).into_owned(), None));
    Given {
        stamp: stamp.or(behind),
        host,
        ..Given::default()
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = io::Result<Seen>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(seen) = self.grammar.queue.pop_front() {
                return Some(Ok(self.after_headless(seen)));
            }
            if self.state == Progress::Done {
                if let Some(block) = self.headless.take() {
                    return Some(Ok(block));
                }
                return self.failed.take().map(Err);
            }
            self.step();
        }
    }
}
