//! What unhang-watch.service runs: `unhang watch`, and nothing else that would stay in memory.

use std::path::Path;
use std::process::ExitCode;

use unhang::{rules, watch};

fn main() -> ExitCode {
    if std::env::args_os().len() > 1 {
        eprintln!("unhang-watch: this takes no arguments; 'unhang watch' does");
        return ExitCode::from(2);
    }
    let root = Path::new("/");
    match watch::run(rules::default_dirs(root), root) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("unhang: {error}");
            ExitCode::from(error.exit_status())
        }
    }
}
