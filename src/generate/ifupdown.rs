//! /etc/network/interfaces, for ifupdown2 (Proxmox) and for ifupdown (Debian).
//!
//! Both add what a second stanza of an interface says to what the first says. The stanza is
//! the port's: a bridge's own offloads are harmless, as the kernel segments in software in
//! front of the NIC.

use super::request::Request;
use super::{Format, Generated, Refusal, Remark, Topic, cannot_set, names, word_lines};
use crate::features::on_off;
use crate::generate::machine::Machine;

const DIR: &str = "/etc/network/interfaces.d";

/// ifupdown2's attributes, and ethtool's words that they come to.
const ATTRIBUTES: [(&str, &str); 7] = [
    ("tso-offload", "tso"),
    ("gso-offload", "gso"),
    ("gro-offload", "gro"),
    ("lro-offload", "lro"),
    ("ufo-offload", "ufo"),
    ("rx-offload", "rx"),
    ("tx-offload", "tx"),
];

pub const IFUPDOWN2: Format = Format {
    name: "ifupdown2",
    about: "a stanza for ifupdown2, as on Proxmox: of the port, not of the bridge",
    dir: Some(DIR),
    mode: 0o644,
    generate: ifupdown2,
    sets: |_| false,
};

fn ifupdown2(request: &Request<'_>) -> Result<Vec<Generated>, Refusal> {
    let (attributes, cannot) = word_lines(request, &ATTRIBUTES)?;
    let lines: Vec<String> = attributes
        .iter()
        .map(|(attribute, on)| format!("\t{attribute} {}\n", on_off(*on)))
        .collect();
    let mut files = Vec::new();
    for name in names(request.named_nics()?) {
        let mut remarks = common_remarks(request.machine);
        remarks.push(Topic::Activate.remark(format!("'ifreload -a' or 'ifup {name}'")));
        remarks.push(Topic::Cannot.remark(
            "do anything for a NIC that ifupdown2 does not bring up, or when it appears again later; needs the package ethtool",
        ));
        remarks.extend(cannot.clone());
        files.push(stanza(request, name, "", &lines, remarks));
    }
    Ok(files)
}

pub const IFUPDOWN: Format = Format {
    name: "ifupdown",
    about: "a stanza for ifupdown, with the hook of the package ethtool",
    dir: Some(DIR),
    mode: 0o644,
    generate: ifupdown,
    sets: |_| false,
};

fn ifupdown(request: &Request<'_>) -> Result<Vec<Generated>, Refusal> {
    // The hook gives what follows "offload-" to ethtool, '_' written '-'.
    let words = request.settings.words();
    let (unknown, words): (Vec<_>, Vec<_>) = words.iter().partition(|(word, _)| word.contains('_'));
    if words.is_empty() {
        return Refusal::new("ethtool's hook for ifupdown can't say any of it");
    }
    let lines: Vec<String> = words
        .iter()
        .map(|(word, on)| format!("\toffload-{word} {}\n", on_off(*on)))
        .collect();
    let unknown: Vec<&str> = unknown.iter().map(|(word, _)| word.as_str()).collect();
    let mut files = Vec::new();
    for name in names(request.named_nics()?) {
        let mut remarks = common_remarks(request.machine);
        remarks.push(Topic::Activate.remark(format!("'ifdown {name} && ifup {name}', or reboot")));
        remarks.push(Topic::Cannot.remark(
            "do anything where no stanza brings the NIC itself up, as for a bridge port without 'iface' of its own; needs the package ethtool, and one feature that it refuses makes it report the others as failed too",
        ));
        remarks.extend(cannot_set(
            request,
            &unknown,
            "ethtool's hook can't write the name",
        ));
        files.push(stanza(request, name, " inet manual", &lines, remarks));
    }
    Ok(files)
}

fn stanza(
    request: &Request<'_>,
    name: &str,
    family: &str,
    lines: &[String],
    remarks: Vec<Remark>,
) -> Generated {
    let text = format!(
        "{} Adds to what another stanza says of {name}.\niface {name}{family}\n{}",
        request.heading(),
        lines.concat()
    );
    Generated::new(format!("unhang-{}", readable(name)), text, remarks)
}

/// A name as part of a file name: ifupdown reads only files whose names have letters, digits, '-'
/// and '_'. Different names stay different.
fn readable(name: &str) -> String {
    let escaped = |c: char| match c {
        '_' => "__".to_owned(),
        c if c.is_ascii_alphanumeric() || c == '-' => c.to_string(),
        c => format!("_{:02x}", u32::from(c)),
    };
    name.chars().map(escaped).collect()
}

fn common_remarks(machine: &Machine) -> Vec<Remark> {
    let text = machine.text("/etc/network/interfaces").unwrap_or_default();
    let reads = |line: &str| {
        let mut words = line.split_whitespace();
        let keyword = words.next();
        let path = words.next().unwrap_or_default();
        let path = path.strip_prefix("/etc/network/").unwrap_or(path);
        matches!(keyword, Some("source" | "source-directory")) && path.starts_with("interfaces.d")
    };
    if text.lines().any(reads) {
        return Vec::new();
    }
    vec![Topic::Note.remark(format!(
        "/etc/network/interfaces does not read {DIR}: add the line 'source {DIR}/*' to it"
    ))]
}
