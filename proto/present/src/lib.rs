//! What the daemon and its client share to present replies to people and scripts: the wording of replies, their JSON,
//! and where a daemon is found.
//!
//! These are pure functions of what crosses the socket. Here is only what both sides use: the caller decides where
//! a text is displayed, and in which colour.

pub mod json;
pub mod place;
pub mod report;

mod verdict;
mod wording;

pub use verdict::{Figure, Tone, Verdict, figures, standing, verdict};
pub use wording::{bytes, count, duration, extent, lacks, moment, percent, spoken};
