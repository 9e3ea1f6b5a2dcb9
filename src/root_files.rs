//! Files of a system that may be mounted somewhere.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf, absolute};

use nix::errno::Errno;
use nix::fcntl::OFlag;

/// As many links on the way to a file as the kernel follows (`MAXSYMLINKS`).
const MAX_LINKS: usize = 40;

/// Where `path`, a path on the system below `root`, really is. Links, also absolute ones, lead to
/// places below `root`, as they do on that system.
pub fn inside(root: &Path, path: &Path) -> io::Result<PathBuf> {
    if root == Path::new("/") {
        return Ok(root.join(path));
    }
    let mut real = root.to_owned();
    let mut depth = 0;
    let mut links = 0;
    let mut ahead = reversed(path);
    while let Some(name) = ahead.pop() {
        if name == ".." {
            if depth > 0 {
                real.pop();
                depth -= 1;
            }
            continue;
        }
        real.push(name);
        depth += 1;
        let Ok(target) = fs::read_link(&real) else {
            continue;
        };
        links += 1;
        if links > MAX_LINKS {
            return Err(Errno::ELOOP.into());
        }
        if target.is_absolute() {
            root.clone_into(&mut real);
            depth = 0;
        } else {
            real.pop();
            depth -= 1;
        }
        ahead.append(&mut reversed(&target));
    }
    Ok(real)
}

/// Where `path`, a path of this system, really is: its links are those of the system below `root`
/// if it is there.
pub fn resolved(root: &Path, path: &Path) -> io::Result<PathBuf> {
    if root == Path::new("/") {
        return Ok(path.to_owned());
    }
    match absolute(path)?.strip_prefix(absolute(root)?) {
        Ok(below) => inside(root, below),
        Err(_) => Ok(path.to_owned()),
    }
}

/// Opens for reading without waiting, as for the writer of a pipe.
pub fn open(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits()).open(path)
}

/// The text of a regular file on the system below `root`.
pub fn read(root: &Path, path: &Path) -> io::Result<String> {
    let file = open(&inside(root, path)?)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    io::read_to_string(file)
}

/// The paths of what is in a directory of the system below `root`, sorted.
pub fn list(root: &Path, dir: &Path) -> Vec<PathBuf> {
    let entries = inside(root, dir).and_then(fs::read_dir).ok();
    let entries = entries.into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| dir.join(entry.file_name())).collect();
    paths.sort();
    paths
}

/// The files of this extension in `dirs` that count, by their names: the first directory wins, an
/// empty file or a link to /dev/null masks.
pub fn drop_ins(root: &Path, dirs: &[PathBuf], extension: &str) -> Vec<PathBuf> {
    let mut found: BTreeMap<OsString, PathBuf> = BTreeMap::new();
    for path in dirs.iter().flat_map(|dir| list(root, dir)) {
        if path.extension().is_some_and(|e| e == extension) {
            let name = path.file_name().unwrap_or_default().to_owned();
            found.entry(name).or_insert(path);
        }
    }
    // A system below another root has no devices.
    let null = root.join("dev/null");
    let is_empty = |real: PathBuf| real == null || fs::metadata(real).is_ok_and(|m| m.len() == 0);
    let paths = found.into_values();
    paths
        .filter(|path| !inside(root, path).is_ok_and(is_empty))
        .collect()
}

/// The names on a path, the last one first.
fn reversed(path: &Path) -> Vec<OsString> {
    let names = path.components().rev().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn no_link_leads_out_of_the_root() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("usr/lib")).unwrap();
        for (target, link) in [
            ("usr/lib", "lib"),
            ("/etc", "usr/lib/absolute"),
            ("../../../../etc", "usr/lib/above"),
            ("/lib/absolute/x", "chain"),
            ("loop", "loop"),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        for (path, real) in [
            ("/lib/x", "usr/lib/x"),
            ("lib/absolute/passwd", "etc/passwd"),
            ("/usr/lib/above/passwd", "etc/passwd"),
            ("/chain", "etc/x"),
            ("/../../a/./b", "a/b"),
        ] {
            assert_eq!(inside(root, Path::new(path)).unwrap(), root.join(real));
        }
        assert!(inside(root, Path::new("/loop/x")).is_err());
        assert_eq!(
            inside(Path::new("/"), Path::new("/a")).unwrap(),
            Path::new("/a")
        );
    }
}
