//! From rule directories to a [`RuleSet`].
//!
//! The directories are searched like those of sysctl.d: a file in an earlier directory overrides
//! the one of the same name in a later directory, an empty file or a link to /dev/null masks it,
//! and the files are read in the order of their names.
//! A file that can't be used is skipped as a whole; the others still count. What somebody else
//! than root may have put there neither counts nor overrides anything.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::sys::stat::makedev;

use super::diagnostic::{Diagnostic, Source};
use super::{Rule, parse};
use crate::root_files::{self, resolved};
use crate::trust::{distrust, distrust_file, foreign_owner};

/// Where rule files are looked for, first come first.
const DIRS: [&str; 4] = [
    "etc/unhang/rules.d",
    "run/unhang/rules.d",
    "usr/local/lib/unhang/rules.d",
    "usr/lib/unhang/rules.d",
];

/// No rule file is anywhere near so large; more would only cost time at boot.
const MAX_BYTES: u64 = 1 << 20;
/// Spares most files a second read.
const USUAL_BYTES: usize = 8 << 10;

/// The rule directories below `root`, in the order of their precedence.
pub fn default_dirs(root: &Path) -> Vec<PathBuf> {
    DIRS.iter().map(|dir| root.join(dir)).collect()
}

/// All rule files of the given directories.
#[derive(Debug, Default)]
pub struct RuleSet {
    /// The files that are read, in this order, and those that are refused; masked ones are not among them.
    pub files: Vec<RuleFile>,
    /// Directories that are there but can't be read, or are refused, and why.
    pub unreadable_dirs: Vec<(PathBuf, String)>,
}

/// One rule file.
#[derive(Debug)]
pub struct RuleFile {
    /// Where it was found.
    pub path: PathBuf,
    /// Its text; empty if it was not read.
    pub text: Source,
    /// Its rules, or why there are none.
    pub rules: Result<Vec<Rule>, FileProblem>,
}

/// Why a rule file is skipped as a whole.
#[derive(Debug, thiserror::Error)]
pub enum FileProblem {
    /// It could not be opened or read.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It is not UTF-8.
    #[error("is not a text in UTF-8")]
    NotText,
    /// A symbolic link to nothing.
    #[error("is a dangling symlink to {0}")]
    Dangling(PathBuf),
    /// Something else than a file: a directory, a pipe, a device.
    #[error("is not a regular file")]
    NotAFile,
    /// Larger than any rule file.
    #[error("is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// Somebody else than root may write it, or its directory, and with that what root does.
    #[error("is refused, because {0}")]
    Untrusted(String),
    /// Its text has errors.
    #[error("has {} error{}", .0.len(), if .0.len() == 1 { "" } else { "s" })]
    Invalid(Vec<Diagnostic>),
}

impl RuleFile {
    /// The file that somebody names, and why it would be refused in a rule directory.
    pub fn named(path: &Path) -> (RuleFile, Option<String>) {
        match open(path, false) {
            Ok((file, distrust)) => (RuleFile::new(path, text(file)), distrust),
            Err(problem) => (RuleFile::new(path, Err(problem)), None),
        }
    }

    /// What comes from somewhere else.
    pub fn from_reader(name: &str, reader: impl Read) -> RuleFile {
        RuleFile::new(Path::new(name), text(reader))
    }

    fn new(path: &Path, text: Result<String, FileProblem>) -> RuleFile {
        let (text, rules) = match text {
            Ok(text) => {
                let rules = parse(&text).map_err(FileProblem::Invalid);
                (text, rules)
            }
            Err(problem) => (String::new(), Err(problem)),
        };
        RuleFile {
            path: path.to_owned(),
            text: text.into(),
            rules,
        }
    }

    /// One line for each reason why this file is skipped, with its place.
    pub fn complaints(&self) -> Vec<String> {
        let path = self.path.display();
        match &self.rules {
            Ok(_) => Vec::new(),
            Err(FileProblem::Invalid(errors)) => errors.iter().map(|e| self.complaint(e)).collect(),
            Err(problem) => vec![format!("rule file skipped: {path} {problem}")],
        }
    }

    fn complaint(&self, error: &Diagnostic) -> String {
        let (line, column) = self.text.place(error.span.start);
        let help = error
            .help
            .as_ref()
            .map(|help| format!("; {help}"))
            .unwrap_or_default();
        // The TOML parser's messages have more than one line.
        let message = error.message.lines().collect::<Vec<_>>().join(", ");
        format!(
            "rule file skipped: {}:{line}:{column}: {message}{help}",
            self.path.display()
        )
    }
}

