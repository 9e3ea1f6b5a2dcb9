//! Plain files in, plain output expected: every folder in `tests/cases` with a `cmd` is a test.
//!
//! A case is copied to a folder of its own and made ready there by its `setup.sh`, if it has
//! one. Then its `cmd` is run by sh. What comes out must be the files `stdout`, `stderr` and
//! `status`; an absent one means nothing, and status 0. UPDATE=1 writes them anew: read them.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use libtest_mimic::{Arguments, Failed, Trial};

const PROJECT: &str = env!("CARGO_MANIFEST_DIR");

/// A case that takes longer hangs.
const SECONDS: &str = "20";

fn main() -> ExitCode {
    let mut folders: Vec<PathBuf> = fs::read_dir(Path::new(PROJECT).join("tests/cases"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("cmd").exists())
        .collect();
    folders.sort();
    let trial = |folder: PathBuf| {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        Trial::test(name, move || run(&folder))
    };
    let trials = folders.into_iter().map(trial).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn run(folder: &Path) -> Result<(), Failed> {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder.file_name().unwrap());
    let _ = fs::remove_dir_all(&scratch);
    copy(folder, &scratch)?;
    if scratch.join("setup.sh").exists() {
        let output = shell("sh -eu setup.sh", &scratch)?;
        if !output.status.success() {
            return Err(format!("setup.sh: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
    }
    let output = shell(&fs::read_to_string(folder.join("cmd"))?, &scratch)?;
    let status = match output.status.code() {
        Some(0) => String::new(),
        Some(124) => return Err(format!("hangs: not done after {SECONDS} s").into()),
        code => code.map_or("signal".to_owned(), |code| code.to_string()) + "\n",
    };
    let differences: Vec<String> = [
        ("stdout", String::from_utf8(output.stdout)?),
        ("stderr", String::from_utf8(output.stderr)?),
        ("status", status),
    ]
    .into_iter()
    .filter_map(|(name, found)| compare(&folder.join(name), &found))
    .collect();
    fs::remove_dir_all(&scratch)?;
    if differences.is_empty() {
        Ok(())
    } else {
        Err(differences.concat().into())
    }
}

/// Compares with the file that says what is expected, or writes that.
fn compare(file: &Path, found: &str) -> Option<String> {
    if std::env::var_os("UPDATE").is_some() {
        let _ = fs::remove_file(file);
        if !found.is_empty() {
            fs::write(file, found).unwrap();
        }
        return None;
    }
    let expected = fs::read_to_string(file).unwrap_or_default();
    (expected != found).then(|| {
        format!(
            "--- {} says\n{expected}--- but it is\n{found}---\n",
            file.display()
        )
    })
}

/// Runs a command line in a folder, with an environment that is the same everywhere.
fn shell(command: &str, folder: &Path) -> io::Result<Output> {
    let unhang = Path::new(env!("CARGO_BIN_EXE_unhang")).parent().unwrap();
    let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", unhang.display());
    Command::new("timeout")
        .args([SECONDS, "sh", "-c", command])
        .current_dir(folder)
        .env_clear()
        .env("PATH", path)
        .env("LC_ALL", "C")
        .env("PROJECT", PROJECT)
        .output()
}

/// Copies a folder with its links, as they are. Owner and modes are set, for unhang looks at
/// them and a checkout may have any.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(from)? {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry?.file_name()));
        if from.is_symlink() {
            symlink(fs::read_link(&from)?, &to)?;
        } else if from.is_dir() {
            copy(&from, &to)?;
        } else {
            fs::write(&to, fs::read(&from)?)?;
            fs::set_permissions(&to, Permissions::from_mode(0o644))?;
        }
    }
    Ok(())
}
