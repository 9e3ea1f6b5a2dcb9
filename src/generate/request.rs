//! What is wanted of a format: which NICs, and what they shall be set to.
//!
//! Either one NIC, by its name or imagined, or all that a rule matches. A request has one
//! decision: NICs for which the rules decide differently don't go into one file.

use super::machine::{Machine, Present};
use super::settings::Settings;
use super::{Refusal, listed, names};
use crate::nic::{Nic, PciId};
use crate::rules::{Rule, RuleSet, decide};
use crate::text::is_unprintable;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    Nic(String),
    /// A NIC that need not be there, and the words that describe it.
    Imagined(Nic, String),
    /// All NICs that the rule of this name matches.
    Rule(String),
    /// All NICs that the one rule that sets anything matches.
    OnlyRule,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By {
    #[default]
    Mac,
    Path,
}

#[derive(Debug)]
pub struct Request<'a> {
    pub machine: &'a Machine,
    /// The rule, if it is for all NICs of a rule.
    pub rule: Option<&'a Rule>,
    /// The NICs: one, or those of the machine that the rule matches.
    pub nics: Vec<Present>,
    /// NICs as the rule describes them, if the machine has none: one for each PCI ID.
    pub samples: Vec<Present>,
    pub settings: Settings,
    pub rules: Vec<String>,
    /// Rules that want something of some of these NICs only.
    pub narrower: Vec<String>,
    pub by: By,
    /// The command, after `unhang generate`.
    pub command: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRequest {
    #[error("there is no NIC '{0}'{1}; for one that is not there, use --as")]
    NoSuchNic(String, String),
    #[error("there is no rule '{0}' that sets anything{1}")]
    NoSuchRule(String, String),
    #[error("{0}")]
    WhichRule(String),
    #[error("no rule sets anything for {0}; 'unhang explain {0}' says why")]
    NoRule(String),
    /// The name is one that would mean something else in a file or a command.
    #[error(
        "'{0}' has characters that a configuration file may take for something else; rename the NIC first"
    )]
    StrangeName(String),
    /// What is known of the NIC, or the rule, can't be written into a file.
    #[error("'{0}' has a control character, which no configuration file may have")]
    ControlCharacter(String),
    /// The rules decide differently for NICs of one rule.
    #[error(
        "the rules want different things of {0}, which one file can't say; generate one file for each, by its name"
    )]
    Different(String),
}

