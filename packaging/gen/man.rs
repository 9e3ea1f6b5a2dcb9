//! unhang(8): the commands and options from the definition, the rest from a file.

use std::io;

use clap::Command;
use clap_mangen::Man;

const HAND_WRITTEN: &str = include_str!("../man/unhang.8.in");
/// Where the commands go in the hand-written part.
const MARK: &str = "@COMMANDS@\n";

pub fn page(command: &Command, date: &str) -> io::Result<Vec<u8>> {
    let (before, after) = HAND_WRITTEN
        .split_once(MARK)
        .ok_or_else(|| io::Error::other("unhang.8.in has no line @COMMANDS@"))?;
    let version = command.get_version().unwrap_or_default();
    let mut page = before
        .replace("@DATE@", date)
        .replace("@VERSION@", version)
        .into_bytes();
    for command in visible(command) {
        one_command(command, &mut page)?;
    }
    heading("SH", "OPTIONS OF EVERY COMMAND", &mut page);
    let common = command.clone().mut_args(|argument| {
        // A command's own section has none of these again.
        argument.global(false)
    });
    options(&Man::new(common), &mut page)?;
    page.extend(after.as_bytes());
    Ok(page)
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|sub| !sub.is_hide_set())
}

fn one_command(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let own = command.clone().mut_args(|argument| {
        let hidden = argument.is_global_set() || argument.get_id() == "help";
        argument.hide(hidden)
    });
    let usage = own.clone().render_usage().to_string();
    let usage = usage
        .trim_start_matches("Usage: ")
        .replace(" [OPTIONS]", "");
    heading("SS", &usage, page);
    let about = own.get_about().map(ToString::to_string).unwrap_or_default();
    page.extend(format!("{}.\n", roff(&about)).bytes());
    if own.get_arguments().any(|argument| !argument.is_hide_set()) {
        options(&Man::new(own), page)?;
    }
    Ok(())
}

/// The options without their heading.
fn options(man: &Man, page: &mut Vec<u8>) -> io::Result<()> {
    let mut text = Vec::new();
    man.render_options_section(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().filter(|line| !line.starts_with(".SH"));
    lines.for_each(|line| page.extend(format!("{line}\n").bytes()));
    Ok(())
}

fn heading(kind: &str, text: &str, page: &mut Vec<u8>) {
    page.extend(format!(".{kind} {}\n", roff(text)).bytes());
}

/// Text that roff takes as it is.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    // The typewriter's apostrophe would begin a request.
    text.replace('\'', "\\(aq")
}
