//! What the lines of a kernel log mean: `decode` explains the registers of a hang block,
//! `incidents` joins blocks, `lookalikes` names what is something else, `unhang_lines`
//! reads our own lines, and `settings` names what they say is set.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "jiffies from a log are bounded where they are parsed"
)]

pub mod decode;
mod incident;
pub mod incidents;
mod lookalikes;
mod settings;
pub mod unhang_lines;

pub use incident::{EndedBy, Incident, LoggedNic};
pub use lookalikes::Lookalike;
pub use settings::Settings;
