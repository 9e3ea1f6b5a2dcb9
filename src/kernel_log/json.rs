//! Log entries as JSON: `journalctl -o json` (one object a line; MESSAGE a string, or an
//! array of bytes if it is not clean UTF-8), `dmesg --json` (a "msg" line after its "time"
//! line), and collectors that keep the message in `message`, `msg` or `log`.

use super::event::{Given, Speaker};
use super::scan::{SECOND, boot_id, number};
use super::stamp::Stamp;
use serde_json::Value;

/// The entry on this line, or whose "msg" is on this line: what is said of it, and its
/// message. `None`: not such an entry, read it as text.
pub(super) fn entry<'a>(
    line: &[u8],
    before: impl Iterator<Item = &'a [u8]>,
) -> Option<(Given, Vec<u8>)> {
    if line.starts_with(b"\"msg\"") {
        return dmesg(line, before);
    }
    let Ok(object) = serde_json::from_slice::<Value>(line) else {
        return torn(line);
    };
    let message = ["MESSAGE", "message", "msg", "log"]
        .iter()
        .find_map(|key| bytes(object.get(*key)?))?;
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    let transport = text("_TRANSPORT");
    // Anybody may call himself anything; who it was is the journal's own word.
    let anybody = text("_UID").is_some_and(|uid| uid != "0");
    // sudo logs as the user for whom it runs.
    let sudo = text("_EXE").is_some_and(|program| {
        let installed = ["/usr/", "/nix/store/"];
        program.ends_with("/sudo") && installed.iter().any(|root| program.starts_with(root))
    });
    let speaker = match text("SYSLOG_IDENTIFIER") {
        Some("sudo") if sudo || !anybody => Some(Speaker::Sudo),
        _ if anybody => Some(Speaker::Other),
        Some("unhang") => Some(Speaker::Ourselves),
        Some("kernel") if matches!(transport, None | Some("kernel" | "syslog")) => {
            Some(Speaker::Kernel)
        }
        None if transport == Some("kernel") => Some(Speaker::Kernel),
        None if transport.is_none() => None,
        _ => Some(Speaker::Other),
    };
    let (stamp, boot) = given(&object);
    Some((
        Given {
            stamp,
            boot,
            host: host(&object),
            speaker,
        },
        message,
    ))
}

/// What an entry says of itself, or the stamp on a "time" line of `dmesg --json`.
pub(super) fn stamp(line: &[u8]) -> Option<Given> {
    if line.starts_with(b"\"time\"") {
        let uptime = Some(time_line(line)?);
        let stamp = Stamp { wall: None, uptime };
        return Some(Given {
            stamp,
            ..Given::default()
        });
    }
    let object = serde_json::from_slice(line).ok()?;
    let (stamp, boot) = given(&object);
    Some(Given {
        stamp,
        boot,
        host: host(&object),
        speaker: None,
    })
}

/// The machine's name and ID.
fn host(object: &Value) -> Option<(String, Option<String>)> {
    let text = |key: &str| Some(object.get(key)?.as_str()?.to_owned());
    Some((text("_HOSTNAME")?, text("_MACHINE_ID")))
}

fn given(object: &Value) -> (Stamp, Option<u128>) {
    let micros = |key: &str| -> Option<i64> {
        let value = object.get(key)?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    };
    let stamp = Stamp {
        wall: micros("__REALTIME_TIMESTAMP"),
        // The time of logging; the receiver's clock stands in for it.
        uptime: micros("_SOURCE_MONOTONIC_TIMESTAMP").or_else(|| micros("__MONOTONIC_TIMESTAMP")),
    };
    let boot = object.get("_BOOT_ID").and_then(Value::as_str);
    (stamp, boot.and_then(|id| boot_id(id.as_bytes())))
}

/// A journal entry that was cut off: its message is read as it stands, with `\n` for line
/// ends and `<` as they are, and the stamps are picked out of what is left.
fn torn(line: &[u8]) -> Option<(Given, Vec<u8>)> {
    let after = |key: &[u8]| {
        let at = memchr::memmem::find(line, key)? + key.len();
        let rest = line[at..].trim_ascii_start().strip_prefix(b":")?;
        rest.trim_ascii_start().strip_prefix(b"\"")
    };
    let micros = |key| {
        let rest = after(key)?;
        number(&rest[..memchr::memchr(b'"', rest)?])
    };
    let kernel = after(b"\"SYSLOG_IDENTIFIER\"")?.starts_with(b"kernel\"");
    let kernel = kernel && after(b"\"_UID\"").is_none_or(|uid| uid.starts_with(b"0\""));
    let speaker = if kernel {
        Speaker::Kernel
    } else {
        Speaker::Other
    };
    let stamp = Stamp {
        wall: micros(b"\"__REALTIME_TIMESTAMP\""),
        uptime: micros(b"\"__MONOTONIC_TIMESTAMP\""),
    };
    let given = Given {
        stamp,
        boot: after(b"\"_BOOT_ID\"").and_then(boot_id),
        host: None,
        speaker: Some(speaker),
    };
    Some((given, after(b"\"MESSAGE\"")?.to_vec()))
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(s) => Some(s.clone().into_bytes()),
        Value::Array(items) => items
            .iter()
            .map(|n| n.as_u64().and_then(|n| u8::try_from(n).ok()))
            .collect(),
        _ => None,
    }
}

fn dmesg<'a>(line: &[u8], mut before: impl Iterator<Item = &'a [u8]>) -> Option<(Given, Vec<u8>)> {
    let quoted = line.strip_prefix(b"\"msg\"")?.trim_ascii_start();
    let quoted = quoted.strip_prefix(b":")?.trim_ascii();
    let quoted = quoted.strip_suffix(b",").unwrap_or(quoted);
    let message: String = serde_json::from_slice(quoted).ok()?;
    let uptime = before
        .by_ref()
        .take(8)
        .find_map(|l| time_line(l.trim_ascii_start()));
    let stamp = Stamp { wall: None, uptime };
    let given = Given {
        stamp,
        speaker: Some(Speaker::Kernel),
        ..Given::default()
    };
    Some((given, message.into_bytes()))
}

/// `"time":   123.456789,`
fn time_line(line: &[u8]) -> Option<i64> {
    let value = line.strip_prefix(b"\"time\"")?.trim_ascii_start();
    let value = value.strip_prefix(b":")?.trim_ascii();
    let value = value.strip_suffix(b",").unwrap_or(value);
    let seconds: f64 = std::str::from_utf8(value).ok()?.parse().ok()?;
    (0.0..1e11)
        .contains(&seconds)
        .then_some((seconds * SECOND as f64).round() as i64)
}
