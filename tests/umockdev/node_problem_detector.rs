//! The files for node-problem-detector, by its own ways: how it buffers and matches messages of
//! the kernel, and what it makes of a program that it runs.

use std::fs;
use std::path::Path;

use regex::Regex;
use serde_json::Value;

use crate::evidence::{BLOCK, RESET, UP, journalctl, one_nic};
use crate::machine::Machine;

fn config(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/node-problem-detector");
    serde_json::from_str(&fs::read_to_string(path.join(name)).unwrap()).unwrap()
}

/// How often each rule reports something of these messages. A message is pushed into a buffer,
/// and a rule has to match up to the end of what is in it, joined by line ends.
fn reported(messages: &[String]) -> Vec<usize> {
    let config = config("unhang-kernel-monitor.json");
    let rules = config["rules"].as_array().unwrap().iter();
    let pattern = |rule: &Value| Regex::new(&format!(r"{}\z", rule["pattern"].as_str().unwrap()));
    let patterns: Vec<Regex> = rules.map(|rule| pattern(rule).unwrap()).collect();
    let size = usize::try_from(config["bufferSize"].as_u64().unwrap()).unwrap();
    let mut buffer = vec![String::new(); size];
    let mut counts = vec![0; patterns.len()];
    for message in messages {
        buffer.remove(0);
        buffer.push(message.trim().to_owned());
        let joined = buffer.join("\n");
        for (count, pattern) in counts.iter_mut().zip(&patterns) {
            *count += usize::from(pattern.is_match(&joined));
        }
    }
    counts
}

/// What is read from /dev/kmsg for a message: what is no printable ASCII is escaped, and those
/// of a device's driver (`dev_printk()`) have its name below.
fn in_kmsg(message: &str) -> String {
    let mut text = String::new();
    for byte in message.bytes() {
        match byte {
            b'\\' | 0..=31 | 127.. => text += &format!("\\x{byte:02x}"),
            _ => text.push(char::from(byte)),
        }
    }
    if message.starts_with("e1000e 0000:") {
        text += "\n SUBSYSTEM=pci\n DEVICE=+pci:0000:00:1f.6\n";
    }
    text
}

/// The kernel's messages of a log in one of the three shapes that have them whole.
fn messages(log: &str) -> Option<Vec<String>> {
    if log.starts_with("{\"__CURSOR\"") {
        let entries = log.lines().map(serde_json::from_str::<Value>);
        let kernels = entries.filter_map(|entry| {
            let entry = entry.ok().filter(|entry| entry["_TRANSPORT"] == "kernel")?;
            Some(in_kmsg(entry["MESSAGE"].as_str()?))
        });
        return Some(kernels.collect());
    }
    let raw = Regex::new("^[0-9]+,[0-9]+,[0-9]+,[^;]*;").unwrap();
    let stamp = Regex::new(r"^\[ *[0-9]+\.[0-9]+\] ").unwrap();
    let is_raw = raw.is_match(log);
    let starts = if is_raw { raw } else { stamp };
    let mut messages: Vec<String> = Vec::new();
    for line in log.lines() {
        match (starts.find(line), messages.last_mut()) {
            (Some(start), _) => messages.push(line[start.end()..].to_owned()),
            (None, Some(last)) if is_raw => *last += &format!("\n{line}"),
            (None, Some(last)) => *last += &format!("\n{}", line.trim()),
            (None, None) => return None,
        }
    }
    if !is_raw {
        for message in &mut messages {
            *message = in_kmsg(message);
        }
    }
    Some(messages)
}

/// Blocks and resets of e1000e NICs, as the report counts them.
fn counted(incidents: &str) -> Vec<usize> {
    let count = Regex::new("e1000e: ([0-9]+) blocks, ([0-9]+) resets").unwrap();
    let mut sums = vec![0, 0];
    for found in count.captures_iter(incidents) {
        for (sum, number) in sums.iter_mut().zip([&found[1], &found[2]]) {
            *sum += number.parse::<usize>().unwrap();
        }
    }
    sums
}

