//! The hang: what the e1000e driver prints when the transmitter stands still ("Detected
//! Hardware Unit Hang"), read from any kernel log, decoded, and put together to incidents.
//! `lines` finds (`skim` in large files), `reader` and `grammar` read (with `prefix`, `stamp`,
//! `scan`, `json`), `boots` tells runs of the machine apart, `decode` explains
//! registers, `incidents` joins blocks, `lookalikes` names what is something else.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "dates and jiffies from a log are bounded where they are parsed"
)]

pub mod boots;
pub mod decode;
pub mod event;
mod grammar;
pub mod incidents;
mod json;
mod lines;
pub mod lookalikes;
mod months;
mod needles;
pub mod own;
mod prefix;
pub mod reader;
mod scan;
pub mod skim;
pub mod stamp;

pub use decode::{Field, Registers};
pub use event::{Device, Event, Seen};
pub use incidents::{EndedBy, Incident, Nic};
pub use lookalikes::Lookalike;
pub use reader::Reader;
pub use stamp::{Clock, SECOND, Stamp};
