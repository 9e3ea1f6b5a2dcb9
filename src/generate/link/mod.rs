//! `.link` files of systemd: read by udevd when a NIC appears, whoever manages the network.
//!
//! The first file that matches counts, wholly. So a generated one sorts before the one that
//! is in force now, and takes over all of it ([`takeover`]) but the offloads; nothing else
//! changes for the NIC, its name least of all.

pub mod check;
mod inforce;
pub(super) mod ini;
mod keys;
mod link_files;
mod matching;
mod naming;
mod offloads;
mod own_match;
mod takeover;

use std::path::Path;

use super::request::Request;
use super::{Format, Generated, Refusal, Remark, Topic, listed, names};
use crate::generate::machine::{Machine, Present};
use crate::generate::marker::Marker;
use link_files::LinkFile;
use matching::Matches;
use naming::Name;
pub use offloads::KeyReader;
pub use takeover::{Lines, written};

const DIR: &str = "/etc/systemd/network";

pub const FORMAT: Format = Format {
    name: "link",
    about: "a .link file for systemd-udevd, which applies it whenever the NIC appears",
    dir: Some(DIR),
    mode: 0o644,
    generate,
    sets: offloads::has_key,
};

fn generate(request: &Request<'_>) -> Result<Vec<Generated>, Refusal> {
    let reader = KeyReader::Systemd(request.machine.systemd);
    let (parts, mut remarks) = parts(request, reader)?;
    remarks.extend(general_remarks(request));
    let mut files = Vec::new();
    for part in parts {
        files.push(Generated {
            file_name: format!("{}.link", part.name),
            text: part.text(request),
            displaced: part.displaced.as_ref().map(|file| {
                let path = file.path.display().to_string();
                (path, file.fingerprint.clone())
            }),
            remarks: std::mem::take(&mut remarks),
        });
    }
    Ok(files)
}

/// What a `.link` file consists of, for whatever syntax.
pub struct Part {
    /// The file's name, without `.link`.
    pub name: String,
    pub matches: Lines,
    /// [Link], as far as it is taken over.
    pub link: Lines,
    /// [Link], the offloads and other settings.
    pub offloads: Lines,
    pub other: Vec<(String, Lines)>,
    /// Whose place it takes.
    displaced: Option<LinkFile>,
}

/// The files that a request takes, with keys that their reader knows.
pub fn parts(
    request: &Request<'_>,
    reader: KeyReader,
) -> Result<(Vec<Part>, Vec<Remark>), Refusal> {
    let displacement = Displacement::new(request)?;
    let (set, cannot) = offloads::offloads(request, reader)?;
    let mut remarks = displacement.remarks(request);
    remarks.extend(cannot);
    let mut parts = Vec::new();
    for (suffix, own_match) in own_match::own_match(request)? {
        let displaced = displacement.displaced.as_ref();
        let (found, link, other) = takeover::take_over(displaced, &set.link, &set.eee);
        let part = Part {
            name: displacement.file_name(request, &format!("{}{suffix}", request.title()))?,
            matches: takeover::combine(&own_match, &found, request.rule.is_some())?,
            link,
            offloads: set.link.clone(),
            other,
            displaced: displacement.displaced.clone(),
        };
        displacement.must_not_rename(request, &part.text(request))?;
        parts.push(part);
    }
    Ok((parts, remarks))
}

impl Part {
    fn text(&self, request: &Request<'_>) -> String {
        let mut text = format!(
            "{}\n# Don't edit it, 'unhang generate {}' regenerates it.\n\n[Match]\n",
            request.heading(),
            request.command
        );
        text += &takeover::written(&self.matches);
        text += "\n[Link]\n";
        if let Some(file) = &self.displaced {
            text += &format!(
                "# Of all .link files only the first that matches counts. From {}:\n",
                with_dropins(file)
            );
            text += &takeover::written(&self.link);
            text += "# From the rule:\n";
        }
        text += &takeover::written(&self.offloads);
        for (name, lines) in &self.other {
            text += &format!("\n[{name}]\n{}", takeover::written(lines));
        }
        text
    }
}

