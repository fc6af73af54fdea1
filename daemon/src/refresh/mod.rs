//! The work itself: from a claimed run to rows in cache tables.
//!
//! One run has one snapshot, so that its reports agree with each other. The read transaction has ended before
//! the first report is built; building happens on a blocking thread and writing on another, a group at a time.

mod build;
mod config;
mod effort;
mod error;
pub mod find;
mod guard;
mod job;
mod lists;
mod outlook;
pub mod plan;
mod run;
mod scene;
mod sources;
mod standing;
pub mod survey;
mod table;
mod unchanged;
mod withhold;
mod worker;
mod working;

pub use config::{ConfigureError, RefreshConfig};
pub use effort::Effort;
pub use error::{Decision, RefreshError};
pub use guard::TableGuard;
pub(crate) use guard::suspicion;
pub use job::{Job, Timings};
pub use outlook::Outlook;
pub use run::Refresher;
pub use scene::{Scene, scene};
pub use standing::{Standing, standing};
pub(crate) use survey::look;
pub use table::{TableResult, refresh_table};
pub use worker::{work_off, work_until};
pub use working::Working;
