//! What root may act on: only what nobody else can have put there or changed.
//!
//! Who runs this as somebody else than root may use files of their own. A reason is a clause that
//! says what to do about it.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Why what has this metadata may not say what root does, or `None` if it may.
pub fn distrust(meta: &Metadata) -> Option<String> {
    let group = nix::unistd::getegid().as_raw();
    let foreign_group = meta.gid() != 0 && meta.gid() != group;
    if let Some(reason) = foreign_owner(meta) {
        Some(reason)
    } else if meta.mode() & 0o002 != 0 {
        Some("it is world-writable: run 'chmod o-w' on it".into())
    } else if meta.mode() & 0o020 != 0 && foreign_group {
        Some(format!(
            "group {} may write it: run 'chmod g-w' on it",
            meta.gid()
        ))
    } else {
        None
    }
}

/// The same for the file at `path`, which has this metadata, and the directory that it really is in.
pub fn distrust_file(path: &Path, meta: &Metadata) -> Option<String> {
    distrust(meta).or_else(|| {
        let target = fs::canonicalize(path).ok()?;
        let dir = fs::metadata(target.parent()?).ok()?;
        // In a sticky directory nobody replaces another's file.
        let reason = distrust(&dir).filter(|_| dir.mode() & 0o1000 == 0)?;
        Some(format!("of its directory: {reason}"))
    })
}

/// Why the owner of what has this metadata may not say what root does.
pub fn foreign_owner(meta: &Metadata) -> Option<String> {
    let owner = meta.uid();
    let chown = if meta.is_symlink() {
        "chown -h"
    } else {
        "chown"
    };
    (owner != 0 && owner != nix::unistd::geteuid().as_raw())
        .then(|| format!("it belongs to user {owner}: run '{chown} root' on it"))
}
