//! VMS's database: the one owner of its file and of all connections to it, what it must contain, and how it
//! writes time and enums.

mod anchor;
mod connection;
pub mod enums;
mod error;
mod file;
mod gateway;
mod holds;
pub(crate) mod rights;
mod schema;
mod session;
pub mod tables;
pub mod time;
pub(crate) mod users;

pub(crate) use error::BUSY_TIMEOUT_SECONDS;
pub use error::VmsError;
pub(crate) use file::{Footprint, holders, log_size};
pub(crate) use gateway::Access;
pub use gateway::{Gateway, LOCK_TIMEOUT};
pub use holds::{HOLD_BOUNDS, LockHolds, LockMeter};
pub use schema::Schema;
pub use session::Vms;
