//! VMS's database: how it is opened, what it must contain, and how it writes time and enums.

pub mod connect;
pub mod enums;
pub mod error;
pub mod schema;
pub mod tables;
pub mod time;

pub use connect::{PATIENCE, Vms};
pub use error::VmsError;
pub use schema::Schema;
