//! A NixOS module: the `.link` file in the words of `systemd.network.links`.
//!
//! NixOS checks the keys when it builds the system and knows the long-standing ones only.

use super::link::{self, KeyReader, Lines, Part, written};
use super::request::Request;
use super::{Format, Generated, Refusal, Topic};

pub const FORMAT: Format = Format {
    name: "nixos",
    about: "a module for NixOS, which makes a .link file of it",
    dir: None,
    mode: 0o644,
    generate,
    sets: |_| false,
};

fn generate(request: &Request<'_>) -> Result<Vec<Generated>, Refusal> {
    let (parts, mut remarks) = link::parts(request, KeyReader::NixOs)?;
    let links: Vec<String> = parts.iter().map(link).collect();
    let text = format!("{}\n{{\n{}}}\n", request.heading(), links.concat());
    let file_name = format!("unhang-{}.nix", request.title());
    remarks.push(Topic::Activate.remark(format!(
        "add ./{file_name} to the imports of configuration.nix, then 'nixos-rebuild boot' and reboot; udev reads it whether or not networkd is used"
    )));
    remarks.push(
        Topic::Cannot.remark(
            "notice that somebody switches them on again, or say whether they really are off",
        ),
    );
    Ok(vec![Generated::new(file_name, text, remarks)])
}

fn link(part: &Part) -> String {
    let mut text = format!("  systemd.network.links.{} = {{\n", quoted(&part.name));
    text += &set("matchConfig", &part.matches);
    let lines: Vec<(String, String)> = [part.link.clone(), part.offloads.clone()].concat();
    text += &set("linkConfig", &lines);
    let section = |(name, lines): &(String, Lines)| format!("[{name}]\n{}", written(lines));
    let other = part.other.iter().map(section).collect::<Vec<_>>();
    if !other.is_empty() {
        let other = quoted(&other.concat()).replace('\n', "\\n");
        text += &format!("    extraConfig = {other};\n");
    }
    text + "  };\n"
}

/// Assignments as an attribute set; a key that stands more than once is a list.
fn set(name: &str, lines: &[(String, String)]) -> String {
    let mut text = format!("    {name} = {{\n");
    let mut written: Vec<&str> = Vec::new();
    for (key, _) in lines {
        if written.contains(&key.as_str()) {
            continue;
        }
        written.push(key);
        let same = lines.iter().filter(|(other, _)| other == key);
        let values: Vec<String> = same.map(|(_, value)| quoted(value)).collect();
        let value = match values.as_slice() {
            [one] => one.clone(),
            several => format!("[ {} ]", several.join(" ")),
        };
        text += &format!("      {key} = {value};\n");
    }
    text + "    };\n"
}

fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace("${", "\\${"))
}
