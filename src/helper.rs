//! `/usr/lib/udev/unhang`: what udev calls when a NIC appears or is renamed.
//!
//! It reads its event from the environment, applies the rules, logs the outcome and ends.
//! It needs no more than the kernel, /sys and the rule files.

use std::path::Path;
use std::process::ExitCode;

use unhang::apply::{self, Outcome, Summary};
use unhang::log::{Event, Level, Line, Log};
use unhang::memory::Memory;
use unhang::nic::Nic;
use unhang::rules;

fn main() -> ExitCode {
    run().into()
}

/// Gives the exit status.
fn run() -> u8 {
    let property = |key: &str| std::env::var(key).ok();
    let log = Log::default();
    let root = Path::new("/");
    let nic = match Nic::from_udev_event(property, root) {
        Ok(nic) => nic,
        Err(error) => {
            log.write(Level::Error, &error.to_string());
            eprintln!("unhang: {error}");
            return 2;
        }
    };
    let action = property("ACTION").unwrap_or_default();
    // On remove the NIC is gone: there is nothing to do, whoever asked for it.
    if action == "remove" {
        return 0;
    }
    // 'unhang revert' put it back, and says itself until when.
    if Memory::default().is_reverted(&nic) {
        return 0;
    }
    let rules = rules::load(&rules::default_dirs(root));
    for complaint in rules.complaints() {
        log.write(Level::Warning, &complaint);
    }
    apply::apply_or_exit(&nic, &rules, move |outcome| report(outcome, &action, &log))
}

/// Logs the outcome and gives the exit status.
fn report(outcome: &Outcome, action: &str, log: &Log) -> u8 {
    if let Some((level, line)) = Line::new(outcome, &Event::udev(action)) {
        // A move follows most adds; that all is still right then is no news.
        if level > Level::Debug || action == "add" {
            log.write(level, &line.to_string());
        }
    }
    u8::from(outcome.summary() == Summary::Failed)
}