impl RuleSet {
    /// The rules of all files that can be used, in order.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.files
            .iter()
            .filter_map(|file| file.rules.as_ref().ok())
            .flatten()
    }

    /// One line for each reason why a file or directory is skipped.
    pub fn complaints(&self) -> Vec<String> {
        let dirs = self
            .unreadable_dirs
            .iter()
            .map(|(dir, error)| format!("rule directory skipped: {}: {error}", dir.display()));
        dirs.chain(self.files.iter().flat_map(RuleFile::complaints))
            .collect()
    }

    /// The file that a rule of this set comes from.
    pub fn file_of(&self, rule: &Rule) -> Option<&RuleFile> {
        let holds = |rules: &Vec<Rule>| rules.as_ptr_range().contains(&std::ptr::from_ref(rule));
        let mut files = self.files.iter();
        files.find(|file| file.rules.as_ref().is_ok_and(holds))
    }

    /// `file:line` of a rule of this set.
    pub fn place_of(&self, rule: &Rule) -> String {
        self.file_of(rule).map_or_else(String::new, |file| {
            let line = file.text.line(rule.span.start);
            format!("{}:{line}", file.path.display())
        })
    }
}

/// Reads every rule file of `dirs`, which stand in the order of their precedence.
/// A directory that is not there is no problem.
pub fn load(dirs: &[PathBuf]) -> RuleSet {
    load_inside(Path::new("/"), dirs)
}

/// The same with links as they are on the system below `root`.
pub fn load_inside(root: &Path, dirs: &[PathBuf]) -> RuleSet {
    let mut set = RuleSet::default();
    // `None` is a mask.
    let mut by_name: BTreeMap<OsString, Option<RuleFile>> = BTreeMap::new();
    for dir in dirs {
        let paths = match rule_files(root, dir) {
            Ok(paths) => paths,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                set.unreadable_dirs.push((dir.clone(), error.to_string()));
                continue;
            }
        };
        for path in paths {
            let name = path.file_name().unwrap_or_default();
            if by_name.contains_key(name) {
                continue;
            }
            match read_trusted(root, &path) {
                Ok(text) if text.is_empty() => by_name.insert(name.to_owned(), None),
                Err(problem @ FileProblem::Untrusted(_)) => {
                    set.files.push(RuleFile::new(&path, Err(problem)));
                    None
                }
                text => by_name.insert(name.to_owned(), Some(RuleFile::new(&path, text))),
            };
        }
    }
    set.files.extend(by_name.into_values().flatten());
    let name = |file: &RuleFile| file.path.file_name().map(OsString::from);
    set.files.sort_by_key(name);
    set
}

/// What in `dir` is named like a rule file.
fn rule_files(root: &Path, dir: &Path) -> io::Result<Vec<PathBuf>> {
    let real = resolved(root, dir)?;
    let entries = fs::read_dir(&real)?;
    if let Some(reason) = distrust(&fs::metadata(&real)?) {
        return Err(io::Error::other(reason));
    }
    let mut paths = Vec::new();
    for entry in entries {
        let path = dir.join(entry?.file_name());
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
            && !hidden
        {
            paths.push(path);
        }
    }
    Ok(paths)
}

/// The text of the file at `path` in a rule directory; that of /dev/null is empty.
fn read_trusted(root: &Path, path: &Path) -> Result<String, FileProblem> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    let place = resolved(root, dir)?.join(path.file_name().unwrap_or_default());
    let meta = fs::symlink_metadata(place)?;
    if let Some(reason) = foreign_owner(&meta) {
        return Err(FileProblem::Untrusted(reason));
    }
    let real = resolved(root, path)?;
    // The system below another root has no devices.
    if real == root.join("dev/null") {
        return Ok(String::new());
    }
    let (file, distrust) = open(&real, !meta.is_symlink()).map_err(|problem| match problem {
        FileProblem::Unreadable(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::read_link(path).map_or(error.into(), FileProblem::Dangling)
        }
        other => other,
    })?;
    match distrust {
        Some(reason) => Err(FileProblem::Untrusted(reason)),
        None => text(file),
    }
}

/// The file, and why what it says may not be what root does. Its directory is looked at too,
/// unless `dir_is_trusted`.
fn open(path: &Path, dir_is_trusted: bool) -> Result<(File, Option<String>), FileProblem> {
    let file = root_files::open(path)?;
    let meta = file.metadata()?;
    // /dev/null (Documentation/admin-guide/devices.txt)
    if meta.file_type().is_char_device() && meta.rdev() == makedev(1, 3) {
        return Ok((file, None));
    }
    if !meta.is_file() {
        return Err(FileProblem::NotAFile);
    }
    let distrust = if dir_is_trusted {
        distrust(&meta)
    } else {
        distrust_file(path, &meta)
    };
    Ok((file, distrust))
}

fn text(file: impl Read) -> Result<String, FileProblem> {
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(FileProblem::TooLarge);
    }
    String::from_utf8(bytes).map_err(|_| FileProblem::NotText)
}

impl fmt::Display for RuleFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}
