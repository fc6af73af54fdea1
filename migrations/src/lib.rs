//! Schemas that this project creates itself.

pub mod vms;
