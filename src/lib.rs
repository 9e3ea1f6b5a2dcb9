//! unhang keeps Intel e1000e network cards from hanging.
//!
//! One straight way: an event names a [`nic::Nic`], the [`rules`] give a
//! [`rules::Decision`] for it, the kernel's [`features`] make that a [`plan::Plan`],
//! [`apply`] carries it out and gives an [`apply::Outcome`], and [`log`] says so in one line.
//! Nothing else changes a NIC, but [`revert`], which restores it.
//!
//! What came of it is read from logs: [`kernel_log`] finds the driver's hang blocks, [`hang`]
//! joins them to incidents, [`report`] weighs these against the time with and without the rules in force.

pub mod apply;
pub mod chip;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod commands;
#[cfg(feature = "watch")]
pub mod discover;
pub mod features;
#[cfg(feature = "cli")]
pub mod generate;
#[cfg(feature = "cli")]
pub mod hang;
#[cfg(feature = "cli")]
pub mod kernel_log;
pub mod log;
pub mod nic;
#[cfg(feature = "watch")]
pub mod notify;
pub mod plan;
pub mod replace;
#[cfg(feature = "cli")]
pub mod report;
#[cfg(feature = "cli")]
pub mod revert;
pub mod root_files;
pub mod rules;
#[cfg(feature = "cli")]
pub mod running_kernel;
pub mod saved_state;
pub mod settings;
#[cfg(feature = "cli")]
mod style;
pub mod text;
pub mod timeout;
#[cfg(feature = "cli")]
pub mod tips;
mod trust;
#[cfg(feature = "watch")]
pub mod watch;
