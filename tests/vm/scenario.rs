//! A scenario is one shell script. Its first comment lines say what the guest must be like:
//!
//!     # about: hotplug twenty times
//!     # suites: bookworm trixie
//!
//! The keys are those of `Scenario`; README.md explains them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub const SUITES: [&str; 4] = ["bookworm", "bookworm-6.12", "trixie", "forky"];

#[derive(Clone, Debug)]
pub struct Scenario {
    pub name: String,
    pub path: PathBuf,
    pub about: String,
    pub suites: Vec<String>,
    /// In no other guest, even if the package can be installed in none of these.
    pub only: bool,
    pub nics: Vec<NicSpec>,
    pub hub: bool,
    pub append: String,
    pub extra: String,
    /// Ports of the host that lead to ports of the guest, through a NIC of their own.
    pub forwards: Vec<(u16, u16)>,
    pub needs: Vec<String>,
    pub limit: Duration,
    /// Only what the emulator's slowness shows: never under KVM.
    pub emulated: bool,
    /// This scenario is there to fail, and to say this when it does.
    pub fails: Option<String>,
}

/// `TYPE[@BUS][,property=value…]`
#[derive(Clone, Debug, PartialEq)]
pub struct NicSpec {
    pub kind: String,
    pub bus: Option<String>,
    pub properties: Vec<(String, String)>,
}

impl NicSpec {
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let place = parts.next().unwrap_or_default();
        let (kind, bus) = match place.split_once('@') {
            Some((kind, bus)) => (kind, Some(bus.to_owned())),
            None => (place, None),
        };
        if kind.is_empty() {
            return Err(format!("a NIC without a type: {text:?}"));
        }
        Ok(NicSpec {
            kind: kind.to_owned(),
            bus,
            properties: parts.map(property).collect::<Result<_, _>>()?,
        })
    }
}

pub fn property(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| format!("{text:?} is not property=value"))
}

impl Scenario {
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let stem = path.file_stem().unwrap_or_default();
        let mut scenario = Scenario {
            name: stem.to_string_lossy().into_owned(),
            path: path.to_owned(),
            about: String::new(),
            suites: vec!["bookworm".to_owned(), "trixie".to_owned()],
            only: false,
            nics: vec![NicSpec::parse("e1000e")?],
            hub: false,
            append: String::new(),
            extra: String::new(),
            forwards: Vec::new(),
            needs: Vec::new(),
            limit: Duration::from_secs(120),
            emulated: false,
            fails: None,
        };
        for (index, line) in text.lines().enumerate() {
            let Some(comment) = line.strip_prefix('#') else {
                break;
            };
            let Some((key, value)) = comment.trim().split_once(": ") else {
                continue;
            };
            scenario
                .set(key, value.trim())
                .map_err(|error| format!("{}:{}: {error}", path.display(), index + 1))?;
        }
        if scenario.about.is_empty() {
            return Err(format!("{}: no line `# about: …`", path.display()));
        }
        Ok(scenario)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let words = || value.split_whitespace();
        match key {
            "about" => value.clone_into(&mut self.about),
            "suites" if value == "all" => self.suites = SUITES.map(str::to_owned).to_vec(),
            "suites" => {
                self.suites = words().map(str::to_owned).collect();
                self.only = self.suites.last().is_some_and(|last| last == "only");
                if self.only {
                    self.suites.pop();
                }
                if let Some(unknown) = self.suites.iter().find(|s| !SUITES.contains(&s.as_str())) {
                    return Err(format!("no suite {unknown}; there are {SUITES:?} and all"));
                }
            }
            "nics" if value == "none" => self.nics.clear(),
            "nics" => self.nics = words().map(NicSpec::parse).collect::<Result<_, _>>()?,
            "net" => {
                self.hub = match value {
                    "hub" => true,
                    "user" => false,
                    _ => return Err(format!("net is user or hub, not {value}")),
                }
            }
            "append" => value.clone_into(&mut self.append),
            "extra" => value.clone_into(&mut self.extra),
            "needs" => self.needs = words().map(str::to_owned).collect(),
            "limit" => {
                let seconds = value.parse().map_err(|_| "limit is a number of seconds")?;
                self.limit = Duration::from_secs(seconds);
            }
            "accel" => {
                self.emulated = match value {
                    "tcg" => true,
                    _ => return Err(format!("accel is tcg, not {value}")),
                }
            }
            "fails" => self.fails = Some(value.to_owned()),
            _ => return Err(format!("no header {key}; see tests/vm/README.md")),
        }
        Ok(())
    }
}
