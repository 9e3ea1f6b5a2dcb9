//! Machines' reports, as `unhang report --json` printed them.

use super::{Host, Machines};
use crate::report::clean;
use crate::report::sources::Error;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Does it begin as a report does?
pub(super) fn is_report(path: &Path) -> bool {
    let mut head = Vec::new();
    // Only what can be read again.
    let file = path.is_file().then(|| File::open(path).ok()).flatten();
    let read = file.map(|file| file.take(4096).read_to_end(&mut head));
    if !matches!(read, Some(Ok(_))) {
        return false;
    }
    let head = head.trim_ascii_start();
    let begins = |rest: &[u8]| rest.trim_ascii_start().starts_with(b"\"schema\"");
    let named = path.extension().is_some_and(|end| end == "json");
    let is_entry = |word: &&[u8]| memchr::memmem::find(head, word).is_some();
    let entry = [
        b"\"MESSAGE\"".as_slice(),
        b"\"message\"",
        b"\"msg\"",
        b"\"log\"",
    ];
    match head.strip_prefix(b"{") {
        Some(rest) => begins(rest) || named && !entry.iter().any(is_entry),
        None => named && head.starts_with(b"["),
    }
}

/// A report, or that of several machines; what is long in it is not kept.
#[derive(Deserialize)]
struct Slim {
    schema: u32,
    #[serde(default)]
    hosts: Vec<SlimHost>,
    #[serde(flatten)]
    host: SlimHost,
}

#[derive(Deserialize)]
struct SlimHost {
    #[serde(default)]
    nics: Vec<SlimNic>,
    #[serde(default, rename = "boots")]
    _boots: IgnoredAny,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
struct SlimNic {
    #[serde(default, rename = "incidents")]
    _incidents: IgnoredAny,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl SlimHost {
    fn report(self) -> Value {
        let nics = self.nics.into_iter().map(|nic| printable(nic.rest.into()));
        let mut all = self.rest;
        all.insert("nics".into(), nics.collect());
        printable(all.into())
    }
}

/// Without what steers a terminal.
fn printable(value: Value) -> Value {
    match value {
        Value::String(text) => clean(&text).into(),
        Value::Array(all) => all.into_iter().map(printable).collect(),
        Value::Object(all) => {
            let each = all.into_iter();
            each.map(|(key, value)| (clean(&key), printable(value)))
                .collect()
        }
        other => other,
    }
}

impl Machines {
    pub(super) fn report(&mut self, path: &Path) {
        let name = clean(&path.to_string_lossy());
        let unusable = |what: String| Error::Unusable {
            name: name.clone(),
            what,
        };
        let read = File::open(path).map_err(serde_json::Error::io);
        let read =
            read.and_then(|file| serde_json::from_reader::<_, Slim>(std::io::BufReader::new(file)));
        let slim = match read {
            Ok(slim) if slim.schema == 1 => slim,
            Ok(slim) => {
                let what = format!(
                    "is a report of schema {}, and this unhang knows 1",
                    slim.schema
                );
                return self.errors.push(unusable(what));
            }
            Err(error) => {
                let what = format!(
                    "is no whole report of 'unhang report --json' ({error}); write it again"
                );
                return self.errors.push(unusable(what));
            }
        };
        let stem = path.file_stem().map(|stem| clean(&stem.to_string_lossy()));
        let stem = stem.unwrap_or_default();
        let single = if slim.hosts.is_empty() {
            vec![slim.host]
        } else {
            slim.hosts
        };
        for host in single {
            match Host::new(host.report(), &stem) {
                Some(host) => match self.hosts.iter().find(|other| other.key() == host.key()) {
                    None => self.hosts.push(host),
                    Some(_) => self.errors.push(unusable(format!(
                        "is another report on {}, and is left out: give the newest of each host",
                        host.name
                    ))),
                },
                None => self.errors.push(unusable(
                    "lacks what is needed of each NIC (periods): an older unhang wrote it; write it again with this one".into(),
                )),
            }
        }
    }
}
