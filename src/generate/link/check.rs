//! What a `.link` file would do to the NICs of a machine, if it were put into place.

use std::path::{Path, PathBuf};

use super::ini::words;
use super::keys;
use super::link_files::{self, LinkFile};
use super::matching::{Matches, matches};
use super::naming::{Name, is_kernels, name};
use super::offloads::yes_no;
use super::{DIR, with_dropins};
use crate::features::{Key, nearest};
use crate::generate::machine::{Machine, Present};
use crate::generate::settings::Settings;
use crate::generate::{Refusal, listed};
use crate::root_files::resolved;
use crate::rules::{RuleSet, Severity, decide};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    pub message: String,
    pub help: Option<String>,
}

/// What there is to say about the file at `path`, a path of this system. A file outside of
/// systemd's directories is judged as if it were put into /etc/systemd/network.
pub fn check(machine: &Machine, rules: &RuleSet, path: &Path) -> Result<Vec<Finding>, Refusal> {
    let file = read(machine, path)?;
    let mut checker = Checker {
        machine,
        rules,
        file: &file,
        found: Vec::new(),
    };
    checker.syntax();
    checker.dropins();
    checker.ipv6();
    let mut is_for_any = false;
    for present in &machine.nics {
        is_for_any |= checker.nic(present);
    }
    if !is_for_any {
        checker.for_nobody();
    }
    Ok(checker.found)
}

/// The file, or for a drop-in the file that it belongs to, with this drop-in added.
fn read(machine: &Machine, path: &Path) -> Result<LinkFile, Refusal> {
    let text = resolved(&machine.root, path)
        .and_then(std::fs::read_to_string)
        .map_err(|error| Refusal(format!("{} cannot be read: {error}", path.display())))?;
    let there = path
        .strip_prefix(&machine.root)
        .map(|rest| Path::new("/").join(rest));
    let name = path.file_name().unwrap_or_default();
    let parent = path.parent().and_then(Path::file_name).unwrap_or_default();
    let parent = parent.to_string_lossy();
    let Some(main) = parent.strip_suffix(".d").filter(|main| is_link(main)) else {
        let place = there.unwrap_or_else(|_| PathBuf::from(DIR).join(name));
        let mut file = LinkFile::from_text(&place, &text);
        file.add_dropins(machine);
        return Ok(file);
    };
    let all = link_files::all(machine);
    let Some(mut file) = all.into_iter().find(|file| file.name() == main) else {
        return Refusal::new(format!(
            "{} is a drop-in of {main}, which is not there: it does nothing",
            path.display()
        ));
    };
    if !file
        .dropins
        .iter()
        .any(|dropin| dropin.file_name() == Some(name))
    {
        let dropin = LinkFile::from_text(path, &text);
        file.from_dropins.append(dropin.ini.clone());
        file.ini.append(dropin.ini);
        file.dropins.push(path.to_owned());
        file.problems.extend(dropin.problems);
    }
    Ok(file)
}

fn is_link(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|e| e == "link")
}

struct Checker<'a> {
    machine: &'a Machine,
    rules: &'a RuleSet,
    file: &'a LinkFile,
    found: Vec<Finding>,
}

