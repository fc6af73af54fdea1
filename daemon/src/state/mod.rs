//! The daemon's own database, separate from VMS's: queue, history, slots, counters.

mod chores;
mod connect;
mod counters;
pub(crate) mod entity;
mod error;
mod file;
mod generations;
mod guard;
mod lock;
mod lost;
mod readiness;
mod settings;
mod sources;
mod stamps;
#[cfg(test)]
mod tests;
mod wipes;

use std::path::{Path, PathBuf};

use lost::OpenFile;

use chrono::{DateTime, Utc};
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

pub(crate) use chores::insert_chore;
pub use chores::{DueChore, FailedChore};
pub(crate) use counters::bump;
pub(crate) use error::Doing;
pub use error::StateError;
pub(crate) use file::examine;
pub use generations::Generation;
pub use guard::{Guarded, GuardedList, HeldRun, SourceCount, Suspect};
pub use lock::{Kept, StateLock};
pub use lost::Lost;
pub use readiness::ReadinessSample;
pub(crate) use settings::{resumed, scheduler_state, take_leaving};
pub use sources::KeptSource;
pub use stamps::{EntryStamp, EntryStamps};
pub use wipes::Wipe;

/// Application id in the header of a state database, so that no other database is ever mistaken for one:
/// "cchd".
pub const APPLICATION_ID: u32 = 0x6363_6864;

/// The open state database; cheap to clone.
#[derive(Debug, Clone)]
pub struct State {
    path: PathBuf,
    /// One connection: writers queue up here instead of waiting for each other inside `SQLite`.
    write: DatabaseConnection,
    read: DatabaseConnection,
    /// Declared after the connections, so that it is closed after them.
    file: OpenFile,
}

impl State {
    /// Opens the state database, and creates it when the file is missing or empty.
    ///
    /// A file that is anything other than a sound state database of this or an older version is an error and
    /// is left exactly as it is. A caller that may meet another process here takes a [`StateLock`] first.
    /// `now` becomes the instant before which a new state counts nothing as missed.
    pub async fn open(path: &Path, now: DateTime<Utc>) -> Result<Self, StateError> {
        file::prepare(path)?;
        connect::probe(path).await?;
        let (write, read) = connect::pools(path).await?;
        let file = OpenFile::open(path)
            .map_err(|source| StateError::Inaccessible { path: path.to_owned(), source })?;
        let state = Self { path: path.to_owned(), write, read, file };
        state.remember_creation(now).await?;
        Ok(state)
    }

    /// Opens a state database read-only, possibly while another process has it open; `None` when there is
    /// none yet. Its schema is not migrated.
    pub async fn look(path: &Path) -> Result<Option<Self>, StateError> {
        let inaccessible = |source| StateError::Inaccessible { path: path.to_owned(), source };
        match std::fs::metadata(path) {
            Ok(found) if found.len() == 0 => return Ok(None),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(inaccessible(source)),
        }
        let read = connect::looking(path).await?;
        let file = OpenFile::open(path).map_err(inaccessible)?;
        Ok(Some(Self { path: path.to_owned(), write: read.clone(), read, file }))
    }

    /// Calls `observer` each time a statement ends.
    pub fn observed(mut self, observer: impl Fn() + Send + Sync + 'static) -> Self {
        let observer = std::sync::Arc::new(observer);
        for connection in [&mut self.write, &mut self.read] {
            let observer = std::sync::Arc::clone(&observer);
            connection.set_metric_callback(move |_| observer());
        }
        self
    }

    /// Path of the database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file was removed, replaced or overwritten while it was open.
    pub fn lost(&self) -> Option<Lost> {
        self.file.lost(&self.path)
    }

    /// The last recorded state of the entries of each cache table.
    pub fn stamps(&self) -> EntryStamps<'_> {
        EntryStamps::new(self)
    }

    /// Closes all connections and folds the write-ahead log into the file.
    pub async fn close(self) -> Result<(), StateError> {
        self.read.close().await.doing("close the connections")?;
        self.write.close().await.doing("close the connections")
    }

    pub(crate) fn reader(&self) -> &DatabaseConnection {
        &self.read
    }

    /// Begins a read transaction: one view for several reads.
    pub(crate) async fn view(&self) -> Result<DatabaseTransaction, StateError> {
        self.read.begin().await.doing("begin to read")
    }

    /// Begins a write transaction. It is `IMMEDIATE`: a transaction that reads first and writes later fails
    /// at once, whatever the busy timeout, when another connection wrote in between. It rolls back when
    /// dropped.
    pub(crate) async fn begin(&self) -> Result<DatabaseTransaction, StateError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.write.begin_with_options(options).await.doing("begin to write")
    }
}
