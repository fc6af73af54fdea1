//! The daemon's own database: queue, history, slots, counters. Never VMS's.

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
pub use lock::StateLock;
pub use lost::Lost;
pub use readiness::ReadinessSample;
pub(crate) use settings::{resumed, scheduler_state, take_leaving};
pub use sources::KeptSource;
pub use stamps::{EntryStamp, EntryStamps};
pub use wipes::Wipe;

/// Marks a file as ours, so that no other database is ever taken for the state: "cchd".
pub const APPLICATION_ID: u32 = 0x6363_6864;

/// The open state database; cheap to clone.
#[derive(Debug, Clone)]
pub struct State {
    path: PathBuf,
    /// One connection: writers queue up here instead of waiting for each other inside `SQLite`.
    write: DatabaseConnection,
    read: DatabaseConnection,
    /// After the connections: it is closed when they are.
    file: OpenFile,
}

impl State {
    /// Opens the state database, and creates it when the file is missing or empty.
    ///
    /// A file that is anything else than a sound state database of this or an older version is an error and is left
    /// exactly as it is. Whoever may meet another process here holds a [`StateLock`] first. `now` becomes the instant
    /// before which a new state has missed nothing.
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

    /// Opens a state database for looking only, which another process may have open; none when there is none yet. Its
    /// schema is not brought up to date.
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

    /// The same, telling `observer` of each statement as it ends.
    pub fn observed(mut self, observer: impl Fn() + Send + Sync + 'static) -> Self {
        let observer = std::sync::Arc::new(observer);
        for connection in [&mut self.write, &mut self.read] {
            let observer = std::sync::Arc::clone(&observer);
            connection.set_metric_callback(move |_| observer());
        }
        self
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What became of its file behind our back.
    pub fn lost(&self) -> Option<Lost> {
        self.file.lost(&self.path)
    }

    /// How the entries of each cache table were left last.
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

    /// One view for several reads; nothing is written in it.
    pub(crate) async fn view(&self) -> Result<DatabaseTransaction, StateError> {
        self.read.begin().await.doing("begin to read")
    }

    /// A writing transaction. It is `IMMEDIATE`: one that reads first and writes later fails at once, whatever the
    /// busy timeout, when somebody else wrote in between. Dropped, it rolls back.
    pub(crate) async fn begin(&self) -> Result<DatabaseTransaction, StateError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.write.begin_with_options(options).await.doing("begin to write")
    }
}
