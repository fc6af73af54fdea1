//! VMS's database: the one owner of its file and of all connections to it, what it must contain, and how it
//! writes time and enums.

pub mod connect;
pub mod enums;
pub mod error;
pub(crate) mod file;
pub(crate) mod holders;
mod holds;
pub mod rights;
pub mod schema;
pub mod tables;
pub mod time;

pub(crate) use connect::{Access, connect, fold_log};
pub use connect::{PATIENCE, Vms};
pub(crate) use error::BUSY_TIMEOUT_SECONDS;
pub use error::VmsError;
pub(crate) use file::{FileId, Footprint, ensure_accessible, is_readable, log_size};
pub use holds::{HOLD_BOUNDS, LockHolds, LockMeter};
pub use schema::Schema;
