//! Cases of `unhang generate` as folders of plain files; tests/generate/README.md says how.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    stdout: String,
    stderr: String,
    status: i32,
    /// New and changed files.
    files: BTreeMap<PathBuf, String>,
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/generate")
}

fn main() -> ExitCode {
    let mut folders: Vec<PathBuf> = fs::read_dir(cases())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("cmd").exists())
        .collect();
    folders.sort();
    let trial = |folder: PathBuf| {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        Trial::test(name.clone(), move || try_case(&folder, &name))
    };
    let trials = folders.into_iter().map(trial).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn try_case(folder: &Path, name: &str) -> Result<(), Failed> {
    let found = run(folder, name);
    if std::env::var_os("UPDATE").is_some() {
        expect(folder, &found);
        return Ok(());
    }
    let expected = expected(folder);
    if found == expected {
        return Ok(());
    }
    let difference = difference(&expected, &found);
    Err(format!("{difference}\n(UPDATE=1 takes it over)").into())
}

/// Runs a case in a tree of its own.
fn run(folder: &Path, name: &str) -> Outcome {
    let tree = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("generate-{name}"));
    if tree.exists() {
        fs::remove_dir_all(&tree).unwrap();
    }
    fs::create_dir_all(&tree).unwrap();
    let bases = read(&folder.join("bases"));
    for base in bases.split_whitespace() {
        copy(&cases().join("bases").join(base), &tree);
    }
    copy(&folder.join("in"), &tree);
    let before = files(&tree);
    let program = Path::new(env!("CARGO_BIN_EXE_unhang"));
    let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    let output = Command::new("sh")
        .arg("-c")
        .arg(read(&folder.join("cmd")))
        .current_dir(&tree)
        .env_clear()
        .env("PATH", path)
        .output()
        .unwrap();
    let mut after = files(&tree);
    after.retain(|path, text| before.get(path) != Some(text));
    fs::remove_dir_all(&tree).unwrap();
    Outcome {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        status: output.status.code().unwrap(),
        files: after,
    }
}

/// Copies a tree, links as links. What is not there adds nothing.
fn copy(from: &Path, to: &Path) {
    let Ok(entries) = fs::read_dir(from) else {
        return;
    };
    for entry in entries {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else if kind.is_symlink() {
            symlink(fs::read_link(entry.path()).unwrap(), &target).unwrap();
        } else {
            fs::write(&target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// The regular files below a folder.
fn files(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let path = entry.path().strip_prefix(root).unwrap().to_owned();
                found.insert(path, read(&entry.path()));
            }
        }
    }
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn expected(folder: &Path) -> Outcome {
    Outcome {
        stdout: read(&folder.join("stdout")),
        stderr: read(&folder.join("stderr")),
        status: read(&folder.join("status")).trim().parse().unwrap_or(0),
        files: files(&folder.join("out")),
    }
}

fn expect(folder: &Path, result: &Outcome) {
    let put = |name: &str, text: &str| {
        let path = folder.join(name);
        if text.is_empty() {
            let _ = fs::remove_file(path);
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    };
    let _ = fs::remove_dir_all(folder.join("out"));
    put("stdout", &result.stdout);
    put("stderr", &result.stderr);
    let status = result.status;
    put(
        "status",
        &if status == 0 {
            String::new()
        } else {
            format!("{status}\n")
        },
    );
    for (path, text) in &result.files {
        put(&format!("out/{}", path.display()), text);
    }
}

fn difference(expected: &Outcome, result: &Outcome) -> String {
    let mut text = String::new();
    let mut part = |name: &str, wanted: &str, is: &str| {
        if wanted != is {
            text += &format!("\n  {name}, expected:\n{wanted}\n  is:\n{is}");
        }
    };
    part("stdout", &expected.stdout, &result.stdout);
    part("stderr", &expected.stderr, &result.stderr);
    part(
        "status",
        &expected.status.to_string(),
        &result.status.to_string(),
    );
    let paths = expected.files.keys().chain(result.files.keys());
    for path in paths {
        let of = |files: &BTreeMap<PathBuf, String>| {
            files.get(path).cloned().unwrap_or("(no file)".into())
        };
        part(
            &path.display().to_string(),
            &of(&expected.files),
            &of(&result.files),
        );
    }
    text
}
