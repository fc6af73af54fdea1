//! The control socket: who may connect, what is said, and what it comes to; one file per verb.
//!
//! A client can cost us its connection and nothing else: every wait for it has a limit, the number of
//! connections has one, and only one request at a time looks at VMS's database.

mod cancel;
mod dispatch;
mod fault;
mod get;
mod groups;
mod health;
mod history;
mod inherited;
mod invalidate;
mod job;
mod jobs;
mod next;
mod notify;
mod peer;
mod ping;
mod refresh;
mod rehearse;
mod report;
mod retry;
mod server;
mod service;
mod session;
mod socket;
mod start_scheduler;
mod status;
mod stop_scheduler;

pub use inherited::{InheritError, Inherited};
pub(crate) use notify::judge;
pub use server::Limits;
pub(crate) use server::{Ending, serve};
pub(crate) use service::Service;
pub use socket::{BindError, Bound, bind, open};
