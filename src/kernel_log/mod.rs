//! Any kernel log, read as what it says of hangs, links and boots: `lines` finds (`skim` in
//! large files), `reader` and `grammar` read (with `prefix`, `stamp`, `json`, `registers`),
//! `boots` tells runs of the machine apart.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "dates from a log are bounded where they are parsed"
)]

mod boots;
mod ethtool;
mod event;
mod grammar;
mod hosts;
mod json;
mod lines;
mod months;
mod needles;
mod prefix;
mod reader;
mod registers;
mod scan;
pub mod skim;
mod stamp;

pub use boots::{Boot, Boots};
pub use event::{Device, KernelEvent, Seen};
pub use hosts::Hosts;
pub use reader::Reader;
pub use registers::{FIELDS, Field, Registers, read_fields};
pub use scan::SECOND;
pub use stamp::{Clock, Stamp};
