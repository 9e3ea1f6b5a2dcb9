//! Which `.link` file is in force for a NIC, generated ones aside.
//!
//! udev's database says which one it took last. That is compared with what the files on disk
//! say now: where the two differ nobody can tell what belongs to the NIC, and nothing is
//! generated.

use std::path::{Path, PathBuf};

use super::link_files::{self, LinkFile};
use super::matching::{Matches, matches};
use crate::generate::Refusal;
use crate::generate::machine::{Machine, Present};
use crate::generate::marker::Marker;

pub struct InForce<'f> {
    /// The file; `None` if there is none for the NIC.
    pub file: Option<&'f LinkFile>,
    /// Files before it that may be for the NIC, and on what that hangs.
    pub not_considered: Vec<String>,
}

/// The file that would be in force without generated ones.
pub fn in_force<'f>(
    all: &'f [LinkFile],
    machine: &Machine,
    present: &Present,
) -> Result<InForce<'f>, Refusal> {
    let taken = taken_by_udev(machine, present);
    let name = &present.nic.name;
    let mut not_considered = Vec::new();
    let mut first = None;
    for file in all.iter().filter(|file| file.marker.is_none()) {
        let path = file.path.display();
        match matches(&file.ini, present) {
            Matches::Yes => first = Some(file),
            Matches::No(_) => {}
            Matches::Unknown(_) if taken.as_deref().is_some_and(|t| same(t, &file.path)) => {
                first = Some(file);
            }
            // udev, which knows, went on to a later file.
            Matches::Unknown(_) if taken.is_some() => {}
            Matches::Unknown(why) if present.nic.ifindex == 0 => {
                not_considered.push(format!("{path} sorts before it and may match it ({why})"));
            }
            Matches::Unknown(why) => {
                return Refusal::new(format!(
                    "whether {path} matches {name} depends on {why}, and udev's database does not say which file it applied; run 'udevadm trigger --action=add /sys/class/net/{name}' first"
                ));
            }
        }
        if first.is_some() {
            break;
        }
    }
    if let Some(taken) = taken {
        let now = first.map(|file| file.path.as_path());
        if !now.is_some_and(|now| same(&taken, now)) {
            let now = now.map_or("none matches it".into(), |now| {
                format!("{} does", now.display())
            });
            return Refusal::new(format!(
                "udev applied {} to {name} when it appeared, but now {now}: whichever is taken over, the NIC may have another name after the next boot; reboot, look at its name, then generate again",
                taken.display()
            ));
        }
    }
    Ok(InForce {
        file: first,
        not_considered,
    })
}

/// The file that counts for a NIC, generated ones included, if that can be told.
pub fn first_for(machine: &Machine, present: &Present) -> Option<LinkFile> {
    for file in link_files::all(machine) {
        match matches(&file.ini, present) {
            Matches::Yes => return Some(file),
            Matches::No(_) => {}
            Matches::Unknown(_) => {
                let taken = present.property("ID_NET_LINK_FILE").map(Path::new)?;
                if same(taken, &file.path) {
                    return Some(file);
                }
            }
        }
    }
    None
}

/// The file that udev took when the NIC appeared; for a generated one, that which it displaced.
fn taken_by_udev(machine: &Machine, present: &Present) -> Option<PathBuf> {
    let mut taken = PathBuf::from(present.property("ID_NET_LINK_FILE")?);
    let text = machine.text(&taken).unwrap_or_default();
    if let Some(marker) = Marker::find(&text) {
        taken = PathBuf::from(marker.displaced?.0);
    }
    Some(taken)
}

/// Whether two paths are of one file: /lib is a link to /usr/lib nearly everywhere.
fn same(a: &Path, b: &Path) -> bool {
    let bare = |path: &Path| {
        path.strip_prefix("/usr")
            .map_or(path.to_owned(), |rest| Path::new("/").join(rest))
    };
    bare(a) == bare(b)
}
