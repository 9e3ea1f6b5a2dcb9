//! Timestamps: reads the one at the head of a log line, in every form in which kernel
//! lines reach people: seconds since boot (`[ 123.456789]`, raw /dev/kmsg, `dmesg -r`,
//! `-x`), `dmesg -H`, `dmesg -T` in many languages, ISO 8601 (rsyslog, Talos, `dmesg
//! --time-format iso`), RFC 3164, RFC 5424, `OpenWrt`'s logread and journalctl's forms.
//! What does not parse leaves the stamp empty; nothing here is an error.

use super::months;
use super::scan::{
    SECOND, clock_time, datetime, english, fraction_micros, number, seconds, skip_markup,
    skip_space, token,
};
use jiff::{civil, tz::TimeZone};

/// When a line was logged. Either clock may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Microseconds since 1970-01-01 UTC, by the logging machine's wall clock.
    pub wall: Option<i64>,
    /// Microseconds since that machine's boot (printk's `local_clock`, `CLOCK_MONOTONIC` in
    /// the journal): stands still in suspend and never jumps.
    pub uptime: Option<i64>,
}

impl Stamp {
    pub fn is_empty(&self) -> bool {
        self.wall.is_none() && self.uptime.is_none()
    }

    /// `self`, with what it lacks taken from `other`.
    #[must_use]
    pub fn or(self, other: Stamp) -> Stamp {
        Stamp {
            wall: self.wall.or(other.wall),
            uptime: self.uptime.or(other.uptime),
        }
    }

    /// Time from `earlier` to `self`: by the boot clock where both have it.
    pub fn since(&self, earlier: &Stamp) -> Option<i64> {
        match (self.uptime, earlier.uptime, self.wall, earlier.wall) {
            (Some(a), Some(b), ..) | (_, _, Some(a), Some(b)) => Some(a - b),
            _ => None,
        }
    }
}

const DAY: i64 = 86_400 * SECOND;

/// What a log line's text does not say of itself: the zone of zoneless stamps, and the year
/// of yearless ones, which lie in the twelve months before `reference`.
#[derive(Clone, Debug)]
pub struct Clock {
    zone: TimeZone,
    reference: i64,
    /// Year of the last yearless stamp, and when it was.
    last: Option<(i16, i64)>,
    /// How many years before what its date alone tells the first yearless stamp is.
    back: i16,
    /// `dmesg -H` prints the minute now and then and increments in between.
    relative: Option<i64>,
}

impl Clock {
    /// `reference`: the file's modification time, or now for a pipe (µs since 1970).
    pub fn new(zone: TimeZone, reference: i64) -> Clock {
        Clock {
            zone,
            reference,
            last: None,
            back: 0,
            relative: None,
        }
    }

    /// The time of the line from which the next increment counts.
    pub(super) fn set_relative(&mut self, wall: i64) {
        self.relative = Some(wall);
    }

