//! The words that a line must contain to be looked at. Few, and with rare beginnings: the
//! search for them decides how fast a large log is read.

use aho_corasick::packed::Searcher;

const NEEDLES: &[&str] = &[
    " Unit Hang",
    "NIC Link is ",
    "Reset adapter",
    ": renamed from ",
    "NETDEV WATCHDOG",
    "Linux version ",
    "PCIe link lost",
    "unhang[",
    "unhang:",
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
