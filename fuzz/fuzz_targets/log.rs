//! Any bytes are a log: reading and printing them must not panic, hang or grow.
//! Corpus: the sample logs. `fuzz/run.sh` copies them and runs this for five minutes.
#![no_main]

use jiff::tz::TimeZone;
use unhang::kernel_log::{Clock, Reader};
use unhang::report::{history::History, json, metrics, svg, terminal, totals::Totals};

libfuzzer_sys::fuzz_target!(|log: &[u8]| {
    let clock = Clock::new(TimeZone::UTC, 1_774_008_000_000_000);
    let mut history = History::default();
    for seen in Reader::new(log, clock) {
        history.observe(seen.expect("memory does not fail"));
    }
    history.finish();
    serde_json::to_vec(&json::Report(&history)).unwrap();
    let page = terminal::page(&history, &TimeZone::UTC, 80);
    let page = anstream::adapter::strip_str(&page).to_string();
    assert!(page.chars().all(|c| c == '\n' || !c.is_control()));
    svg::picture(&history, &TimeZone::UTC);
    metrics::text(&history, &[], &Totals::of_last_boot(&history, &[]), &metrics::Kernel::default());
});
