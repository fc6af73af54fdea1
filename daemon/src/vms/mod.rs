//! VMS's database: how it is opened, what it must contain, and how it writes time and enums.

pub mod connect;
pub mod enums;
pub mod error;
mod holds;
pub mod schema;
pub mod tables;
pub mod time;

pub use connect::Vms;
pub use error::VmsError;
pub use holds::{HOLD_BOUNDS, LockHolds, LockMeter};
pub use schema::Schema;
