//! A real kernel, veth pairs, and `ethtool -k` as the witness. Needs root.

mod apply;
mod helper;
mod namespace;
mod propagation;
mod revert;
mod settings;
mod trial;
mod watch;
