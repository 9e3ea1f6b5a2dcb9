//! Putting generated files into place, and finding them again.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::marker::{Marker, fingerprint};
use super::request::Request;
use super::{FORMATS, Generated};
use crate::files;

/// Why a file is not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Something without our marker is there.
    #[error("{0} is not one that unhang generated: it stays as it is; move it away first")]
    Foreign(PathBuf),
    /// Somebody changed a generated file.
    #[error(
        "{0} was generated, but changed by hand since: it stays as it is; move it away first to have it made anew"
    )]
    Edited(PathBuf),
    /// It could not be written.
    #[error("{0} cannot be written: {1}")]
    Io(PathBuf, io::Error),
}

/// The whole text of a generated file, with its marker.
pub fn full_text(file: &Generated, request: &Request<'_>) -> String {
    let marker = Marker {
        command: request.command.clone(),
        settings: fingerprint(&request.settings.summary()),
        displaced: file.displaced.clone(),
        text: fingerprint(&file.text),
        edited: false,
    };
    format!("# {marker}\n{}", file.text)
}

/// Writes `text` to `path`, whole or not at all. A file that is there must have our marker.
pub fn write(path: &Path, text: &str, mode: u32) -> Result<(), WriteError> {
    check_free(path)?;
    let failed = |error| WriteError::Io(path.to_owned(), error);
    let temporary = path.with_file_name(format!(
        ".{}.{}",
        path.file_name().unwrap_or_default().to_string_lossy(),
        std::process::id()
    ));
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(mode);
    let written = file.open(&temporary).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    });
    if written.is_err() {
        // What went wrong is told; that a leftover stays is not worth a second message.
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(failed)
}

/// Whether a generated file may be at `path`: nothing is there, or one that was generated.
pub fn check_free(path: &Path) -> Result<(), WriteError> {
    let is_file = match fs::symlink_metadata(path) {
        Ok(meta) => meta.is_file(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(WriteError::Io(path.to_owned(), error)),
    };
    let text = if is_file {
        fs::read_to_string(path).unwrap_or_default()
    } else {
        String::new()
    };
    match Marker::find(&text) {
        Some(marker) if is_file && marker.edited => Err(WriteError::Edited(path.to_owned())),
        Some(_) if is_file => Ok(()),
        _ => Err(WriteError::Foreign(path.to_owned())),
    }
}

/// The generated files below a root, where they belong, with their markers.
pub fn find_all(root: &Path) -> Vec<(PathBuf, Marker)> {
    let dirs = FORMATS.iter().filter_map(|format| format.dir());
    let mut found = Vec::new();
    for dir in dirs {
        for path in files::list(root, Path::new(dir)) {
            let text = files::read(root, &path).unwrap_or_default();
            if let Some(marker) = Marker::find(&text) {
                found.push((path, marker));
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.dedup_by(|a, b| a.0 == b.0);
    found
}
