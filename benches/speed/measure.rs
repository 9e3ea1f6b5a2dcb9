//! Timing programs against each other.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A program that is measured.
pub struct Contender {
    /// What the table calls it.
    pub name: String,
    /// How it is called.
    pub command: Command,
    /// Whether it does what is measured, or nothing.
    pub works: bool,
    /// What it has to have written to the log, in lines.
    pub log_lines: usize,
    /// How long each run took.
    pub times: Vec<Duration>,
}

impl Contender {
    /// A program, called as `command` is, and how many lines it logs.
    pub fn new(name: &str, mut command: Command, log_lines: usize) -> Contender {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Contender {
            name: name.into(),
            command,
            works: true,
            log_lines,
            times: Vec::new(),
        }
    }

    /// A program that does nothing: what it costs to start one.
    pub fn idle(name: &str, command: Command) -> Contender {
        Contender {
            works: false,
            ..Contender::new(name, command, 0)
        }
    }

    /// Runs it once, from before it is started until it has ended.
    pub fn run(&mut self) {
        let start = Instant::now();
        let status = self.command.status();
        self.times.push(start.elapsed());
        let status = status.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        assert!(status.success(), "{}: {status}", self.name);
    }

    /// The times below which are a quarter, half and three quarters of the runs.
    pub fn quartiles(&self) -> [Duration; 3] {
        let mut times = self.times.clone();
        times.sort_unstable();
        [1, 2, 3].map(|quarter| times[(times.len() - 1) * quarter / 4])
    }

    /// The median.
    pub fn median(&self) -> Duration {
        self.quartiles()[1]
    }
}

/// Runs all of them in turn, `rounds` times, each round starting with another one, so that none
/// always has the same one before it. What `before` and `after` a run is done does not count.
pub fn alternate(
    contenders: &mut [Contender],
    rounds: usize,
    mut before: impl FnMut(),
    mut after: impl FnMut(&Contender),
) {
    for round in 0..rounds {
        for place in 0..contenders.len() {
            let contender = &mut contenders[(round + place) % contenders.len()];
            before();
            contender.run();
            after(contender);
        }
        if (round + 1) % rounds.div_ceil(4) == 0 {
            eprintln!("  {} of {rounds} rounds", round + 1);
        }
    }
}
