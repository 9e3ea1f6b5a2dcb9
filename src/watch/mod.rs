//! `unhang watch`: re-applies rules on link-up and drift, and recovers wedged NICs.
//!
//! udev tells when a NIC appears, never that a link comes up, that somebody switches an
//! offload back on, or that a NIC wedges. Three sources tell ([`signals`]), each has one
//! reaction, and each reaction goes through the same pipeline as `unhang apply`. In between
//! the watcher sleeps in the kernel: there is no polling, and no timer but for a link that it took
//! down, to see whether a NIC stays back, and where a rule asks to look for stalls. Virtual devices are left to the helper.

pub mod bond;
mod exhausted;
mod filter;
#[cfg(test)]
mod fixture;
pub mod guard;
mod kmsg;
mod ladder;
mod listen;
mod load;
mod nway;
mod react;
mod recover;
pub mod restore;
mod rulefiles;
mod signals;
mod stall;
pub mod state;
mod storm;
mod tell;
mod trial;
mod wedge;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::stat::{Mode, umask};
use rtnetlink::MulticastGroup;
use rtnetlink::sys::protocols::{NETLINK_GENERIC, NETLINK_ROUTE};
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::features::{Connection, KernelError};
use crate::log::{Level, Log};
use crate::nic::Nic;
use crate::notify::Queue;
use crate::rules::{RuleSet, load};
use crate::saved_state::SavedState;
use listen::Listener;
use signals::Signal;
use stall::Stall;
use state::WatchState;

/// Signals that wait while one is reacted to; when they are more, the kernel's buffers fill,
/// and then everything is read again.
const BACKLOG: usize = 64;
/// What a NIC has sent is noted so often.
const DAY: Duration = Duration::from_secs(86_400);
/// Where the network devices are.
pub const NET: &str = "/sys/class/net";

#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// For an ordinary user.
    #[error("watching needs root, or the capability CAP_NET_ADMIN")]
    NotPermitted,
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// A source can't be opened, or ended.
    #[error("{0}: {1}")]
    Source(&'static str, #[source] io::Error),
}

impl WatchError {
    /// The process's exit status: 69 (`EX_UNAVAILABLE` in sysexits.h) if it would be the same
    /// another time, so that unhang-watch.service is not restarted. The kernel is asked at
    /// the start only.
    pub fn exit_status(&self) -> u8 {
        match self {
            WatchError::NotPermitted | WatchError::Kernel(_) => 69,
            WatchError::Source(..) => 1,
        }
    }
}

struct Watcher {
    rules: Arc<RuleSet>,
    dirs: Vec<PathBuf>,
    kernel: Connection,
    log: Log,
    nics: BTreeMap<u32, Watched>,
    state: WatchState,
    state_path: PathBuf,
    saved: SavedState,
    queue: Queue,
    root: PathBuf,
    /// What was last said about rule files.
    complaints: Vec<String>,
    /// A trial is refuted, and its file can't be removed.
    without_trials: bool,
}

/// A NIC that a rule matches.
struct Watched {
    nic: Nic,
    /// Address of its device on the PCI bus, e.g. `0000:00:1f.6`.
    bus_address: Option<String>,
    /// What was last said of it above info, so that it is not said at each link-up.
    complaint: Option<String>,
    /// What was seen of its queue, if a rule asks for that.
    stall: Option<Stall>,
    /// When what it has sent was noted last, since boot.
    noted: Option<Duration>,
}

/// Watches until it is stopped. `root` is where /run and /sys are.
pub fn run(dirs: Vec<PathBuf>, root: &Path) -> Result<(), WatchError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| WatchError::Source("event loop", error))?;
    // 'unhang status' is for everybody.
    umask(Mode::from_bits_truncate(0o022));
    runtime.block_on(watch(dirs, root))
}

