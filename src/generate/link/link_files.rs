//! The `.link` files of a machine, in the order in which udev tries them, each with its drop-ins.
//!
//! Files of one name replace each other by directory, an empty file or a link to /dev/null
//! masks, and the rest is tried in the order of the names, whatever their directories.

use std::path::{Path, PathBuf};

use super::ini::{Ini, Problem};
use crate::generate::machine::Machine;
use crate::generate::marker::{Marker, fingerprint};
use crate::root_files;

/// Where `.link` files are, the first directory wins.
const DIRS: [&str; 5] = [
    "/etc/systemd/network",
    "/run/systemd/network",
    "/usr/local/lib/systemd/network",
    "/usr/lib/systemd/network",
    "/lib/systemd/network",
];

#[derive(Debug, Clone)]
pub struct LinkFile {
    /// Its path on its machine.
    pub path: PathBuf,
    /// Its drop-ins, in the order in which they are read.
    pub dropins: Vec<PathBuf>,
    /// All of them together.
    pub ini: Ini,
    /// Lines that systemd skips, with their files.
    pub problems: Vec<(PathBuf, Problem)>,
    /// What of `ini` comes from the drop-ins.
    pub from_dropins: Ini,
    pub marker: Option<Marker>,
    /// Fingerprint of all its text.
    pub fingerprint: String,
}

impl LinkFile {
    /// The file's name, by which the order goes.
    pub fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Reads the file at `path` on the machine, with the drop-ins that a file of that name has.
    pub fn read(machine: &Machine, path: &Path) -> std::io::Result<LinkFile> {
        let text = machine.read_file(path)?;
        let mut file = LinkFile::from_text(path, &text);
        file.add_dropins(machine);
        Ok(file)
    }

    pub fn from_text(path: &Path, text: &str) -> LinkFile {
        let (ini, problems) = Ini::parse(text);
        let problems = problems.into_iter().map(|p| (path.to_owned(), p));
        LinkFile {
            path: path.to_owned(),
            dropins: Vec::new(),
            ini,
            problems: problems.collect(),
            from_dropins: Ini::default(),
            marker: Marker::find(text),
            fingerprint: fingerprint(text),
        }
    }

    /// Adds the drop-ins that a file of this name has.
    pub fn add_dropins(&mut self, machine: &Machine) {
        let folder = format!("{}.d", self.name());
        let dirs = DIRS.map(|dir| Path::new(dir).join(&folder));
        for path in root_files::drop_ins(&machine.root, &dirs, "conf") {
            let Some(text) = machine.text(&path) else {
                continue;
            };
            let (ini, problems) = Ini::parse(&text);
            self.from_dropins.append(ini.clone());
            self.ini.append(ini);
            let problems = problems.into_iter().map(|p| (path.clone(), p));
            self.problems.extend(problems);
            self.fingerprint = fingerprint(&format!("{} {text}", self.fingerprint));
            self.dropins.push(path);
        }
    }
}

/// All files that count, in the order in which udev tries them.
pub fn all(machine: &Machine) -> Vec<LinkFile> {
    let paths = root_files::drop_ins(&machine.root, &DIRS.map(PathBuf::from), "link");
    paths
        .iter()
        .filter_map(|path| LinkFile::read(machine, path).ok())
        .collect()
}
