//! The two schemas: migrations of the state, and VMS's tables.

mod frozen;
mod vms_schema;
