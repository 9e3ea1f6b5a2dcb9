//! `unhang notify`: calls the hooks, to try them, or for what the watcher queued.

use std::thread::sleep;
use std::time::Duration;

use super::{Output, Status};
use crate::cli::{Common, NotifyArgs};
use crate::notify::{Event, hooks};
use crate::text::printable;

/// After so long a queue that could not be emptied is tried again.
const AGAIN: Duration = Duration::from_secs(10);

pub fn run(args: &NotifyArgs, common: &Common) -> anyhow::Result<Output> {
    let mut output = Output::default();
    if args.queue {
        let emptied = hooks::run_queue(&common.root);
        if emptied.is_err() {
            // unhang-notify.path starts this anew as long as something waits.
            sleep(AGAIN);
        }
        emptied?;
        return Ok(output);
    }
    let found = hooks::find(&common.root);
    let host = hooks::host(&common.root);
    let mut called = 0;
    for hook in found {
        let name = printable(&hook.name);
        let done = match &hook.refused {
            Some(reason) => Err(format!("not called, because {reason}")),
            None => hook
                .call(&Event::test(), &host, hooks::LIMIT)
                .map_err(|error| format!("failed: {error}")),
        };
        match done {
            Ok(()) => {
                called += 1;
                output.result += &format!("{name}: done\n");
            }
            Err(reason) => {
                output.error(&format!("{name}: {reason}"));
                output.status = Status::Failed;
            }
        }
    }
    if called == 0 && output.status == Status::Done {
        output.error(&format!("there is no hook in /{}", hooks::DIR));
        output.status = Status::Failed;
    }
    Ok(output)
}
