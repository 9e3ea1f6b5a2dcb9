//! `unhang report`: am I affected, did it help? Reads files, standard input or the journal
//! and prints a page, JSON, a picture or a vendor's report.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use jiff::tz::TimeZone;

use super::{Output, Status};
use crate::cli::ReportArgs;
use crate::report::history::History;
use crate::report::journal::{self, Journal, Scope};
use crate::report::sources::{self, Error, Source};
use crate::report::{json, svg, terminal, vendor};

/// The page's width where standard output is no terminal and `COLUMNS` doesn't say.
const WIDTH: usize = 100;

/// Runs the command. A file that can't be read is told, and the others still count.
pub fn run(args: &ReportArgs) -> anyhow::Result<Output> {
    let zone = TimeZone::system();
    let (history, errors) = read(&args.files, &zone, &Scope::All)?;
    complain(&errors);
    let mut output = Output {
        status: Status::of(&errors),
        ..Output::default()
    };
    let Some(history) = history else {
        return Ok(output);
    };
    if let Some(path) = &args.svg {
        std::fs::write(path, svg::picture(&history, &zone))
            .with_context(|| format!("{}: cannot be written", path.display()))?;
    }
    if args.json {
        print_json(&history).context("standard output")?;
    } else if args.vendor {
        let options = vendor::Options {
            root: &args.root,
            identify: args.identify,
            settings: &[],
        };
        output.stdout = vendor::report(&history, &zone, options);
    } else {
        // Colours are taken out again where standard output takes none.
        let style = terminal::Style {
            width: width(),
            color: true,
        };
        output.stdout = terminal::page(&history, &zone, style);
    }
    Ok(output)
}

/// `COLUMNS`, else the terminal's width.
fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok();
    let columns = columns.and_then(|columns| columns.parse().ok());
    let terminal = || terminal_size::terminal_size().map(|(width, _)| width.0.into());
    columns.or_else(terminal).unwrap_or(WIDTH)
}

impl Status {
    /// That of a reading with these errors.
    pub(super) fn of(errors: &[Error]) -> Status {
        if errors.is_empty() {
            Status::Done
        } else {
            Status::Failed
        }
    }
}

/// Says what could not be read; `--quiet` leaves errors.
pub(super) fn complain(errors: &[Error]) {
    for error in errors {
        anstream::eprintln!("unhang: {error}");
    }
}

/// Reads the files, or the journal if there are none. The history is `None` if nothing
/// could be read.
pub fn read(
    files: &[PathBuf],
    zone: &TimeZone,
    scope: &Scope,
) -> anyhow::Result<(Option<History>, Vec<Error>)> {
    let now = jiff::Timestamp::now().as_microsecond();
    let mut history = History::default();
    if files.is_empty() {
        let (_running, source) = match Journal::open(zone, now, scope) {
            Ok(opened) => opened,
            Err(error) => return Ok((None, vec![error])),
        };
        let errors = sources::read_all(vec![source], |seen| history.observe(seen));
        for (id, first, last) in journal::boots() {
            history.boots.cover(id, first, last);
        }
        if history
            .boots
            .list
            .last()
            .is_some_and(|b| b.id.is_some() && b.id == journal::this_boot())
        {
            history.boots.still_running(now);
        }
        history.finish();
        return Ok((Some(history), errors));
    }
    let mut errors = Vec::new();
    let mut sources = Vec::new();
    for file in files {
        match Source::open(file, zone, now) {
            Ok(source) => sources.push(source),
            Err(error) => errors.push(error),
        }
    }
    if sources.is_empty() {
        return Ok((None, errors));
    }
    errors.extend(sources::read_all(sources, |seen| history.observe(seen)));
    history.finish();
    Ok((Some(history), errors))
}

fn print_json(history: &History) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = serde_json::to_writer_pretty(&mut out, &json::Report(history));
    let written = written.map_err(std::io::Error::from);
    match written
        .and_then(|()| writeln!(out))
        .and_then(|()| out.flush())
    {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
