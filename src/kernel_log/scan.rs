//! The small pieces that stamps and messages are made of: numbers, times of day, words, and the
//! markup that log lines pick up on their way.

use jiff::civil;

/// Microseconds in a second: all times in this crate are i64 microseconds.
pub const SECOND: i64 = 1_000_000;

pub(super) fn datetime(
    year: i16,
    month: i8,
    day: i8,
    hms: (i8, i8, i8),
    micros: i64,
) -> Option<civil::DateTime> {
    // A leap second is logged as :60.
    let second = hms.2.min(59);
    civil::DateTime::new(year, month, day, hms.0, hms.1, second, micros as i32 * 1000).ok()
}

/// `10:11:12` with an optional fraction.
pub(super) fn clock_time(s: &[u8]) -> Option<((i8, i8, i8), i64)> {
    if s.len() < 8 || s[2] != b':' || s[5] != b':' {
        return None;
    }
    let at = |i: usize| number(&s[i..i + 2]).map(|n| n as i8);
    let micros = match s.get(8) {
        Some(b'.' | b',') => fraction_micros(&s[9..]),
        Some(b':') | None => 0,
        Some(_) => return None,
    };
    Some(((at(0)?, at(3)?, at(6)?), micros))
}

pub(super) fn fraction_micros(digits: &[u8]) -> i64 {
    let mut micros = 0;
    for i in 0..6 {
        let digit = digits.get(i).filter(|b| b.is_ascii_digit());
        micros = micros * 10 + digit.map_or(0, |b| i64::from(b - b'0'));
    }
    micros
}

/// `123.456789` in microseconds; a dot is required.
pub(super) fn seconds(s: &[u8]) -> Option<i64> {
    let dot = memchr::memchr(b'.', s)?;
    let (whole, fraction) = (&s[..dot], &s[dot + 1..]);
    if fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) || whole.len() > 11 {
        return None;
    }
    Some(number(whole)? * SECOND + fraction_micros(fraction))
}

/// A plain decimal number of at most 18 digits.
pub(super) fn number(s: &[u8]) -> Option<i64> {
    if s.is_empty() || s.len() > 18 || !s.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(s.iter().fold(0, |n, b| n * 10 + i64::from(b - b'0')))
}

/// 32 hexadecimal digits.
pub(super) fn boot_id(text: &[u8]) -> Option<u128> {
    let text = std::str::from_utf8(text.get(..32)?).ok()?;
    u128::from_str_radix(text, 16).ok()
}

/// The first two numbers of a version.
pub(super) fn kernel_version(text: &[u8]) -> Option<(u16, u16)> {
    let mut parts = text.split(|b| !b.is_ascii_digit());
    let mut next = || u16::try_from(number(parts.next()?)?).ok();
    Some((next()?, next()?))
}

pub(super) fn english(s: &[u8]) -> Option<i8> {
    const NAMES: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let found = NAMES.chunks(3).position(|name| name == s)?;
    Some(found as i8 + 1)
}

pub(super) fn skip_space(s: &[u8]) -> &[u8] {
    s.trim_ascii_start()
}

/// The next blank-separated word and what follows it.
pub(super) fn token(s: &[u8]) -> (&[u8], &[u8]) {
    let s = skip_space(s);
    let end = s.iter().position(u8::is_ascii_whitespace);
    s.split_at(end.unwrap_or(s.len()))
}

/// Blanks, quote marks of mail and forums, HTML tags, `dmesg -r`'s `<3>`, colour codes.
pub(super) fn skip_markup(mut s: &[u8]) -> &[u8] {
    loop {
        s = skip_space(s);
        let next = match s.first() {
            Some(b'>' | b'|' | b'*' | b'`' | b'\0') => &s[1..],
            Some(b'<') => match memchr::memchr(b'>', &s[..s.len().min(120)]) {
                Some(end) => &s[end + 1..],
                None => return s,
            },
            Some(b'&') if s.starts_with(b"&gt;") => &s[4..],
            Some(b'&') if s.starts_with(b"&nbsp;") => &s[6..],
            Some(0x1b) => match s[..s.len().min(16)].iter().position(|b| *b == b'm') {
                Some(end) => &s[end + 1..],
                None => return s,
            },
            _ => return s,
        };
        s = next;
    }
}