/// The file in force now, and what stands before it.
struct Displacement {
    displaced: Option<LinkFile>,
    generated: Vec<LinkFile>,
    not_considered: Vec<String>,
}

impl Displacement {
    fn new(request: &Request<'_>) -> Result<Displacement, Refusal> {
        let machine = request.machine;
        let all = link_files::all(machine);
        let mut found: Vec<(&Present, inforce::InForce)> = Vec::new();
        for present in request.subjects() {
            found.push((present, inforce::in_force(&all, machine, present)?));
        }
        let path = |in_force: &inforce::InForce| in_force.file.map(|file| file.path.clone());
        let different = found
            .windows(2)
            .any(|two| path(&two[0].1) != path(&two[1].1));
        if different {
            let each: Vec<String> = found
                .iter()
                .map(|(present, in_force)| {
                    let file = path(in_force).map_or("none".into(), |p| p.display().to_string());
                    format!("{} ({file})", present.nic.name)
                })
                .collect();
            return Refusal::new(format!(
                "different files are in force for {}, and one file can take over only one of them; generate one for each NIC, by its name",
                listed(&each)
            ));
        }
        for (present, in_force) in &found {
            let nameless = in_force.file.is_none() && !present.nic.name.is_empty();
            if nameless && request.samples.is_empty() && !naming::is_kernels(&present.nic.name) {
                return Refusal::new(format!(
                    "no .link file is in force for {0}, and yet it has a name that the kernel does not give: a new file could rename it; find out what names {0} first",
                    present.nic.name
                ));
            }
        }
        let mut not_considered: Vec<String> = Vec::new();
        for why in found
            .iter()
            .flat_map(|(_, in_force)| &in_force.not_considered)
        {
            if !not_considered.contains(why) {
                not_considered.push(why.clone());
            }
        }
        let displaced = found.first().and_then(|(_, in_force)| in_force.file);
        let generated = all.iter().filter(|file| file.marker.is_some());
        Ok(Displacement {
            displaced: displaced.cloned(),
            generated: generated.cloned().collect(),
            not_considered,
        })
    }

    /// A name that sorts before that of the displaced file.
    fn file_name(&self, request: &Request<'_>, title: &str) -> Result<String, Refusal> {
        // A file for one NIC comes before one for all of a rule.
        let numbers = match request.rule {
            Some(_) => ["10", "05", "01"],
            None => ["09", "04", "00"],
        };
        let mut names = numbers
            .map(|number| format!("{number}-unhang-{title}"))
            .into_iter();
        let wins = |name: &String| {
            self.displaced
                .as_ref()
                .is_none_or(|file| format!("{name}.link") < file.name())
        };
        let Some(name) = names.find(wins) else {
            let path = self
                .displaced
                .as_ref()
                .map(|file| file.path.clone())
                .unwrap_or_default();
            return Refusal::new(format!(
                "the new file would not win: no name that unhang would choose sorts before {}, which is in force; give that one a higher number",
                path.display()
            ));
        };
        let first = |present: &Present| {
            let mut generated = self
                .generated
                .iter()
                .filter(|file| file.name() < format!("{name}.link"));
            generated.find(|file| matching::matches(&file.ini, present) == Matches::Yes)
        };
        match request.nics.iter().find_map(first) {
            Some(file) => Refusal::new(format!(
                "the new file, {name}.link, would not win: {} was generated too and comes first; remove it first",
                file.path.display()
            )),
            None => Ok(name),
        }
    }

