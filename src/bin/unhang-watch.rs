//! What unhang-watch.service runs: `unhang watch`, and nothing else that would stay in memory.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use unhang::{rules, watch};

fn main() -> ExitCode {
    if std::env::args_os().len() > 1 {
        say("unhang-watch: this takes no arguments; 'unhang watch' does");
        return ExitCode::from(2);
    }
    let root = Path::new("/");
    match watch::run(rules::default_dirs(root), root) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("unhang: {error}"));
            ExitCode::from(error.exit_status())
        }
    }
}

/// Nobody is left to be told if that fails.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
