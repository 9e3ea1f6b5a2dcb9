//! Which guests the tests run in: those that a package built on this machine can be installed in.

use std::path::Path;
use std::process::Command;

use crate::scenario::{SUITES, Scenario};

/// The releases, and what libc6 they have at least.
const RELEASES: [(&str, &str); 3] = [("bookworm", "2.36"), ("trixie", "2.41"), ("forky", "2.42")];

pub struct Suites {
    pub names: Vec<String>,
    /// Asked for by name: then a scenario for another suite is left out.
    strict: bool,
}

impl Suites {
    /// Those of `UNHANG_VM_SUITES`, or the two oldest in which the package to be tested runs.
    pub fn choose() -> Result<Self, String> {
        if let Ok(asked) = std::env::var("UNHANG_VM_SUITES") {
            let names: Vec<String> = asked
                .split([' ', ','])
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect();
            if let Some(unknown) = names.iter().find(|name| !SUITES.contains(&name.as_str())) {
                return Err(format!(
                    "UNHANG_VM_SUITES: no suite {unknown} in {SUITES:?}"
                ));
            }
            let strict = true;
            return Ok(Suites { names, strict });
        }
        let libc6 = match std::env::var_os("UNHANG_DEB") {
            Some(package) => libc6_of(Path::new(&package))?,
            None => "0".to_owned(),
        };
        let mut names = Vec::new();
        for (release, its) in RELEASES {
            if names.len() < 2 && at_least(its, &libc6)? {
                names.push(release.to_owned());
            }
        }
        if names.len() < 2 {
            return Err(format!(
                "the package needs libc6 {libc6}: fewer than two of {RELEASES:?} have that. Build it on an older Debian"
            ));
        }
        if libc6 != "0" {
            let names = names.join(", ");
            eprintln!("vm: the package needs libc6 {libc6}: its guests are {names}");
        }
        let strict = false;
        Ok(Suites { names, strict })
    }

    /// Where the scenario is run: for a suite in which the package can't be installed, in another.
    pub fn of(&self, scenario: &Scenario) -> Vec<String> {
        let (mut taken, away): (Vec<String>, Vec<String>) = scenario
            .suites
            .iter()
            .cloned()
            .partition(|one| self.names.contains(one));
        if !self.strict && !scenario.only {
            for _ in away {
                let free = self.names.iter().find(|name| !taken.contains(name));
                taken.extend(free.cloned());
            }
        }
        taken
    }
}

/// The version of libc6 that a package depends on.
fn libc6_of(package: &Path) -> Result<String, String> {
    let output = Command::new("dpkg-deb")
        .arg("-f")
        .args([package.as_os_str(), "Depends".as_ref()])
        .output()
        .map_err(|error| format!("cannot run dpkg-deb: {error}"))?;
    let depends = String::from_utf8_lossy(&output.stdout);
    let version = depends
        .split_once("libc6 (>= ")
        .and_then(|(_, rest)| Some(rest.split_once(')')?.0));
    version.map(str::to_owned).ok_or_else(|| {
        let package = package.display();
        format!("{package} says no 'libc6 (>= …)' in its Depends: {depends:?}")
    })
}

fn at_least(version: &str, needed: &str) -> Result<bool, String> {
    let status = Command::new("dpkg")
        .args(["--compare-versions", version, "ge", needed])
        .status();
    Ok(status
        .map_err(|error| format!("cannot run dpkg: {error}"))?
        .success())
}
