//! `unhang` without a command: what is so, and how to go on.

use std::path::Path;

use clap::error::{ContextKind, ContextValue};

use super::{Output, Status, all_nics, load_rules, status, style};
use crate::cli::{Common, StatusArgs};
use crate::rules::decide;
use crate::text::printable;

pub fn run(common: &Common) -> anyhow::Result<Output> {
    let args = StatusArgs {
        json: false,
        brief: false,
        check: true,
    };
    let mut output = status::run(&args, common)?;
    let (rules, _) = load_rules(common, &common.root);
    let found = all_nics(common)?;
    let wanted = |nic| !decide(rules.rules(), nic).is_empty();
    let nic = found.iter().find(|found| wanted(&found.nic));
    let nic = nic.or_else(|| found.iter().find(|found| found.physical));
    let mut commands = Vec::new();
    if let Some(found) = nic {
        let name = printable(&found.nic.name);
        commands.push((
            format!("unhang explain {name}"),
            "what is done with it, why, and what it costs",
        ));
    } else {
        commands.push(("unhang check".into(), "whether the rule files are right"));
    }
    commands.push(if output.status == Status::Failed {
        ("sudo unhang apply".into(), "put the rules in force")
    } else {
        ("journalctl -t unhang".into(), "what was done, and when")
    });
    commands.push(("unhang --help".into(), "all commands"));
    output.status = Status::Done;
    output.result += &format!("\n{}\n", style::strong("Next steps:"));
    for (command, what) in commands {
        output.result += &format!("  {command:24}  {what}\n");
    }
    Ok(output)
}

/// What else to say to somebody who named a NIC where a command belongs.
pub fn tip(error: &clap::Error, root: &Path) -> String {
    match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(word)) if is_interface(word, root) => format!(
            "\n  tip: {word} is a network interface: 'unhang explain {word}' shows what is done with it\n"
        ),
        _ => String::new(),
    }
}

fn is_interface(word: &str, root: &Path) -> bool {
    !word.contains('/') && root.join("sys/class/net").join(word).exists()
}
