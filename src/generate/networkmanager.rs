//! `NetworkManager`: the `[ethtool]` section of a connection profile, and the same for nmcli.
//!
//! It has no drop-ins for profiles and no defaults for these properties, so the section has to
//! get into the profile of the NIC; only a person knows whether that is the right one.

use super::request::Request;
use super::{Format, Generated, Refusal, Topic, cannot_set, listed, names};
use crate::features::on_off;
use crate::settings::{Family, Name, Value};

/// Words that it has no property for (1.42).
const UNKNOWN: [&str; 10] = [
    "hsr-dup-offload",
    "hsr-fwd-offload",
    "hsr-tag-ins-offload",
    "hsr-tag-rm-offload",
    "netns-local",
    "tx-lockless",
    "tx-tcp-accecn-segmentation",
    "tx-udp-fragmentation",
    "ufo",
    "vlan-challenged",
];

pub const FORMAT: Format = Format {
    name: "networkmanager",
    about: "a section for a connection profile of NetworkManager, and the same as an nmcli command",
    dir: None,
    mode: 0o644,
    generate,
    sets: has_property,
};

fn generate(request: &Request<'_>) -> Result<Vec<Generated>, Refusal> {
    let (lines, unknown) = properties(request);
    let known = request.settings.values.iter();
    let known = known.filter(|(name, _)| has_property(name));
    let negotiated = (Name::new(Family::Pause, "autoneg"), Value::Switch(true));
    let negotiated = request.settings.values.contains(&negotiated);
    let (decided_by_both, values): (Vec<_>, Vec<_>) = known
        .partition(|(name, _)| negotiated && name.family == Family::Pause && name.key != "autoneg");
    if lines.is_empty() && values.is_empty() {
        return Refusal::new(format!(
            "NetworkManager has no property for {}",
            request.settings.for_people()
        ));
    }
    let features = lines
        .iter()
        .map(|(word, on)| (format!("feature-{word}"), *on));
    let mut section: Vec<String> = features
        .clone()
        .map(|(property, on)| format!("{property}={on}\n"))
        .collect();
    let mut arguments: Vec<String> = features
        .map(|(property, on)| format!("ethtool.{property} {}", on_off(on)))
        .collect();
    for (name, value) in values {
        let property = format!("{}-{}", name.family.table(), name.key);
        // A coalesce property is a number, whatever it says.
        let [by_file, by_command] = match value {
            Value::Switch(on) if name.family == Family::Coalesce => {
                [u8::from(*on); 2].map(|n| n.to_string())
            }
            Value::Switch(on) => [on.to_string(), on_off(*on).to_owned()],
            Value::Number(number) => [number; 2].map(u32::to_string),
        };
        section.push(format!("{property}={by_file}\n"));
        arguments.push(format!("ethtool.{property} {by_command}"));
    }
    let mut files = Vec::new();
    for name in names(request.named_nics()?) {
        let profile = format!("\"$(nmcli -g GENERAL.CONNECTION device show {name})\"");
        let command = format!("nmcli connection modify {profile} {}", arguments.join(" "));
        let text = format!(
            "{}\n# For the profile of {name}; or by command:\n#   {command}\n[ethtool]\n{}",
            request.heading(),
            section.concat()
        );
        let mut remarks = vec![
            Topic::Activate.remark(format!(
                "'{command}', then 'nmcli device reapply {name}' or the next activation; for a bridge or bond, in the profile of the port"
            )),
            Topic::Cannot.remark("do anything before the profile is activated, or for another profile of the same NIC; when it is deactivated, NetworkManager switches them on again"),
        ];
        remarks.extend(cannot_set(
            request,
            &unknown,
            "NetworkManager has no property",
        ));
        if !decided_by_both.is_empty() {
            let names: Vec<String> = decided_by_both.iter().map(|v| v.0.to_string()).collect();
            let text = format!(
                "set {}: NetworkManager refuses a profile with that and pause-autoneg on",
                listed(&names)
            );
            remarks.push(Topic::Cannot.remark(text));
        }
        if request
            .settings
            .values
            .iter()
            .any(|(name, _)| name.family == Family::Eee)
        {
            let text = "eee-enabled needs NetworkManager 1.46 or later";
            remarks.push(Topic::Note.remark(text));
        }
        files.push(Generated::new(
            format!("unhang-{name}.nmconnection-part"),
            text,
            remarks,
        ));
    }
    Ok(files)
}

/// Rings, coalescing and pause have properties since 1.32 at the latest, EEE since 1.46.
fn has_property(name: &Name) -> bool {
    match name.family {
        Family::Eee | Family::Pause | Family::Ring => true,
        Family::Coalesce => !name.key.starts_with("cqe-mode"),
        Family::PrivateFlags | Family::Wol => false,
    }
}

/// Its words, which are ethtool's, and the features that it has none for.
fn properties<'r>(request: &'r Request<'_>) -> (Vec<(String, bool)>, Vec<&'r str>) {
    let is_unknown = |word: &str| UNKNOWN.contains(&word);
    // Its feature-tso stands for four features, ethtool's tso on newer kernels for five.
    let words = request.settings.words();
    let known = words.into_iter().filter(|(word, _)| !is_unknown(word));
    let features = request.settings.features().map(|(name, _)| name);
    (
        known.collect(),
        features.filter(|name| is_unknown(name)).collect(),
    )
}
