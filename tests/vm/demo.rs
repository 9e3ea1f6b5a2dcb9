//! Runs one script in one guest and shows what happens as it happens, for a person to watch.
//!
//!     cargo test --test demo                                  demo.sh in trixie
//!     cargo test --test demo -- bookworm path/to/script.sh    another guest, another script

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
mod screen;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;

use guest::Guest;
use scenario::{SUITES, Scenario};
use screen::Screen;
use verdict::Verdict;

fn main() -> ExitCode {
    match demo() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {}", error.trim_end());
            ExitCode::FAILURE
        }
    }
}

fn demo() -> Result<(), String> {
    let mut suite = "trixie".to_owned();
    let mut script = image::source_dir().join("demo.sh");
    for argument in std::env::args().skip(1) {
        if SUITES.contains(&argument.as_str()) {
            suite = argument;
        } else {
            script = PathBuf::from(argument);
        }
    }
    image::require_tools(&["guest"])?;
    let scenario = Scenario::read(&script)?;
    let mut guest = Guest::new(&suite, &scenario)?;
    let screen = Screen::new();
    println!("{}", screen.bold(&scenario.about));
    screen.machine(&format!("booting {suite} …"));
    let mut verdict = Verdict::default();
    let broken = guest.run(&mut |message| {
        verdict.hear(message);
        screen.show(message);
    });
    guest.tidy();
    println!("\n{:.0} s", guest.elapsed().as_secs_f64());
    match verdict.failure(broken.err().as_deref()) {
        Some(text) => Err(text),
        None => Ok(()),
    }
}
