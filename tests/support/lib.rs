//! Helpers of the end-to-end tests: golden databases, the real binaries, and waiting for conditions.
//!
//! Everything here panics when it fails: it is only ever called from tests.
#![expect(
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "test support"
)]

pub mod binary;
pub mod browser;
pub mod daemon;
pub mod directory;
pub mod fuzz;
pub mod golden;
pub mod history;
pub mod http;
pub mod inside;
pub mod passing;
pub mod rng;
pub mod scratch;
pub mod session;
pub mod vms;
pub mod wait;
pub mod writer;