    /// By construction it can't: the naming keys are taken over. Proved all the same.
    fn must_not_rename(&self, request: &Request<'_>, text: &str) -> Result<(), Refusal> {
        let ours = LinkFile::from_text(Path::new("new.link"), text);
        let empty = LinkFile::from_text(Path::new("none.link"), "");
        let theirs = self.displaced.as_ref().unwrap_or(&empty);
        for present in request.subjects() {
            let after = naming::name(&ours.ini, request.machine, present);
            if after != naming::name(&theirs.ini, request.machine, present) {
                return Refusal::new(format!(
                    "the new file would rename {} ({after:?})",
                    present.nic.name
                ));
            }
        }
        Ok(())
    }

    fn remarks(&self, request: &Request<'_>) -> Vec<Remark> {
        let mut remarks = Vec::new();
        if let Some(file) = &self.displaced {
            let mut text = format!(
                "{} for these NICs; all of it but what the rule sets is taken over",
                with_dropins(file)
            );
            if file.path.starts_with("/run") {
                text += "; that file is regenerated at every boot, so generate again when its source changes ('unhang check' notices)";
            }
            remarks.push(Topic::Displaces.remark(text));
        }
        for present in request.subjects() {
            let ini = self.displaced.as_ref().map(|file| &file.ini);
            let named = ini.map(|ini| naming::name(ini, request.machine, present));
            if let Some(Name::Known(other)) = named {
                let current = &present.nic.name;
                if other != *current && !current.is_empty() && request.samples.is_empty() {
                    remarks.push(Topic::Note.remark(format!(
                        "{current} has its name from elsewhere (a udev rule, or somebody renamed it): the file in force would call it {other}; the new file changes nothing about that"
                    )));
                }
            }
        }
        let hangs = |why: &String| Topic::Note.remark(format!("not considered: {why}"));
        remarks.extend(self.not_considered.iter().map(hangs));
        remarks
    }
}

fn general_remarks(request: &Request<'_>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    if !request.narrower.is_empty() {
        remarks.push(Topic::Cannot.remark(format!(
            "say what other rules want of some of these NICs only: {}",
            request.narrower.join(", ")
        )));
    }
    let trigger = match names(&request.nics).as_slice() {
        [] => "udevadm trigger --action=add /sys/class/net/NIC".to_owned(),
        names => {
            let paths: Vec<String> = names
                .iter()
                .map(|n| format!("/sys/class/net/{n}"))
                .collect();
            format!("udevadm trigger --action=add {}", paths.join(" "))
        }
    };
    remarks.push(Topic::Activate.remark(format!(
        "'{trigger}', or reboot; if the initramfs holds .link files, regenerate it too (Debian: update-initramfs -u)"
    )));
    remarks.push(Topic::Cannot.remark(
        "notice that somebody switches them on again, or say whether they really are off: udev applies it when the NIC appears and tells no failure",
    ));
    remarks
}

fn with_dropins(file: &LinkFile) -> String {
    let path = file.path.display();
    if file.dropins.is_empty() {
        return path.to_string();
    }
    let dropins: Vec<String> = file
        .dropins
        .iter()
        .map(|dropin| dropin.display().to_string())
        .collect();
    format!("{path} with {}", listed(&dropins))
}

/// Why a generated file is out of date or not in force, as far as `.link` files go.
pub fn stale(machine: &Machine, path: &Path, marker: &Marker) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some((displaced, print)) = &marker.displaced {
        match LinkFile::read(machine, Path::new(displaced)) {
            Ok(file) if file.fingerprint == *print => {}
            Ok(_) => reasons.push(format!("{displaced}, which it displaces, has changed")),
            Err(_) => reasons.push(format!("{displaced}, which it displaces, has gone")),
        }
    }
    let Ok(file) = LinkFile::read(machine, path) else {
        return reasons;
    };
    for present in &machine.nics {
        if matching::matches(&file.ini, present) != Matches::Yes {
            continue;
        }
        // Another generated file is as good.
        let first = inforce::first_for(machine, present).filter(|first| first.marker.is_none());
        if let Some(first) = first {
            reasons.push(format!(
                "it does not apply to {}: {} comes first",
                present.nic.name,
                first.path.display()
            ));
        }
    }
    reasons
}
