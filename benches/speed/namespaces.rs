//! A network and mount namespace of its own, for what is measured there.

use std::env;
use std::process::{Command, Stdio};

const INSIDE: &str = "UNHANG_BENCH_IS_INSIDE";

/// Whether this program runs in them.
pub fn is_inside() -> bool {
    env::var_os(INSIDE).is_some()
}

/// This program again, as root, in them. `by` is what starts it there.
pub fn again(by: &[&str]) -> Command {
    // In a chroot / is no mount point, and has no propagation to be changed.
    let mount_point = Command::new("mountpoint").args(["-q", "/"]).status();
    let private = mount_point.is_ok_and(|status| status.success());
    let propagation = if private { "private" } else { "unchanged" };
    let sudo: &[&str] = if nix::unistd::geteuid().is_root() {
        &[]
    } else {
        &["sudo", "--preserve-env", "--"]
    };
    let unshare = ["unshare", "--net", "--mount", "--propagation", propagation];
    let words = [sudo, by, &unshare, &["--"]].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command.arg(env::current_exe().expect("known"));
    command.env(INSIDE, "1").stderr(Stdio::inherit());
    command
}
