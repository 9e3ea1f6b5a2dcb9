//! A NIC's features: their names, what the kernel says of them, and how to change them.
//!
//! [`message`] is the FEATURES part of ethtool's netlink family, which the `ethtool` crate
//! does not have in a usable form. It is spoken over that crate's connection where there is an
//! event loop, and over a plain socket where a process does nothing else.
//! Everything above works on [`Features`] and the [`FeatureKernel`] trait, so that a fake
//! kernel can play what no real one at hand does.

mod blocking;
#[cfg(feature = "watch")]
mod connection;
mod conversation;
pub mod message;
mod names;

pub use blocking::BlockingConnection;
#[cfg(feature = "watch")]
pub use connection::Connection;
pub use names::{Key, in_every_kernel, known_names, nearest, on_off, short_names};

use std::fmt;

use nix::errno::Errno;

use crate::settings::{Family, Reading, Value};

/// One feature of one NIC, as the kernel reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// Kernel name, e.g. `tx-tcp-segmentation`.
    pub name: String,
    /// Whether it can be changed at all; if not, ethtool shows `[fixed]`.
    pub changeable: bool,
    /// What was last asked for. Says nothing for a feature that can't be changed.
    pub wanted: bool,
    /// What is really so.
    pub active: bool,
}

/// All features of one NIC at one time, in the kernel's order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Features {
    /// The NIC's name now, which need not be the one of the event.
    pub interface: String,
    /// The features that this kernel has.
    pub list: Vec<Feature>,
}

impl Features {
    /// The feature with this kernel name.
    pub fn get(&self, name: &str) -> Option<&Feature> {
        self.list.iter().find(|feature| feature.name == name)
    }

    /// What a SET of `asked` made of them, by the kernel's answer to it: it compares what was asked
    /// for with what is so under the same lock (`ethnl_set_features`, net/ethtool/features.c).
    pub fn record(&mut self, asked: &[(&str, bool)], made: &Changes) {
        self.interface.clone_from(&made.interface);
        for feature in &mut self.list {
            if let Some((_, on)) = asked.iter().find(|(name, _)| *name == feature.name) {
                feature.wanted = *on;
                feature.active = *on != made.refused.contains(&feature.name);
            } else if let Some((_, on)) = made.changed.iter().find(|(n, _)| *n == feature.name) {
                feature.active = *on;
            }
        }
    }
}

/// What the kernel did with a SET.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// The NIC's name now.
    pub interface: String,
    /// Asked for, but not so now. Empty if all that was asked for is so.
    pub refused: Vec<String>,
    /// Active now and not before, or the other way round, whether asked for or not.
    pub changed: Vec<(String, bool)>,
}

/// Why the kernel could not be asked, or did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KernelError {
    /// ENODEV: the NIC was unplugged, unbound or moved away meanwhile.
    #[error("the NIC is gone")]
    Gone,
    /// EPERM.
    #[error("the kernel does not permit it: this needs root (CAP_NET_ADMIN)")]
    NotPermitted,
    /// The `ethtool` family is not registered.
    #[error(
        "this kernel lacks ethtool netlink, which requires Linux 5.7 and CONFIG_ETHTOOL_NETLINK"
    )]
    NoEthtoolNetlink,
    /// EOPNOTSUPP on a GET.
    #[error("this device has nothing of the kind")]
    NotSupported,
    /// Any other error number.
    #[error("the kernel refused the request: {0}")]
    Refused(String),
    /// No netlink socket, no answer, or one that can't be read.
    #[error("netlink: {0}")]
    Netlink(String),
}

impl KernelError {
    fn from_errno(error: Errno) -> KernelError {
        match error {
            Errno::ENODEV => KernelError::Gone,
            // GETFAMILY's.
            Errno::ENOENT => KernelError::NoEthtoolNetlink,
            Errno::EPERM => KernelError::NotPermitted,
            Errno::EOPNOTSUPP => KernelError::NotSupported,
            other => KernelError::Refused(other.desc().to_owned()),
        }
    }

    /// The same, with the kernel's own words where it has any.
    #[cfg(feature = "watch")]
    fn with_words(error: Errno, words: Option<String>) -> KernelError {
        match (KernelError::from_errno(error), words) {
            (KernelError::Refused(_), Some(words)) => KernelError::Refused(words),
            (error, _) => error,
        }
    }

    fn unreadable(error: impl fmt::Display) -> KernelError {
        KernelError::Netlink(format!("an answer that can't be read: {error}"))
    }

    fn no_answer() -> KernelError {
        KernelError::Netlink("the kernel did not answer".into())
    }
}

/// What is asked of a kernel.
#[allow(async_fn_in_trait)]
pub trait FeatureKernel {
    /// All features of the NIC.
    async fn get(&mut self, ifindex: u32) -> Result<Features, KernelError>;

    /// Asks for these features to be on (`true`) or off. That it is acknowledged does not say
    /// that it was done. One name that the kernel does not know refuses the whole request.
    async fn set(&mut self, ifindex: u32, wanted: &[(&str, bool)]) -> Result<Changes, KernelError>;

    /// The NIC's settings of this family; `NotSupported` if it has none.
    async fn read(&mut self, ifindex: u32, family: Family) -> Result<Reading, KernelError>;

    /// Asks for these settings of this family. One that is not possible refuses all of them.
    async fn write(
        &mut self,
        ifindex: u32,
        family: Family,
        values: &[(&str, Value)],
    ) -> Result<(), KernelError>;
}
