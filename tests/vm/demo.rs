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
mod verdict;

use std::io::{IsTerminal, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use guest::Guest;
use message::Message;
use scenario::{SUITES, Scenario};
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
    image::require_tools()?;
    let scenario = Scenario::read(&script)?;
    let mut guest = Guest::new(&suite, &scenario)?;
    let screen = Screen::new();
    println!("{}", screen.paint(BOLD, &scenario.about));
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

/// The terminal; colours only if it is one.
struct Screen {
    colour: bool,
}

const BOLD: &str = "1";
const DIM: &str = "2";
const GREEN: &str = "32";
const RED: &str = "1;31";

impl Screen {
    fn new() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Screen {
            colour: wanted && stdout().is_terminal(),
        }
    }

    fn show(&self, message: &Message) {
        match message {
            Message::Step(text) => println!("\n{}", self.paint(BOLD, text)),
            Message::Say(text) => println!("{text}"),
            Message::Show(text) => println!("  {}", self.paint(BOLD, text)),
            Message::Output(line) => println!("  {line}"),
            Message::Metric { name, value } => println!("  {name}: {value}"),
            Message::Host(request) => self.machine(&format!("the host: {request}")),
            Message::Check { name, passed: true } => {
                println!("  {} {name}", self.paint(GREEN, "✓"))
            }
            Message::Check { name, .. } => println!("  {} {name}", self.paint(RED, "✗")),
            Message::Rebooting => self.machine("the guest reboots …"),
            _ => {}
        }
    }

    /// What happens to the machine, not in it.
    fn machine(&self, text: &str) {
        println!("  {}", self.paint(DIM, text));
    }

    fn paint(&self, style: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{style}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
