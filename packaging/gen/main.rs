//! Writes what can be derived from the command line's definition, when the packages are built:
//! unhang(8) and the completions for bash, zsh and fish.
//!
//! Usage: gen DATE DIR

mod completions;
mod man;

use std::io;
use std::path::Path;

use clap::CommandFactory;
use unhang::cli::Cli;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [date, dir] = arguments.as_slice() else {
        return Err(io::Error::other("usage: gen DATE DIR"));
    };
    let dir = Path::new(dir);
    std::fs::create_dir_all(dir)?;
    let mut command = Cli::command();
    command.build();
    std::fs::write(dir.join("unhang.8"), man::page(&command, date)?)?;
    completions::write(&command, dir)
}
