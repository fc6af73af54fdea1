//! The control socket: access control, protocol and verbs, with one file per verb.
//!
//! A client cannot affect more than its own connection: every wait for it has a limit, the number of
//! connections has one, and only one request at a time reads VMS's database.

pub(crate) mod backup;
mod caller;
pub(crate) mod cancel;
mod dispatch;
pub(crate) mod fault;
pub(crate) mod get;
mod groups;
pub(crate) mod health;
pub(crate) mod history;
mod inherited;
pub(crate) mod invalidate;
pub(crate) mod job;
pub(crate) mod jobs;
pub(crate) mod logs;
pub(crate) mod maintenance;
pub(crate) mod next;
pub(crate) mod notify;
mod peer;
pub(crate) mod ping;
pub(crate) mod refresh;
pub(crate) mod rehearse;
pub(crate) mod reload;
pub(crate) mod report;
pub(crate) mod retry;
mod server;
mod service;
mod session;
mod socket;
pub(crate) mod start_scheduler;
pub(crate) mod status;
pub(crate) mod stop_scheduler;
mod stream;

pub(crate) use caller::Caller;
pub use inherited::{InheritError, Inherited};
pub(crate) use notify::judge;
pub(crate) use reload::Reloads;
pub use server::ConnectionLimits;
pub(crate) use server::{Shutdown, serve};
pub(crate) use service::{Service, Surveyed};
pub use socket::{BindError, Bound, bind, open};
