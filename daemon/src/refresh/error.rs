//! Why a table, or a whole run, was not refreshed.

use crate::queue::QueueError;
use crate::snapshot::SnapshotError;
use crate::state::{GuardedList, StateError};
use crate::store::StoreError;
use crate::vms::VmsError;

/// Why a table was not refreshed; its old entries stand.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// VMS's database cannot be used.
    #[error(transparent)]
    Vms(#[from] VmsError),
    /// The source could not be read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// An entry could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The daemon's own database failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The report panicked; only this table is affected.
    #[error("the report panicked: {0}; this is a bug, the old rows stand")]
    Panicked(String),
    /// One of its lists would lose too much.
    #[error(
        "{} would go from {before} to {} records; the old rows stand until `cachectl refresh --accept`, or until \
         two scheduled runs in a row see the same",
        .list.list,
        .list.items
    )]
    Guarded {
        /// The list, and what would be left of it.
        list: GuardedList,
        /// What is there.
        before: u64,
    },
    /// Nothing generates the table.
    #[error("nothing generates {0}")]
    NoReport(cached_proto::words::Table),
}

impl RefreshError {
    /// Whether somebody else wrote meanwhile, so that a newer snapshot may succeed.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_conflict())
    }
}
