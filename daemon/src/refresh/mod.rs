//! Refreshing of cache tables: from a claimed run to rows in the tables.
//!
//! One run has one snapshot, so that its reports agree with each other. The read transaction has ended before
//! the first report is built; building happens on a blocking thread and writing on another, a group at a
//! time.

mod active_run;
mod availability;
mod build;
mod config;
mod error;
mod fence;
pub mod find;
mod guard;
mod lists;
mod lost;
pub mod plan;
mod prepare;
mod rehearsal_inputs;
mod renewal_times;
mod run;
mod scope;
mod sources;
pub mod survey;
mod table;
mod table_refresh;
mod unchanged;
mod withhold;
mod worker;

pub use active_run::ActiveRun;
pub use availability::{Availability, availability};
pub use config::{ConfigureError, RefreshConfig};
pub use error::{Decision, Loss, RefreshError};
pub(crate) use fence::off_thread;
pub use guard::{SeenLoss, TableGuard};
pub(crate) use guard::{row_counts, suspicion};
pub(crate) use lost::forgotten;
pub use rehearsal_inputs::{RehearsalInputs, rehearsal_inputs};
pub use renewal_times::RenewalTimes;
pub use run::Refresher;
pub use scope::RefreshScope;
pub(crate) use survey::{expected_keys, read_tables};
pub use table::{TableResult, refresh_table};
pub use table_refresh::{Selection, TableRefresh, Timings};
pub use worker::{work_off, work_until};
