//! The control socket: access control, sessions and streams; what the verbs do is in `service`.
//!
//! A client cannot affect more than its own connection: every wait for it has a limit, the number of
//! connections has one, and only one request at a time reads VMS's database.

mod inherited;
mod peer;
mod server;
mod session;
mod socket;

pub use inherited::{InheritError, Inherited};
pub(crate) use server::serve;
pub use session::ConnectionLimits;
pub use socket::{BindError, Bound, bind, open};
