//! A network and mount namespace of its own, for what is measured there.

#[path = "../../tests/netns/propagation.rs"]
mod propagation;

use std::env;
use std::process::{Command, Stdio};

use propagation::propagation;

const INSIDE: &str = "UNHANG_BENCH_IS_INSIDE";

/// Whether this program runs in them.
pub fn is_inside() -> bool {
    env::var_os(INSIDE).is_some()
}

/// This program again, as root, in them. `by` is what starts it there.
pub fn again(by: &[&str]) -> Command {
    let sudo: &[&str] = if nix::unistd::geteuid().is_root() {
        &[]
    } else {
        &["sudo", "--preserve-env", "--"]
    };
    let unshare = [
        "unshare",
        "--net",
        "--mount",
        "--propagation",
        propagation(),
    ];
    let words = [sudo, by, &unshare, &["--"]].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command.arg(env::current_exe().expect("known"));
    command.env(INSIDE, "1").stderr(Stdio::inherit());
    command
}
