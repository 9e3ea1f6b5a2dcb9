//! A systemd service that runs ethtool when the device unit of the NIC appears.

use super::request::Request;
use super::{Format, Generated, Refusal, Topic, by_ethtool, ethtool, names};

pub const FORMAT: Format = Format {
    name: "systemd-unit",
    about: "a systemd service that runs ethtool, bound to the NIC's device unit",
    dir: Some("/etc/systemd/system"),
    mode: 0o644,
    generate,
    sets: by_ethtool,
};

fn generate(request: &Request<'_>) -> Result<Vec<Generated>, Refusal> {
    let (program, missing) = ethtool(request.machine);
    let mut files = Vec::new();
    for name in names(request.named_nics()?) {
        let device = format!("sys-subsystem-net-devices-{}.device", escaped(name));
        let mut text = format!(
            "{}\n\n[Unit]\nDescription=Switch offloads of {name}: {settings}\nBindsTo={device}\nAfter={device}\nBefore=network-pre.target\nWants=network-pre.target\n\n[Service]\nType=oneshot\nRemainAfterExit=yes\n",
            request.heading(),
            settings = request.settings.for_people(),
        );
        text += "# One by one, and none of them in the way of the others.\n";
        for (option, words) in request.settings.ethtool() {
            text += &format!("ExecStart=-{program} {option} {name} {words}\n");
        }
        text += &format!("\n[Install]\nWantedBy={device}\n");
        // Not unhang-NAME, as unhang has services of its own.
        let unit = format!("unhang-nic-{name}.service");
        let mut remarks = vec![
            Topic::Activate.remark(format!("'systemctl daemon-reload && systemctl enable --now {unit}'")),
            Topic::Cannot.remark(format!("find the NIC under another name than {name}, or say whether the offloads really are off")),
        ];
        remarks.extend(missing.clone());
        files.push(Generated::new(unit, text, remarks));
    }
    Ok(files)
}

/// A name as it stands in a unit's name (systemd-escape).
fn escaped(name: &str) -> String {
    let mut escaped = String::new();
    for (index, byte) in name.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric()
            || byte == b'_'
            || byte == b':'
            || (byte == b'.' && index > 0);
        if plain {
            escaped.push(char::from(byte));
        } else {
            escaped += &format!("\\x{byte:02x}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_dash_in_a_name_is_escaped() {
        assert_eq!(super::escaped("lan-0.5"), "lan\\x2d0.5");
    }
}
