//! A fault around the daemon is reported with its cause and a remedy, costs no cache row, and is cleared when
//! its cause is gone.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod clock;
mod disk_full;
mod file_limit;
mod log_full;
mod mounts;
mod panic;
mod read_only;
mod replaced;
mod scene;
mod state_damaged;
mod state_full;
mod tamed;
mod vms_page;