impl<'a> Request<'a> {
    pub fn new(
        machine: &'a Machine,
        rules: &'a RuleSet,
        format: &str,
        wanted: &Wanted,
        by: By,
    ) -> Result<Request<'a>, NoRequest> {
        let mut request = Request {
            machine,
            rule: None,
            nics: Vec::new(),
            samples: Vec::new(),
            settings: Settings::default(),
            rules: Vec::new(),
            narrower: Vec::new(),
            by,
            command: format.to_owned(),
        };
        match wanted {
            Wanted::Nic(name) => {
                let Some(present) = machine.nic(name) else {
                    let there = there_are(&names(&machine.nics));
                    return Err(NoRequest::NoSuchNic(name.clone(), there));
                };
                request.nics.push(present.clone());
                request.command += &format!(" {name}");
            }
            Wanted::Imagined(nic, words) => {
                request.nics.push(Present::imagined(nic.clone()));
                let words: Vec<&str> = words.split_whitespace().collect();
                request.command += &format!(" --as \"{}\"", words.join(" "));
            }
            Wanted::Rule(_) | Wanted::OnlyRule => {
                let rule = find_rule(rules, wanted)?;
                request.command += &format!(" --rule {}", rule.name);
                request.add_nics_of(rule);
            }
        }
        if by == By::Path {
            request.command += " --by path";
        }
        request.decide(rules)?;
        Ok(request)
    }

    fn add_nics_of(&mut self, rule: &'a Rule) {
        let is_for = |present: &&Present| !decide([rule], &present.nic).is_empty();
        let present = self.machine.nics.iter().filter(is_for).cloned();
        self.nics.extend(present);
        if self.nics.is_empty() {
            let driver = rule.matches.driver.first();
            let ids: Vec<Option<PciId>> = match rule.matches.pci.as_slice() {
                [] => vec![None],
                ids => ids.iter().copied().map(Some).collect(),
            };
            let nic = |pci| Nic {
                driver: driver.cloned(),
                pci,
                path: rule.matches.path.first().cloned(),
                mac: rule.matches.mac.first().cloned(),
                name: rule.matches.interface.first().cloned().unwrap_or_default(),
                ..Nic::default()
            };
            let samples = ids.into_iter().map(|pci| Present::imagined(nic(pci)));
            self.samples = samples.collect();
        }
        self.rule = Some(rule);
    }

    /// Takes the rules' decision for all NICs, which must be the same.
    fn decide(&mut self, rules: &RuleSet) -> Result<(), NoRequest> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
        let strange = self.nics.iter().find(|p| !p.nic.name.chars().all(plain));
        if let Some(strange) = strange {
            return Err(NoRequest::StrangeName(strange.nic.name.clone()));
        }
        if let Some(text) = self.unwritable() {
            return Err(NoRequest::ControlCharacter(text));
        }
        let mut all = self.subjects().iter().map(|present| {
            let decision = decide(rules.rules(), &present.nic);
            (Settings::new(&decision), decision.rules())
        });
        let Some((settings, names_of_rules)) = all.next() else {
            return Ok(());
        };
        if all.any(|(other, _)| other.summary() != settings.summary()) {
            let names = match self.nics.as_slice() {
                [] => vec!["its PCI IDs"],
                nics => names(nics),
            };
            return Err(NoRequest::Different(listed(&names)));
        }
        drop(all);
        if settings.is_empty() {
            let asked = self.command.split_once(' ').map(|(_, nic)| nic);
            let asked = asked.unwrap_or_default().trim_end_matches(" --by path");
            return Err(NoRequest::NoRule(asked.to_owned()));
        }
        self.settings = settings;
        self.rules = names_of_rules;
        if let Some(rule) = self.rule {
            let found = self.subjects().iter().map(|p| p.nic.driver.as_ref());
            let drivers: Vec<&String> = match found.collect() {
                Some(drivers) => drivers,
                None => rule.matches.driver.iter().collect(),
            };
            let overlaps = |other: &&Rule| {
                other.sets_anything()
                    && !self.rules.contains(&other.name)
                    && (other.matches.driver.is_empty()
                        || drivers.is_empty()
                        || other.matches.driver.iter().any(|d| drivers.contains(&d)))
            };
            let names = rules.rules().filter(overlaps).map(|r| r.name.clone());
            self.narrower = names.collect();
        }
        Ok(())
    }

    /// What of the NICs or the rule would end a line of a file, or hide in it.
    fn unwritable(&self) -> Option<String> {
        let known = self.subjects().iter();
        let known = known.flat_map(|p| [&p.nic.driver, &p.nic.path].into_iter().flatten());
        let asked = self.rule.map(|rule| &rule.matches).into_iter();
        let asked = asked.flat_map(|m| [&m.driver, &m.path].into_iter().flatten());
        let mut texts = known.chain(asked);
        texts.find(|text| text.contains(is_unprintable)).cloned()
    }

    /// The NICs, or what stands for them.
    pub fn subjects(&self) -> &[Present] {
        if self.nics.is_empty() {
            &self.samples
        } else {
            &self.nics
        }
    }

    /// What a file says of itself in its first line.
    pub fn heading(&self) -> String {
        let rules = self.rules.join(", ");
        format!("# Rule {rules}: {}.", self.settings.for_people())
    }

    /// What the files are named after: the rule or the NIC.
    pub fn title(&self) -> String {
        let name = match (self.rule, self.nics.first()) {
            (Some(rule), _) => rule.name.clone(),
            (None, Some(present)) => present.nic.name.clone(),
            (None, None) => String::new(),
        };
        match (name.as_str(), self.nics.first()) {
            ("", Some(present)) => {
                let pci = present.nic.pci.map(|pci| pci.to_string().replace(':', "-"));
                pci.or(present.nic.driver.clone())
                    .unwrap_or_else(|| "nic".into())
            }
            _ => name,
        }
    }

    /// The NICs for a format that calls them by their names.
    pub fn named_nics(&self) -> Result<&[Present], Refusal> {
        if let (Some(rule), []) = (self.rule, self.nics.as_slice()) {
            return Refusal::new(format!(
                "such a file calls NICs by their names, and rule '{}' matches none of this machine's; name one, with --as \"interface=NAME driver=…\" if it is not here",
                rule.name
            ));
        }
        if let Some(nameless) = self.nics.iter().find(|p| p.nic.name.is_empty()) {
            return Refusal::new(format!(
                "such a file calls NICs by their names: add interface=NAME to --as for the {}",
                nameless.nic.identity()
            ));
        }
        Ok(&self.nics)
    }

    /// What to add when these features can't be set: that it doesn't matter, as e1000e has them
    /// off. `NETIF_F_TSO_ECN` and newer ones it can't do at all, `NETIF_F_TSO_MANGLEID` it does
    /// not switch on by itself.
    pub fn harmless(&self, features: &[&str]) -> &'static str {
        const OFF: [&str; 3] = [
            "tx-tcp-ecn-segmentation",
            "tx-tcp-mangleid-segmentation",
            "tx-tcp-accecn-segmentation",
        ];
        let off = |name: &&str| OFF.contains(name) && self.settings.get(name) == Some(false);
        let mut drivers = self.subjects().iter().map(|p| p.nic.driver.as_deref());
        if drivers.all(|driver| driver == Some("e1000e")) && features.iter().all(off) {
            " (e1000e has that off unless somebody asks for it)"
        } else {
            ""
        }
    }
}

