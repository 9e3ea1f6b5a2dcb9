//! The `unhang` command: parses its arguments, runs one command, writes what it says.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{ColorChoice, Parser};
use unhang::cli::{Cli, Command, Common, ROOT};
use unhang::commands::{self, Output};
use unhang::watch::WatchError;

fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| {
        let tip = commands::overview::tip(&error, Path::new(ROOT));
        // Where that can't be written, nothing else can be.
        let _ = error.print();
        say(&tip);
        std::process::exit(error.exit_code())
    });
    match cli.common.color {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    }
    .write_global();
    match run(&cli) {
        Ok(code) => code,
        Err(error) => {
            say(&format!("unhang: {error:#}\n"));
            let status = error.downcast_ref().map_or(1, WatchError::exit_status);
            ExitCode::from(status)
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let Some(command) = &cli.command else {
        return write(&cli.common, commands::overview::run(&cli.common)?);
    };
    let output = match command {
        Command::Apply(args) => commands::apply::run(args, &cli.common),
        Command::Status(args) => commands::status::run(args, &cli.common),
        Command::Explain(args) => commands::explain::run(args, &cli.common),
        Command::Report(args) => commands::report::run(args, &cli.common),
        Command::Metrics(args) => commands::metrics::run(args, &cli.common),
        Command::Check(args) => commands::check::run(args, &cli.common),
        Command::Generate(args) => commands::generate::run(args, &cli.common),
        Command::Revert(args) => commands::revert::run(args, &cli.common),
        Command::Notify(args) => commands::notify::run(args, &cli.common),
        Command::Watch => commands::watch::run(&cli.common),
    }?;
    write(&cli.common, output)
}

fn write(common: &Common, output: Output) -> anyhow::Result<ExitCode> {
    let Output {
        result,
        notices,
        errors,
        status,
    } = output;
    say(&errors);
    if !common.quiet {
        say(&notices);
    }
    let mut out = anstream::stdout().lock();
    match out.write_all(result.as_bytes()).and_then(|()| out.flush()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written?,
    }
    Ok(ExitCode::from(status as u8))
}

/// Nobody is left to be told if that fails.
fn say(text: &str) {
    let _ = anstream::stderr().write_all(text.as_bytes());
}
