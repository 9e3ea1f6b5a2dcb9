//! Completions for bash, zsh and fish. The generator knows no network interfaces, so those
//! are put where the definition says NIC.

use std::fs;
use std::io;
use std::path::Path;

use clap::Command;
use clap_complete::{Shell, generate};

const INTERFACES: &str = "$(command ls /sys/class/net)";

pub fn write(command: &Command, dir: &Path) -> io::Result<()> {
    let bash = script(Shell::Bash, command)
        .replace("[NIC]...", INTERFACES)
        .replace("[NIC]", INTERFACES)
        // Names of arguments are nothing that one types.
        .replace(" [FILE]...", "");
    let zsh: String = script(Shell::Zsh, command)
        .lines()
        .map(|line| {
            let interface = line.contains("::nic");
            let line = if interface {
                line.replace(":_default", ":_net_interfaces")
            } else {
                line.to_owned()
            };
            line + "\n"
        })
        .collect();
    let mut fish = script(Shell::Fish, command);
    for sub in command.get_subcommands() {
        if sub
            .get_positionals()
            .any(|p| p.get_id().as_str().starts_with("nic"))
        {
            fish += &format!(
                "complete -c unhang -n \"__fish_unhang_using_subcommand {}\" -f -a \"(command ls /sys/class/net)\"\n",
                sub.get_name()
            );
        }
    }
    fs::write(dir.join("unhang.bash"), bash)?;
    fs::write(dir.join("_unhang"), zsh)?;
    fs::write(dir.join("unhang.fish"), fish)
}

fn script(shell: Shell, command: &Command) -> String {
    let mut text = Vec::new();
    generate(shell, &mut command.clone(), "unhang", &mut text);
    String::from_utf8_lossy(&text).into_owned()
}
