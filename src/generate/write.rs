//! Putting generated files into place, and finding them again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::marker::{Marker, fingerprint};
use super::request::Request;
use super::{FORMATS, Generated};
use crate::files;
use crate::replace::replace;

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
    /// It was generated in another format.
    #[error("{0} was generated for {1}: it stays as it is; remove it first")]
    OfOtherProgram(PathBuf, String),
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

/// Replaces the file at `path` atomically. One that is there must have been generated, for the same
/// program, and not changed since.
pub fn write(path: &Path, text: &str, mode: u32) -> Result<(), WriteError> {
    let failed = |error| WriteError::Io(path.to_owned(), error);
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => {
            let there = Marker::find(&fs::read_to_string(path).map_err(failed)?);
            let there = there.ok_or_else(|| WriteError::Foreign(path.to_owned()))?;
            let format = |marker: Marker| marker.command.split(' ').next().map(str::to_owned);
            if there.edited {
                return Err(WriteError::Edited(path.to_owned()));
            }
            let other = format(there);
            if other != Marker::find(text).and_then(format) {
                let other = other.unwrap_or_default();
                return Err(WriteError::OfOtherProgram(path.to_owned(), other));
            }
        }
        Ok(_) => return Err(WriteError::Foreign(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    replace(path, text.as_bytes(), mode).map_err(failed)
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
