//! What a mount namespace of its own does with the mounts of the one that it comes from.

use std::process::Command;

/// For unshare's `--propagation`. In a chroot / is no mount point, and has none to be changed.
pub fn propagation() -> &'static str {
    let mount_point = Command::new("mountpoint").args(["-q", "/"]).status();
    let private = mount_point.is_ok_and(|status| status.success());
    if private { "private" } else { "unchanged" }
}
