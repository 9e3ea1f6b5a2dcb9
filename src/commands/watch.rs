//! `unhang watch`: re-apply rules on link-up and drift, recover wedged NICs.

use super::Output;
use crate::cli::Common;
use crate::watch;

/// Runs the command; it ends only when it is stopped or can't go on.
pub fn run(common: &Common) -> anyhow::Result<Output> {
    watch::run(common.rule_dirs_below(&common.root), &common.root)?;
    Ok(Output::default())
}
