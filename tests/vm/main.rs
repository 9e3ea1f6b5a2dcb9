//! Runs every scenario in every guest that it is for: a real e1000e driver under a real udevd, in QEMU.
//!
//!     cargo test --test vm                 all
//!     cargo test --test vm -- hotplug      those with this in their name
//!
//! README.md beside this file says how to write one and how to look at one that failed.

#![forbid(unsafe_code)]

mod accel;
mod guest;
mod hardware;
mod image;
mod lines;
mod message;
mod qemu;
mod qmp;
mod scenario;
mod suites;
mod verdict;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use guest::Guest;
use scenario::Scenario;
use suites::Suites;
use verdict::Verdict;

/// Guests at once, unless `UNHANG_VM_JOBS` or --test-threads says otherwise: one more than two
/// processors, as each waits for a third of its time.
const JOBS: usize = 3;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    if arguments.test_threads.is_none() {
        arguments.test_threads = Some(jobs());
    }
    let trials = trials().and_then(|trials| {
        if !arguments.list {
            image::require_tools(&["guest"])?;
        }
        Ok(trials)
    });
    match trials {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(error) => {
            eprintln!("vm: {error}");
            ExitCode::FAILURE
        }
    }
}

fn jobs() -> usize {
    let asked = std::env::var("UNHANG_VM_JOBS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(JOBS)
}

fn trials() -> Result<Vec<Trial>, String> {
    let suites = Suites::choose()?;
    // For the matrix: scenarios on suites that they are not run on every day.
    let everywhere = std::env::var_os("UNHANG_VM_EVERYWHERE").is_some();
    let source = image::source_dir();
    // Another folder than that of the tests: measurements.
    let scenarios = if let Some(other) = std::env::var_os("UNHANG_VM_SCENARIOS") {
        folder(Path::new(&other))?
    } else {
        let mut tests = folder(&source.join("scenarios"))?;
        tests.extend(folder(&source.join("selftest"))?);
        tests
    };
    let mut trials = Vec::new();
    for scenario in &scenarios {
        let wanted = if everywhere {
            suites.names.clone()
        } else {
            suites.of(scenario)
        };
        for suite in wanted {
            let scenario = scenario.clone();
            let name = format!("{suite}::{}", scenario.name);
            trials.push(Trial::test(name, move || attempt(&suite, &scenario)));
        }
    }
    Ok(trials)
}

/// An emulated guest on a busy machine can be too slow for the kernel's own timers (a watchdog
/// resets the adapter before the driver looks at it). What fails is run once more, and both are said.
fn attempt(suite: &str, scenario: &Scenario) -> Result<(), Failed> {
    let Err(first) = run(suite, scenario) else {
        return Ok(());
    };
    let name = format!("{suite}::{}", scenario.name);
    eprintln!("again {name}, which failed at the first attempt:\n{first}");
    let dir = |ending| image::work_dir().join(format!("runs/{suite}-{}{ending}", scenario.name));
    // Without it the first attempt's logs are overwritten, no more.
    let _ = fs::remove_dir_all(dir("-first"));
    let _ = fs::rename(dir(""), dir("-first"));
    run(suite, scenario)?;
    eprintln!("again {name}: passed at the second attempt");
    Ok(())
}

fn run(suite: &str, scenario: &Scenario) -> Result<(), String> {
    let mut guest = Guest::new(suite, scenario)?;
    let mut verdict = Verdict::default();
    let broken = guest.run(&mut |message| verdict.hear(message)).err();
    if std::env::var_os("UNHANG_VM_KEEP").is_none() {
        guest.tidy();
    }
    let failure = verdict.failure(broken.as_deref());
    let name = format!("{suite}::{}", scenario.name);
    for (metric, value) in &verdict.metrics {
        eprintln!("metric {name} {metric} {value}");
    }
    eprintln!("time {name} {:.1} s", guest.elapsed().as_secs_f64());
    match (failure, &scenario.fails) {
        (None, None) => Ok(()),
        (Some(text), Some(expected)) if text.contains(expected) => Ok(()),
        (Some(text), Some(expected)) => {
            Err(format!("it was to fail with {expected:?}, but:\n{text}"))
        }
        (None, Some(_)) => Err("it passed, and was to fail".into()),
        (Some(text), None) => Err(format!(
            "{text}the whole story: {}/transcript, console-*.log; by hand: {0}/by-hand",
            guest.dir.display()
        )),
    }
}

/// All scenarios of a folder, by name.
fn folder(path: &Path) -> Result<Vec<Scenario>, String> {
    let entries = fs::read_dir(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "sh"))
        .collect();
    paths.sort();
    paths.iter().map(|path| Scenario::read(path)).collect()
}
