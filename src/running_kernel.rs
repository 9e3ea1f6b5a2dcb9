//! The running kernel, asked about some NICs over one connection and with a bound.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use rtnetlink::packet_route::link::{LinkAttribute, Prop};
use tokio::runtime::{Builder, Runtime};

use crate::apply::{IfReverted, Outcome, apply, read};
use crate::features::{Connection, KernelError};
use crate::nic::Nic;
use crate::plan::{Now, Plan};
use crate::revert::{RevertError, revert};
use crate::rules::{Decision, RuleSet, decide};
use crate::saved_state::SavedState;
use crate::settings::Family;
use crate::timeout;

/// How long the kernel may take for one NIC.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs `work` with a connection to the running kernel.
pub fn with_connection<T>(work: impl AsyncFnOnce(&mut Connection) -> T) -> Result<T, KernelError> {
    runtime()?.block_on(async { Ok(work(&mut Connection::open()?).await) })
}

fn runtime() -> Result<Runtime, KernelError> {
    let runtime = Builder::new_current_thread().enable_io().build();
    runtime.map_err(|error| KernelError::Netlink(error.to_string()))
}

/// The number of the device that has this alternative name (`ip link property`).
pub fn ifindex_of_altname(name: &str) -> Option<u32> {
    let name = name.to_owned();
    let mut work = timeout::start(PATIENCE, move |sender| {
        let found = runtime().map(|runtime| runtime.block_on(find_altname(&name)));
        // Nobody waits any more after a time-out.
        let _ = sender.send(found.ok().flatten());
    });
    work.next_result().ok().flatten().flatten()
}

async fn find_altname(name: &str) -> Option<u32> {
    let is_it = |attribute: &LinkAttribute| match attribute {
        LinkAttribute::PropList(list) => list.contains(&Prop::AltIfName(name.to_owned())),
        _ => false,
    };
    let (connection, handle, _) = rtnetlink::new_connection().ok()?;
    tokio::spawn(connection);
    let mut links = handle.link().get().execute();
    while let Some(Ok(link)) = links.next().await {
        if link.attributes.iter().any(is_it) {
            return Some(link.header.index);
        }
    }
    None
}

/// What `work` gives for each NIC, or why the kernel could not be asked.
fn for_each<T: Send + 'static>(
    nics: impl Iterator<Item = Nic>,
    work: impl AsyncFn(&mut Connection, &Nic) -> T + Send + 'static,
) -> Vec<Result<T, KernelError>> {
    let nics: Vec<Nic> = nics.collect();
    if nics.is_empty() {
        return Vec::new();
    }
    let count = nics.len();
    let mut work = timeout::start(PATIENCE, move |sender| {
        // Nobody waits any more after a time-out.
        let connected = with_connection(async |connection| {
            for nic in &nics {
                let _ = sender.send(Ok(work(connection, nic).await));
            }
        });
        if let Err(error) = connected {
            for _ in &nics {
                let _ = sender.send(Err(error.clone()));
            }
        }
    });
    let next = |_| match work.next_result() {
        Ok(result) => result.unwrap_or(Err(KernelError::Gone)),
        Err(late) => Err(KernelError::Netlink(late.to_string())),
    };
    (0..count).map(next).collect()
}

/// Applies the rules to each of the NICs.
pub fn apply_all(
    nics: &[Nic],
    rules: &Arc<RuleSet>,
    state: &SavedState,
    if_reverted: IfReverted,
) -> Vec<Outcome> {
    let decided = || nics.iter().map(|nic| (nic, decide(rules.rules(), nic)));
    let concerned = decided().filter(|(_, decision)| !decision.is_empty());
    let (shared, state) = (Arc::clone(rules), state.clone());
    let done = for_each(
        concerned.map(|(nic, _)| nic.clone()),
        async move |kernel, nic| {
            let decision = decide(shared.rules(), nic);
            apply(kernel, &state, nic, &decision, if_reverted).await
        },
    );
    let mut done = done.into_iter();
    let outcome = |(nic, decision): (&Nic, Decision<'_>)| {
        let mut error = None;
        if !decision.is_empty() {
            match done.next() {
                Some(Ok(outcome)) => return outcome,
                other => error = other.and_then(Result::err),
            }
        }
        Outcome::new(nic.clone(), decision.rules(), error)
    };
    decided().map(outcome).collect()
}

/// Restores the NICs.
pub fn revert_all(
    nics: impl Iterator<Item = Nic>,
    state: &SavedState,
) -> Vec<Result<Result<Outcome, RevertError>, KernelError>> {
    let state = state.clone();
    for_each(nics, async move |kernel, nic| {
        revert(kernel, &state, nic).await
    })
}

/// What the kernel says of the NICs: their features, and of these families each.
pub fn read_nics(nics: impl Iterator<Item = (Nic, Vec<Family>)>) -> Vec<Result<Now, KernelError>> {
    let (nics, families): (Vec<Nic>, Vec<Vec<Family>>) = nics.unzip();
    let families: HashMap<u32, Vec<Family>> =
        nics.iter().map(|n| n.ifindex).zip(families).collect();
    let read = for_each(nics.into_iter(), async move |kernel, nic| {
        let families = families.get(&nic.ifindex).into_iter().flatten();
        read(kernel, nic.ifindex, families.copied()).await
    });
    read.into_iter()
        .map(|read| read.and_then(|read| read))
        .collect()
}

/// The plans for the NICs. Asks the kernel only about those of which a rule wants anything.
pub fn read_plans<'a>(
    nics: impl Iterator<Item = (&'a Nic, &'a Decision<'a>)> + Clone,
) -> Vec<Result<Plan, KernelError>> {
    let concerned = nics.clone().filter(|(_, decision)| !decision.is_empty());
    let asked = concerned.map(|(nic, decision)| (nic.clone(), decision.families().collect()));
    let mut read = read_nics(asked).into_iter();
    let plan = |(_, decision): (&Nic, &Decision<'_>)| {
        let mut of_nic = Now::default();
        if !decision.is_empty() {
            of_nic = read.next().unwrap_or(Err(KernelError::Gone))?;
        }
        Ok(Plan::new(decision, &of_nic))
    };
    nics.map(plan).collect()
}