impl Checker<'_> {
    fn say(&mut self, severity: Severity, message: String, help: Option<String>) {
        self.found.push(Finding {
            severity,
            message,
            help,
        });
    }

    /// Lines that are skipped, keys that nobody or not this systemd knows.
    fn syntax(&mut self) {
        for (path, problem) in &self.file.problems.clone() {
            let place = format!("{}:{}", path.display(), problem.line);
            let message = format!("{place}: systemd skips this line: {}", problem.message);
            self.say(Severity::Warning, message, None);
        }
        for section in &self.file.ini.sections {
            let known: Vec<&str> = keys::all()
                .iter()
                .filter(|key| key.section == section.name)
                .map(|key| key.name)
                .collect();
            if known.is_empty() && !section.name.starts_with("X-") {
                let sections = ["Match", "Link", "SR-IOV", "EnergyEfficientEthernet"];
                let help = nearest(&section.name, sections).map(|m| format!("did you mean [{m}]?"));
                let message = format!("systemd skips the section [{}]", section.name);
                self.say(Severity::Warning, message, help);
                continue;
            }
            for entry in &section.entries {
                let (line, key) = (entry.line, &entry.key);
                match keys::find(&section.name, key) {
                    None if section.name.starts_with("X-") => {}
                    None => {
                        let help = nearest(key, known.iter().copied());
                        self.say(
                            Severity::Warning,
                            format!("line {line}: [{}] has no key {key}=", section.name),
                            help.map(|meant| format!("did you mean {meant}=?")),
                        );
                    }
                    Some(found) => {
                        if let Some(version) = self.machine.systemd.filter(|v| *v < found.since) {
                            self.say(
                                Severity::Note,
                                format!("line {line}: systemd {version} does not know {key}= and skips it (systemd {} does)", found.since),
                                None,
                            );
                        }
                    }
                }
            }
        }
    }

    fn dropins(&mut self) {
        let narrows = self.file.from_dropins.entries("Match").next().is_some();
        if narrows {
            self.say(
                Severity::Error,
                format!(
                    "a drop-in of {} has a [Match] section: it does not limit the drop-in, it changes which NICs the whole file matches, and all others lose their names to the next file that matches",
                    self.file.path.display()
                ),
                Some("take [Match] out, or write a file of its own: 'unhang generate link'".into()),
            );
        }
    }

    fn ipv6(&mut self) {
        let v4 = self.file.ini.last("Link", "TCPSegmentationOffload");
        let v6 = self.file.ini.last("Link", "TCP6SegmentationOffload");
        let pair = match (v4, v6) {
            (Some(value), None) => (
                "TCPSegmentationOffload",
                "TCP6SegmentationOffload",
                value,
                "IPv6",
            ),
            (None, Some(value)) => (
                "TCP6SegmentationOffload",
                "TCPSegmentationOffload",
                value,
                "IPv4",
            ),
            _ => return,
        };
        let (there, missing, value, family) = pair;
        self.say(
            Severity::Warning,
            format!(
                "{there}= is for one IP version only: {family} segmentation offload does not change"
            ),
            Some(format!("add {missing}={value}")),
        );
    }

    /// Whether the file matches this NIC, and if so what it changes.
    fn nic(&mut self, present: &Present) -> bool {
        let nic = &present.nic.name;
        match matches(&self.file.ini, present) {
            Matches::Yes => {}
            Matches::Unknown(why) => {
                self.say(
                    Severity::Note,
                    format!("whether it matches {nic} depends on {why}"),
                    None,
                );
                return true;
            }
            Matches::No(why) => {
                let by_name =
                    why.starts_with("OriginalName=") && why[13..].split(' ').any(|w| w == nic);
                if by_name {
                    let mac = present.nic.mac.as_deref().filter(|_| present.permanent_mac);
                    self.say(
                        Severity::Warning,
                        format!("it does not match {nic} at boot: {why} is compared with the name that the kernel gave (eth0 …), and {nic} is the name that udev gives afterwards"),
                        mac.map(|mac| format!("write PermanentMACAddress={mac} instead")),
                    );
                }
                return by_name;
            }
        }
        let others: Vec<LinkFile> = link_files::all(self.machine)
            .into_iter()
            .filter(|other| other.name() != self.file.name() && other.marker.is_none())
            .collect();
        let is_for = |file: &&LinkFile| matches(&file.ini, present) == Matches::Yes;
        let before = others.iter().find(is_for);
        if let Some(first) = before.filter(|other| other.name() < self.file.name()) {
            self.say(
                Severity::Warning,
                format!("it does nothing for {nic}: {} sorts before it and matches {nic} too, and udev applies only the first", first.path.display()),
                Some("give it a lower number".into()),
            );
            return true;
        }
        self.name(present, before);
        self.rest(present, before);
        self.wanted(present);
        true
    }

    fn name(&mut self, present: &Present, before: Option<&LinkFile>) {
        let current = &present.nic.name;
        let of = |file: &LinkFile| name(&file.ini, self.machine, present);
        let was = before.map_or(Name::Kernels, of);
        let will = of(self.file);
        let stays = match &will {
            Name::Known(name) => name == current,
            Name::Kernels => is_kernels(current),
            Name::Unknown => true,
        };
        if let (true, Name::Kernels, Name::Known(other), Some(before)) =
            (stays, &will, &was, before)
        {
            self.say(
                Severity::Warning,
                format!("{current} has its name from the kernel, as the file has neither NamePolicy= nor Name=; without the file, {} would call it {other}", before.path.display()),
                None,
            );
        }
        if stays || was == will {
            return;
        }
        let new = match &will {
            Name::Known(name) => name.clone(),
            Name::Kernels => "eth0, or whichever ethN is free".into(),
            Name::Unknown => return,
        };
        let reason = match (
            self.file.ini.last("Link", "NamePolicy"),
            self.file.ini.last("Link", "Name"),
        ) {
            (None, None) => "the file has neither NamePolicy= nor Name=",
            (None, Some(_)) => "so its Name= says",
            (Some(_), _) => "so its NamePolicy= says",
        };
        let naming = [
            "NamePolicy",
            "Name",
            "AlternativeNamesPolicy",
            "AlternativeName",
            "MACAddressPolicy",
        ];
        let copied: Vec<String> = naming
            .iter()
            .filter_map(|key| {
                before.and_then(|file| Some(format!("{key}={}", file.ini.last("Link", key)?)))
            })
            .collect();
        let instead = before.map_or(String::new(), |file| {
            format!(
                ", and {}, which named it until now, no longer applies",
                file.path.display()
            )
        });
        let help = before.map(|file| {
            format!(
                "copy what names it from {}:\n{}",
                file.path.display(),
                copied.join("\n")
            )
        });
        self.say(
            Severity::Error,
            format!("at the next boot {current} would be called {new}: {reason}{instead}. Whatever is configured for {current} would not start, and a server would be cut off"),
            help,
        );
    }

    /// What the file until now in force says besides, and this one does not.
    fn rest(&mut self, present: &Present, before: Option<&LinkFile>) {
        let Some(before) = before else { return };
        let current = &present.nic.name;
        let lost: Vec<String> = before
            .ini
            .sections
            .iter()
            .filter(|section| section.name == "Link")
            .flat_map(|section| &section.entries)
            .filter(|entry| !["NamePolicy", "Name"].contains(&entry.key.as_str()))
            .filter(|entry| self.file.ini.last("Link", &entry.key).is_none())
            .map(|entry| format!("{}={}", entry.key, entry.value))
            .collect();
        if !lost.is_empty() {
            self.say(
                Severity::Warning,
                format!(
                    "{current} loses these settings, as {} no longer applies: {}",
                    with_dropins(before),
                    listed(&lost)
                ),
                Some(format!(
                    "copy it, or let 'unhang generate link {current}' do it"
                )),
            );
        }
    }

    /// What the rules want and the file does not say, if it is about offloads at all.
    fn wanted(&mut self, present: &Present) {
        let decision = decide(self.rules.rules(), &present.nic);
        let settings = Settings::new(&decision);
        let is_about =
            keys::of_features().any(|key| self.file.ini.last("Link", key.name).is_some());
        let missing: Vec<String> = keys::of_features()
            .filter(|key| self.machine.knows(key.since))
            .filter_map(|key| {
                let on = settings.whole(&Key::new(key.feature))?;
                let said = self.file.ini.last("Link", key.name).and_then(boolean);
                (said != Some(on)).then(|| format!("{}={}", key.name, yes_no(on)))
            })
            .collect();
        if is_about && !missing.is_empty() {
            let rules = decision.rules().join(", ");
            self.say(
                Severity::Note,
                format!(
                    "for {} rule {rules} wants more: {}",
                    present.nic.name,
                    listed(&missing)
                ),
                None,
            );
        }
    }

    fn for_nobody(&mut self) {
        self.say(
            Severity::Note,
            "it matches no NIC of this machine".into(),
            None,
        );
        let ini = &self.file.ini;
        if ini.last("Link", "NamePolicy").is_none() && ini.last("Link", "Name").is_none() {
            self.say(
                Severity::Warning,
                "a NIC that it matches would be called eth0, or whichever ethN is free: it has neither NamePolicy= nor Name=, and udev applies only the first .link file that matches".into(),
                Some("copy NamePolicy=, AlternativeNamesPolicy= and MACAddressPolicy= from the file in force for the NIC".into()),
            );
        }
    }
}

/// The booleans of systemd.
fn boolean(value: &str) -> Option<bool> {
    match words(value).first()?.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
        _ => None,
    }
}