fn find_rule<'a>(rules: &'a RuleSet, wanted: &Wanted) -> Result<&'a Rule, NoRequest> {
    let setting: Vec<&Rule> = rules.rules().filter(|r| r.sets_anything()).collect();
    let known: Vec<&str> = setting.iter().map(|rule| rule.name.as_str()).collect();
    match wanted {
        Wanted::Rule(name) => setting
            .iter()
            .find(|rule| rule.name == *name)
            .copied()
            .ok_or_else(|| NoRequest::NoSuchRule(name.clone(), there_are(&known))),
        _ => match setting.as_slice() {
            [one] => Ok(one),
            [] => Err(NoRequest::WhichRule("no rule sets anything".into())),
            _ => Err(NoRequest::WhichRule(format!(
                "name a NIC, or one of the rules with --rule: {}",
                known.join(", ")
            ))),
        },
    }
}

fn there_are(names: &[&str]) -> String {
    if names.is_empty() {
        "; there is none".into()
    } else {
        format!("; there are {}", names.join(", "))
    }
}

impl Wanted {
    /// From a [`Request::command`]: the format and what was wanted.
    pub fn parse_command(command: &str) -> Option<(String, Wanted)> {
        let (format, rest) = command.split_once(' ')?;
        let rest = rest.strip_suffix(" --by path").unwrap_or(rest);
        let wanted = if let Some(rule) = rest.strip_prefix("--rule ") {
            Wanted::Rule(rule.to_owned())
        } else if let Some(words) = rest.strip_prefix("--as ") {
            let words = words.trim_matches('"');
            Wanted::Imagined(words.parse().ok()?, words.to_owned())
        } else {
            Wanted::Nic(rest.to_owned())
        };
        Some((format.to_owned(), wanted))
    }
}
