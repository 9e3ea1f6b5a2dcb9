//! Completions for bash, zsh and fish. The generator knows no network interfaces, so those
//! are put where the definition says NIC.

use std::fs;
use std::io;
use std::path::Path;

use clap::Command;
use clap_complete::{Shell, generate};

const INTERFACES: &str = "$(command ls /sys/class/net)";

pub fn write(command: &Command, dir: &Path) -> io::Result<()> {
    let of_nics = |command: &&Command| {
        let mut positionals = command.get_positionals();
        positionals.any(|argument| argument.get_id().as_str().starts_with("nic"))
    };
    let of_nics: Vec<&str> = command
        .get_subcommands()
        .filter(of_nics)
        .map(Command::get_name)
        .collect();
    let mut bash = script(Shell::Bash, command);
    for name in &of_nics {
        let case = bash
            .find(&format!("__{name})\n            opts=\""))
            .ok_or_else(|| io::Error::other(format!("no case for {name} in bash's completion")))?;
        let end = bash[case..]
            .find("\"\n")
            .map_or(case, |length| case + length);
        bash.insert_str(end, &format!(" {INTERFACES}"));
    }
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
    for name in &of_nics {
        fish += &format!(
            "complete -c unhang -n \"__fish_unhang_using_subcommand {name}\" -f -a \"(command ls /sys/class/net)\"\n"
        );
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
