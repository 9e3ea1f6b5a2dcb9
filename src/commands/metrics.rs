//! `unhang metrics`: this boot's incidents and the state of the offloads for Prometheus.

use anyhow::Context;
use jiff::tz::TimeZone;

use super::{Output, Status, report};
use crate::cli::{Common, MetricsArgs};
use crate::report::journal::Scope;
use crate::report::metrics;

/// Runs the command.
pub fn run(args: &MetricsArgs, _common: &Common) -> anyhow::Result<Output> {
    let zone = TimeZone::system();
    let (history, errors) = report::read(&args.files, &zone, &Scope::ThisBoot)?;
    report::complain(&errors);
    // Without a log there still is the state of the features.
    let text = metrics::text(&history.unwrap_or_default(), &[]);
    let stdout = match &args.output {
        Some(path) => {
            metrics::write(path, &text)
                .with_context(|| format!("{}: cannot be written", path.display()))?;
            String::new()
        }
        None => text,
    };
    Ok(Output {
        stdout,
        status: Status::of(&errors),
        ..Output::default()
    })
}
