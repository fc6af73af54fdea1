//! The daemon that keeps VMS's report caches: everything but its command line.

pub mod clock;
pub mod queue;
pub mod schedule;
pub mod state;