#[test]
fn each_hang_and_each_reset_of_a_log_is_reported_once() {
    let reasons: Vec<Value> = config("unhang-kernel-monitor.json")["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["reason"].clone())
        .collect();
    assert_eq!(reasons, ["E1000eHang", "E1000eReset"]);
    // A pattern sees a block where the report sees what it came from.
    let no_hangs = ["51-cable-100", "52-idle-errors", "54-linkup-5.1"];
    // Not as the kernel printed it.
    let damaged = [
        "18-dirty-bytes",
        "26-json-bytes-and-broken",
        "3n-begins-within-a-block",
    ];
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/report");
    let (mut compared, mut seen) = (0, 0);
    for case in fs::read_dir(cases).unwrap() {
        let case = case.unwrap().path();
        let name = case.file_name().unwrap().to_str().unwrap();
        let log = ["log", "log.json"]
            .iter()
            .find_map(|log| fs::read_to_string(case.join(log)).ok());
        let incidents = fs::read_to_string(case.join("incidents"));
        let (Some(log), Ok(incidents)) = (log, incidents) else {
            continue;
        };
        let Some(messages) = messages(&log).filter(|_| !damaged.contains(&name)) else {
            continue;
        };
        let mut expected = counted(&incidents);
        expected[0] += usize::from(no_hangs.contains(&name));
        assert_eq!(reported(&messages), expected, "{name}: {reasons:?}");
        compared += 1;
        seen += expected[0];
    }
    assert!(
        compared > 30 && seen > 200,
        "{compared} logs, {seen} blocks"
    );
}

/// What node-problem-detector makes of the program that its file names: the condition, and the message.
fn condition(machine: &Machine, test: &str, more: &[&str]) -> (&'static str, String) {
    let config = config("unhang-status-monitor.json");
    let [rule] = &config["rules"].as_array().unwrap()[..] else {
        panic!("one rule: {config}")
    };
    assert_eq!(rule["path"], "/usr/bin/unhang");
    assert_eq!(rule["condition"], config["conditions"][0]["type"]);
    let args = rule["args"].as_array().unwrap().iter();
    let args: Vec<&str> = args.map(|arg| arg.as_str().unwrap()).collect();
    let output = machine.unhang(test, &[&args, more].concat());
    let status = match output.status.code() {
        Some(0) => "False",
        Some(1) => "True",
        _ => "Unknown",
    };
    let message = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    // Beyond, it is cut.
    let length = config["pluginConfig"]["max_output_length"]
        .as_u64()
        .unwrap();
    assert_eq!(length, 80);
    assert!(message.len() <= 80, "{message}");
    assert!(!message.contains('\n'), "{message}");
    (status, message)
}

#[test]
fn the_condition_of_a_node_is_what_status_finds() {
    let said = |status, message: &str| (status, message.to_owned());
    let mut other = Machine::default();
    other.pci_nic("enp1s0", "8086:1521", "igb");
    let nothing = "no rule matches a NIC of this machine";
    assert_eq!(condition(&other, "npd-other", &[]), said("False", nothing));

    let up = [(9000, "kernel", UP)];
    journalctl("npd", &up);
    // The kernel has no such NIC, so that its offloads can't be right.
    let not_in_force = said("True", "eno1: not in force");
    assert_eq!(condition(&one_nic(), "npd", &[]), not_in_force);
    let hangs = [&up[..], &[(3, "kernel", BLOCK), (1, "kernel", BLOCK)]].concat();
    journalctl("npd", &hangs);
    assert_eq!(
        condition(&one_nic(), "npd", &[]),
        said("True", "eno1: hangs now")
    );
    let over = [&hangs[..], &[(0, "kernel", RESET)]].concat();
    journalctl("npd", &over);
    assert_eq!(condition(&one_nic(), "npd", &[]), not_in_force);

    let masked = Path::new(env!("CARGO_TARGET_TMPDIR")).join("umockdev/npd/masked");
    let _ = fs::remove_dir_all(&masked);
    fs::create_dir_all(&masked).unwrap();
    std::os::unix::fs::symlink("/dev/null", masked.join("10-e1000e.toml")).unwrap();
    let masked = ["--rules", masked.to_str().unwrap()];
    assert_eq!(
        condition(&one_nic(), "npd", &masked),
        said("True", "eno1: no rule")
    );

    let mut many = Machine::default();
    for number in 0..40 {
        many.pci_nic(&format!("enp128s31f6np{number}"), "8086:15bb", "e1000e");
    }
    let (status, message) = condition(&many, "npd", &[]);
    assert_eq!(status, "True");
    assert!(
        message.starts_with("enp128s31f6np0: not in force; "),
        "{message}"
    );
    assert!(message.ends_with(" more"), "{message}");
    let unknown = condition(&one_nic(), "npd", &["--no-such-option"]);
    assert_eq!(unknown.0, "Unknown");
}
