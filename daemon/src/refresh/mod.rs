//! Refreshing of cache tables: from a claimed run to rows in the tables.
//!
//! One run has one snapshot, so that its reports agree with each other. The read transaction has ended before
//! the first report is built. Computing, serializing and writing happen on a thread each, a few groups ahead of
//! one another.

mod attempt;
mod build;
mod compute;
mod config;
mod error;
mod guard;
mod run;
mod source;
pub mod survey;
mod table;
mod worker;

pub use crate::jobs::RefreshScope;
pub use attempt::Refresher;
pub use build::Timings;
pub(crate) use build::off_thread;
pub use compute::{Selection, TableRefresh};
pub use config::{ConfigureError, RefreshConfig};
pub use error::{Decision, Loss, RefreshError};
pub use guard::{KnownLoss, TableGuard};
pub(crate) use guard::{row_counts, suspicion};
pub use run::ActiveRun;
pub use source::{Availability, availability};
pub(crate) use source::{forgotten, read_tables, recall};
pub(crate) use survey::expected_keys;
pub use survey::{RehearsalInputs, RenewalTimes, rehearsal_inputs};
pub use table::{BYTES_PER_WRITE, ENTRIES_PER_WRITE, TableResult, refresh_table};
pub use worker::{run_until_ended, run_until_stopped};
