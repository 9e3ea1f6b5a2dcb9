//! The words that a line must contain to be looked at. Few, and with rare beginnings: the
//! search for them decides how fast a large log is read.

use aho_corasick::Match;
use aho_corasick::packed::Searcher;
use memchr::memmem::Finder;

const LINK: &str = "NIC Link is ";
/// How far before its words a link message names its driver, colours and all, at most.
const NAMED: usize = 256;
const NEEDLES: &[&str] = &[
    " Unit Hang",
    LINK,
    "Reset adapter",
    ": renamed from ",
    "NETDEV WATCHDOG",
    "Linux version ",
    "PCIe link lost",
    "unhang[",
    "unhang:",
    // `ethtool -K`; its beginning is in every other line.
    "htool -",
    "-- Boot ",
    "-- Reboot",
];

/// In journal JSON: our own tag, messages given as an array of bytes, and the journal's own
/// last word.
const JSON_NEEDLES: &[&str] = &[
    "\"unhang\"",
    "\"MESSAGE\":[",
    "\"MESSAGE\" : [",
    JOURNAL_STOPPED,
];
pub(super) const JOURNAL_STOPPED: &str = "Journal stopped";

/// The searcher for a log that begins with `head`.
pub(super) fn finder(head: &[u8]) -> Searcher {
    let json = head.trim_ascii_start().starts_with(b"{");
    let more = if json { JSON_NEEDLES } else { &[] };
    let needles = NEEDLES.iter().chain(more);
    Searcher::new(needles).expect("few enough needles")
}

/// Finds the driver's name. Making it takes longer than one search with it.
pub(super) fn driver() -> Finder<'static> {
    Finder::new(b"e1000e")
}

/// Whether more than a link message of another driver's NIC was found in `text`.
pub(super) fn counts(text: &[u8], hit: &Match, driver: &Finder) -> bool {
    let (before, found) = text[..hit.end()].split_at(hit.start());
    let near = &before[before.len().saturating_sub(NAMED)..];
    // What stands before the text's beginning is not known.
    found != LINK.as_bytes() || near.len() < NAMED || driver.find(near).is_some()
}
