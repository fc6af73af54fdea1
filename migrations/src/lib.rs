//! Schemas: the daemon's own state database, and VMS's tables for demo and tests.

pub mod state;
pub mod vms;
