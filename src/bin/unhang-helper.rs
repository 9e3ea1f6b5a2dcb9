//! `/usr/lib/udev/unhang`: what udev calls when a NIC appears or is renamed.
//!
//! It reads its event from the environment, applies the rules, logs the outcome and ends.
//! It needs no more than the kernel, /sys and the rule files.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use unhang::apply::{IfReverted, Outcome, Summary, apply};
use unhang::features::BlockingConnection;
use unhang::log::{Event, Level, Line, Log};
use unhang::nic::Nic;
use unhang::rules::{self, Decision};
use unhang::saved_state::SavedState;
use unhang::text::printable;

/// What takes longer is worth a word in the log. udevd kills what takes 180 s.
const LATE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    run().into()
}

/// Gives the exit status.
fn run() -> u8 {
    let property = |key: &str| std::env::var(key).ok();
    let root = Path::new("/");
    let log = Log::below(root);
    let nic = match Nic::from_udev_event(property, root) {
        Ok(nic) => nic,
        Err(error) => {
            log.write(Level::Error, &error.to_string());
            // Nobody is left to be told if that fails.
            let _ = writeln!(
                std::io::stderr(),
                "unhang: {}",
                printable(&error.to_string())
            );
            return 2;
        }
    };
    let action = property("ACTION").unwrap_or_default();
    // On remove the NIC is gone: there is nothing to do, whoever asked for it.
    if action == "remove" {
        return 0;
    }
    let rules = rules::load(&rules::default_dirs(root));
    for complaint in rules.complaints() {
        log.write(Level::Warning, &complaint);
    }
    let decision = rules::decide(rules.rules(), &nic);
    if decision.is_empty() {
        return 0;
    }
    let start = Instant::now();
    let outcome = ask_kernel(&nic, &decision, &SavedState::below(root));
    let took = start.elapsed();
    if took >= LATE {
        let line = format!(
            "{}: the kernel answered after {} s only: somebody held its network configuration lock (rtnl)",
            nic.name,
            took.as_secs()
        );
        log.write(Level::Warning, &line);
    }
    if let Some((level, line)) = Line::new(&outcome, &Event::udev(&action)) {
        // A move follows most adds; that all is still right then is no news.
        if level > Level::Debug || action == "add" {
            log.write(level, &line.to_string());
        }
    }
    u8::from(outcome.summary() == Summary::Failed)
}

fn ask_kernel(nic: &Nic, decision: &Decision<'_>, state: &SavedState) -> Outcome {
    match BlockingConnection::open() {
        Ok(mut kernel) => {
            BlockingConnection::run(apply(&mut kernel, state, nic, decision, IfReverted::Leave))
        }
        Err(error) => Outcome::new(nic.clone(), decision.rules(), Some(error)),
    }
}
