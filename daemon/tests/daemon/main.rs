//! Tests of the daemon in this process, over a directory of its own, through its socket.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]
#![expect(clippy::disallowed_methods, reason = "a test writes and damages its own files")]

mod boot;
mod components;
mod demo;
/// Shared with the tests of the real binaries.
#[path = "../../../tests/support/directory.rs"]
pub mod directory;
mod guard;
mod hostile;
mod lifecycle;
mod locks;
mod maintenance;
mod notify;
/// Shared with the tests of the real binaries.
#[path = "../../../tests/support/passing.rs"]
pub mod passing;
mod queue;
mod reload;
mod schedule;
/// Shared with the tests of the real binaries.
#[path = "../../../tests/support/session.rs"]
pub mod session;
mod truth;
mod verbs;
mod web_api;
mod web_client;
mod web_compat;
mod web_limits;
mod web_metrics;
mod web_openapi;
mod web_pages;
mod web_plots;
mod web_refusals;
mod web_trouble;