    /// Looks at lines from all over the file, in order: yearless stamps of more than a year
    /// begin before the last year.
    pub fn look_ahead<'a>(&mut self, lines: impl Iterator<Item = &'a [u8]>) {
        let mut probe = self.clone();
        for line in lines {
            probe.lead(line);
        }
        self.back = probe.back;
    }

    /// Reads all that is timestamp, markup or log level at the head of `text`; gives the
    /// stamp and what follows. Host names and syslog tags are not its business.
    pub fn lead<'a>(&mut self, text: &'a [u8]) -> (Stamp, &'a [u8]) {
        let mut rest = text;
        let mut stamp = Stamp::default();
        // A line has at most a level, a wall clock, a boot clock and a caller: nine is ample.
        for _ in 0..9 {
            rest = skip_markup(rest);
            let Some((found, after)) = self.one(rest, stamp.is_empty()) else {
                break;
            };
            stamp = stamp.or(found);
            rest = after;
        }
        (stamp, rest)
    }

    fn one<'a>(&mut self, s: &'a [u8], first: bool) -> Option<(Stamp, &'a [u8])> {
        match *s.first()? {
            b'[' => self.bracket(s),
            b'0'..=b'9' => {
                let found = self.digits(s, first);
                if first {
                    found.or_else(|| level(s))
                } else {
                    found
                }
            }
            _ if first => self.words(s).or_else(|| level(s)),
            _ => None,
        }
    }

    fn bracket<'a>(&mut self, s: &'a [u8]) -> Option<(Stamp, &'a [u8])> {
        let end = memchr::memchr(b']', &s[..s.len().min(80)])?;
        let mut inside = s[1..end].trim_ascii();
        let mut after = &s[end + 1..];
        // Talos puts a colon behind the bracket.
        after = after.strip_prefix(b":").unwrap_or(after);
        // `[  123.456789 <    0.000123>]` of `dmesg -d`; without the first of `--time-format delta`.
        if let Some(delta) = inside.strip_suffix(b">") {
            inside = inside[..memchr::memchr(b'<', delta)?].trim_ascii();
            if inside.is_empty() {
                return Some((Stamp::default(), after));
            }
        }
        if let Some(up) = seconds(inside) {
            return Some((uptime(up), after));
        }
        if let Some(delta) = inside.strip_prefix(b"+").and_then(seconds) {
            let wall = self.relative.map(|at| at + delta);
            self.relative = wall;
            return Some((Stamp { wall, uptime: None }, after));
        }
        if let Some((wall, rest)) = self.iso(inside) {
            return rest.is_empty().then_some((wall_only(wall), after));
        }
        if let Some(wall) = self.human(inside).or_else(|| self.translated(inside)) {
            return Some((wall_only(Some(wall)), after));
        }
        // printk's caller: `[T123]`, `[C0]`.
        let caller = matches!(inside.first(), Some(b'T' | b'C'))
            && inside.len() > 1
            && inside[1..].iter().all(u8::is_ascii_digit);
        caller.then_some((Stamp::default(), after))
    }

    /// ISO 8601, journalctl's `short-unix`, RFC 5424's version, raw /dev/kmsg.
    fn digits<'a>(&mut self, s: &'a [u8], first: bool) -> Option<(Stamp, &'a [u8])> {
        if let Some((wall, rest)) = self.iso(s) {
            return Some((wall_only(wall), rest));
        }
        if !first {
            return None;
        }
        if let Some(rest) = s.strip_prefix(b"1 ") {
            let (wall, rest) = self.iso(rest)?;
            return Some((wall_only(wall), rest));
        }
        // `3,1234,567890123,-;text`: level, sequence, microseconds, flags.
        let head = &s[..s.len().min(100)];
        if let Some(semi) = memchr::memchr(b';', head) {
            let mut parts = head[..semi].split(|&b| b == b',');
            let (_, _) = (number(parts.next()?)?, number(parts.next()?)?);
            let micros = number(parts.next()?)?;
            parts.next()?;
            return Some((uptime(micros), &s[semi + 1..]));
        }
        let (word, rest) = token(s);
        let whole = memchr::memchr(b'.', word)?;
        (whole >= 9).then_some(())?;
        Some((wall_only(Some(seconds(word)?)), rest))
    }

    /// Stamps that begin with a word: RFC 3164, `OpenWrt`'s and C's `ctime`, `short-full`.
    fn words<'a>(&mut self, s: &'a [u8]) -> Option<(Stamp, &'a [u8])> {
        let (one, rest) = token(s);
        if let Some(month) = english(one) {
            let (day, rest) = token(rest);
            let (time, rest) = token(rest);
            let (hms, micros) = clock_time(time)?;
            let wall = self.yearless(month, number(day)? as i8, hms, micros);
            return Some((wall_only(wall), rest));
        }
        if one.len() > 12 {
            return None;
        }
        if let Some((wall, rest)) = self.iso(skip_space(rest)) {
            return Some((wall_only(wall), rest)); // Tue 2024-01-09 10:11:12 CET
        }
        // `Tue Jan  9 10:11:12 2024`: five tokens, as `dmesg -T` has in brackets.
        let mut rest = rest;
        for _ in 0..4 {
            rest = token(rest).1;
        }
        let text = s[..s.len() - rest.len()].trim_ascii();
        Some((wall_only(Some(self.translated(text)?)), rest))
    }

    /// `2024-01-09T10:11:12.345678+01:00`, also with a blank, a comma, `Z`, a zone's name
    /// (then the local zone is assumed) or none.
    fn iso<'a>(&self, s: &'a [u8]) -> Option<(Option<i64>, &'a [u8])> {
        if s.len() < 19 || s[4] != b'-' || s[7] != b'-' || !matches!(s[10], b'T' | b't' | b' ') {
            return None;
        }
        let (y, mo, d) = (number(&s[..4])?, number(&s[5..7])?, number(&s[8..10])?);
        let (hms, _) = clock_time(&s[11..19])?;
        let mut rest = &s[19..];
        let mut micros = 0;
        if let Some((b'.' | b',', fraction)) = rest.split_first() {
            let n = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
            micros = fraction_micros(&fraction[..n]);
            rest = &fraction[n..];
        }
        let local = datetime(y as i16, mo as i8, d as i8, hms, micros);
        let wall = |offset: i64| -> Option<i64> {
            let utc = local?.to_zoned(TimeZone::UTC).ok()?;
            Some(utc.timestamp().as_microsecond() - offset * SECOND)
        };
        if let Some(after) = rest.strip_prefix(b"Z").or(rest.strip_prefix(b"z")) {
            return Some((wall(0), after));
        }
        if let Some((sign @ (b'+' | b'-'), zone)) = rest.split_first() {
            let digits: Vec<u8> = zone
                .iter()
                .copied()
                .take_while(|b| b.is_ascii_digit() || *b == b':')
                .take(5)
                .collect();
            let hm: Vec<u8> = digits.iter().copied().filter(|b| *b != b':').collect();
            if hm.len() == 4 {
                let minutes = number(&hm[..2])? * 60 + number(&hm[2..])?;
                let sign = if *sign == b'-' { -1 } else { 1 };
                return Some((wall(sign * minutes * 60), &zone[digits.len()..]));
            }
        }
        for (name, offset) in [("UTC", 0), ("GMT", 0)] {
            if let Some(after) = skip_space(rest).strip_prefix(name.as_bytes()) {
                return Some((wall(offset), after));
            }
        }
        // journalctl names the local zone (`CET`): drop it.
        let after = skip_space(rest);
        let zone = after.iter().take_while(|b| b.is_ascii_uppercase()).count();
        if (3..=5).contains(&zone) && after.get(zone) == Some(&b' ') {
            rest = &after[zone..];
        }
        Some((self.local(local), rest))
    }

    /// `dmesg -H`'s `Jan 9 10:11` (printed as `Jan09 10:11` or `Jan 9 10:11`).
    fn human(&mut self, s: &[u8]) -> Option<i64> {
        let month = english(s.get(..3)?)?;
        let (day, rest) = token(&s[3..]);
        let rest = rest.trim_ascii();
        if rest.len() != 5 || rest[2] != b':' {
            return None;
        }
        let (h, m) = (number(&rest[..2])?, number(&rest[3..])?);
        let wall = self.yearless(month, number(day)? as i8, (h as i8, m as i8, 0), 0);
        self.relative = wall;
        wall
    }

    /// `Di Jan  9 10:11:12 2024`: strftime's "%a %b %e %H:%M:%S %Y" in any language.
    fn translated(&self, s: &[u8]) -> Option<i64> {
        let words: Vec<&[u8]> = s
            .split(|b| *b == b' ')
            .filter(|w| !w.is_empty())
            .take(7)
            .collect();
        let [weekday, month, day, time, year] = words[..] else {
            return None;
        };
        let (day, year) = (number(day)? as i8, number(year)? as i16);
        let (hms, micros) = clock_time(time)?;
        let month = months::month(weekday, month, day, year)?;
        self.local(datetime(year, month, day, hms, micros))
    }

    fn yearless(&mut self, month: i8, day: i8, hms: (i8, i8, i8), micros: i64) -> Option<i64> {
        let at = |year: i16| Some((year, self.local(datetime(year, month, day, hms, micros))?));
        let past = |&(_, wall): &(i16, i64)| wall <= self.reference + DAY;
        let mut late = false;
        let found = if let Some((year, before)) = self.last {
            // The next time that it was this date, but for a little disorder.
            let mut years = (year - 1..=year + 8).filter_map(at);
            let soon = before - 2 * DAY..before + 300 * DAY;
            let same = at(year).filter(|(_, wall)| soon.contains(wall));
            let next = same.or_else(|| years.find(|&(_, wall)| wall >= soon.start));
            // None may be later than the file: it began more than a year before, or rotated
            // files are in the wrong order.
            late = next.is_some_and(|next| !past(&next) && next.1 - before < 183 * DAY);
            next.filter(past)
                .or_else(|| (year - 8..=year).rev().filter_map(at).find(past))
        } else {
            let now = jiff::Timestamp::from_microsecond(self.reference).ok()?;
            let year = now.to_zoned(self.zone.clone()).year();
            let found = (year - 8..=year).rev().filter_map(at).find(past);
            found.and_then(|(year, _)| at(year - self.back))
        };
        self.back += i16::from(late);
        self.last = found.or(self.last);
        Some(found?.1)
    }

    fn local(&self, at: Option<civil::DateTime>) -> Option<i64> {
        let zoned = at?.to_zoned(self.zone.clone()).ok()?;
        Some(zoned.timestamp().as_microsecond())
    }
}

fn uptime(micros: i64) -> Stamp {
    Stamp {
        wall: None,
        uptime: Some(micros),
    }
}

fn wall_only(wall: Option<i64>) -> Stamp {
    Stamp { wall, uptime: None }
}

/// `kern  :err   : ` of `dmesg -x`; Talos: `10.5.0.2: kern:     err: `.
fn level(s: &[u8]) -> Option<(Stamp, &[u8])> {
    let head = &s[..s.len().min(80)];
    let at = memchr::memmem::find(head, b"kern")?;
    let node = head[..at].trim_ascii();
    if !node.is_empty() && (!node.ends_with(b":") || node.contains(&b' ')) {
        return None;
    }
    let rest = skip_space(&s[at + 4..]).strip_prefix(b":")?;
    let rest = skip_space(rest);
    let word = rest.iter().take_while(|b| b.is_ascii_lowercase()).count();
    let known: [&[u8]; 9] = [
        b"emerg", b"alert", b"crit", b"err", b"warn", b"warning", b"notice", b"info", b"debug",
    ];
    if !known.contains(&&rest[..word]) {
        return None;
    }
    let rest = skip_space(&rest[word..]).strip_prefix(b":")?;
    Some((Stamp::default(), rest))
}