async fn watch(dirs: Vec<PathBuf>, root: &Path) -> Result<(), WatchError> {
    let log = Log::below(root);
    if !may_change_features() {
        return Err(WatchError::NotPermitted);
    }
    let rules = load(&dirs);
    let complaints = rules.complaints();
    let state_path = state::path(root);
    let mut watcher = Watcher {
        rules: Arc::new(rules),
        dirs: dirs.clone(),
        kernel: Connection::open()?,
        log,
        nics: BTreeMap::new(),
        state: WatchState::load(&state_path),
        state_path,
        saved: SavedState::below(root),
        queue: Queue::below(root),
        root: root.to_owned(),
        complaints: Vec::new(),
        without_trials: false,
    };
    watcher.complain(complaints);
    watcher.publish();
    // The sources first, what is there already after: nothing falls in between.
    let (to, mut signals) = mpsc::channel(BACKLOG);
    watcher.open_sources(dirs, &to).await?;
    watcher.put_all_right(&crate::log::Event::rules()).await;
    watcher.note_load(DAY);
    // Without systemd there is nobody to be told.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    while let Some(signal) = watcher.next(&mut signals).await {
        match signal {
            Signal::Broken(source, error) => return Err(WatchError::Source(source, error)),
            Signal::Stop => break,
            signal => watcher.react(signal).await,
        }
        watcher.note_load(DAY);
    }
    watcher.note_load(Duration::ZERO);
    // Nobody would do it later.
    watcher.bring_up(Duration::MAX);
    Ok(())
}

/// Whether the process has `CAP_NET_ADMIN` (12 in linux/capability.h), or that can't be told.
fn may_change_features() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    effective
        .and_then(|set| u64::from_str_radix(set.trim(), 16).ok())
        .is_none_or(|set| set & (1 << 12) != 0)
}

/// A descriptor in the event loop. tokio deprecates this constructor for types whose descriptor
/// may be closed behind its back; an owned one is not.
#[allow(deprecated)]
fn async_fd<T: From<OwnedFd> + AsRawFd>(owned: T) -> io::Result<AsyncFd<T>> {
    AsyncFd::new(owned)
}

impl Watcher {
    /// The next signal; meanwhile does what was to be done later.
    async fn next(&mut self, signals: &mut Receiver<Signal>) -> Option<Signal> {
        while let Some(at) = self
            .next_link_up()
            .into_iter()
            .chain(self.next_told())
            .chain(self.next_look())
            .min()
        {
            let wait = at.saturating_sub(restore::since_boot());
            if let Ok(signal) = tokio::time::timeout(wait, signals.recv()).await {
                return signal;
            }
            let now = restore::since_boot();
            let due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
            if due(self.next_link_up()) {
                self.bring_up(now);
            }
            if due(self.next_told()) {
                self.tell_recovered(now);
            }
            if due(self.next_look()) {
                self.look_for_stalls(now).await;
            }
        }
        signals.recv().await
    }

    async fn open_sources(
        &mut self,
        dirs: Vec<PathBuf>,
        to: &Sender<Signal>,
    ) -> Result<(), WatchError> {
        let source = |name| move |error| WatchError::Source(name, error);
        let links = Listener::join(NETLINK_ROUTE, MulticastGroup::Link as u32)
            .and_then(|links| links.only(&filter::HARDWARE))
            .map_err(source("rtnetlink"))?;
        tokio::spawn(signals::listen(
            links,
            "rtnetlink",
            signals::link,
            to.clone(),
        ));
        let group = self.kernel.monitor_group().await?;
        let features = Listener::join(NETLINK_GENERIC, group).map_err(source("ethtool monitor"))?;
        tokio::spawn(signals::listen(
            features,
            "ethtool monitor",
            signals::changed,
            to.clone(),
        ));
        match kmsg::Kmsg::open() {
            Ok(reader) => {
                tokio::spawn(signals::kernel(reader, to.clone()));
            }
            // The rest is worth doing without it (a container, say).
            Err(error) => self.log.write(
                Level::Warning,
                &format!("/dev/kmsg can't be read, so wedged NICs are not noticed: {error}"),
            ),
        }
        tokio::spawn(rulefiles::changes(dirs, to.clone()));
        let mut hangups = signal(SignalKind::hangup()).map_err(source("SIGHUP"))?;
        let mut stops = signal(SignalKind::terminate()).map_err(source("SIGTERM"))?;
        let (hung_up, stopped) = (to.clone(), to.clone());
        tokio::spawn(async move {
            while hangups.recv().await.is_some() && hung_up.send(Signal::Rules).await.is_ok() {}
        });
        tokio::spawn(async move {
            while stops.recv().await.is_some() && stopped.send(Signal::Stop).await.is_ok() {}
        });
        Ok(())
    }
}
