//! VMS's database: how it is opened and shared, what it must contain, and how it writes time and enums.

pub mod connect;
pub mod enums;
pub mod error;
mod holds;
pub mod rights;
pub mod schema;
pub mod tables;
pub mod time;

pub(crate) use connect::ensure_accessible;
pub use connect::{PATIENCE, Vms};
pub(crate) use error::BUSY_TIMEOUT_SECONDS;
pub use error::VmsError;
pub use holds::{HOLD_BOUNDS, LockHolds, LockMeter};
pub use schema::Schema;
