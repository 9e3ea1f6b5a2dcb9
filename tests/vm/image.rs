//! The images that image.sh makes, each asked for at most once in a run, and throw-away disks on top of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

/// `target/vm`
pub fn work_dir() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    target.expect("a target directory").join("vm")
}

/// `tests/vm`
pub fn source_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vm")
}

/// Asked for before anything is built: what is missing, all of it.
pub fn require_tools(parts: &[&str]) -> Result<(), String> {
    let setup = source_dir().join("../setup.sh");
    run(Command::new(setup).arg("--check").args(parts))
}

/// The directory with root.ext4, vmlinuz and initrd of a suite; made now if it is not there.
pub fn image(suite: &str, extra: &str) -> Result<PathBuf, String> {
    // Each of its own, so that guests of one go on while another is made.
    type Image = Arc<OnceLock<Result<PathBuf, String>>>;
    static IMAGES: Mutex<BTreeMap<(String, String), Image>> = Mutex::new(BTreeMap::new());

    let which = (suite.to_owned(), extra.to_owned());
    let images = IMAGES.lock().map_err(|_| "another test panicked");
    let image = Image::clone(images?.entry(which).or_default());
    image.get_or_init(|| make(suite, extra)).clone()
}

fn make(suite: &str, extra: &str) -> Result<PathBuf, String> {
    let output = Command::new(source_dir().join("image.sh"))
        .arg(suite)
        .arg(work_dir().join("images"))
        .env("UNHANG_VM_EXTRA", extra)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run image.sh: {error}"))?;
    if !output.status.success() {
        return Err(format!("image.sh {suite} failed, see above"));
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    let path = printed.lines().last().unwrap_or_default();
    fs::canonicalize(path).map_err(|error| format!("image.sh gave {path:?}: {error}"))
}

/// An empty disk over the image's root: writes go there.
pub fn overlay(image: &Path, disk: &Path) -> Result<(), String> {
    let root = image.join("root.ext4");
    let root = fs::canonicalize(&root).map_err(|error| format!("{}: {error}", root.display()))?;
    run(Command::new("qemu-img")
        .args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"])
        .arg(root)
        .arg(disk))
}

pub fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}", stderr.trim()))
}
