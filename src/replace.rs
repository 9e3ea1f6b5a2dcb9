//! Replacing a file atomically: whoever reads it sees the old text or the new one.

use std::ffi::OsString;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Writes a new file beside `path`, with exactly this mode, and renames it. Follows no link and
/// leaves a file of somebody else's alone, so that it may be used in anybody's directory.
pub fn replace(path: &Path, text: &[u8], mode: u32) -> io::Result<()> {
    let mut attempt = 0;
    let (new, mut file) = loop {
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".{}.{attempt}", std::process::id()));
        let new = path.with_file_name(name);
        let mut options = OpenOptions::new();
        match options.write(true).create_new(true).mode(0o600).open(&new) {
            Ok(file) => break (new, file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 100 => {
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    };
    let written = file
        .write_all(text)
        // Whatever the umask.
        .and_then(|()| file.set_permissions(Permissions::from_mode(mode)))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // What is left of it is in nobody's way.
        let _ = fs::remove_file(&new);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_put_in_the_way_is_neither_followed_nor_removed() {
        let dir = tempfile::tempdir().unwrap();
        let foreign = dir.path().join("foreign");
        fs::write(&foreign, "theirs").unwrap();
        let planted = format!(".file.{}.0", std::process::id());
        let planted = dir.path().join(planted);
        std::os::unix::fs::symlink(&foreign, &planted).unwrap();
        let path = dir.path().join("file");
        replace(&path, b"ours", 0o640).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"ours");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read(&foreign).unwrap(), b"theirs");
        assert!(planted.is_symlink());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    }

    #[test]
    fn nothing_is_left_of_what_failed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(replace(&path, b"x", 0o644).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
