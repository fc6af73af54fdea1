//! The daemon's own database, separate from VMS's: queue, history, slots, counters.

mod connect;
mod error;
mod file;
mod generated;
mod guard;
mod lock;
mod samples;
mod settings;
mod stored;
mod tasks;
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes and damages its own files")]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::sqlx::{self, ConnectOptions as _};
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

use crate::plain_file::FileId;

pub use connect::Lane;
use connect::Lanes;
pub(crate) use error::ErrorContext;
pub use error::StateError;
pub use file::Lost;
pub(crate) use file::examine;
pub use generated::{EntryStamp, EntryStamps, KeptSource};
pub use guard::{Guarded, GuardedList, SourceCount, Suspect};
pub use lock::{Kept, StateLock};
pub use samples::{ReadinessSample, Rewrite, Wipe};
pub(crate) use settings::{bump, resumed, scheduler_state, take_recorded_stop};
use stored::put;
pub(crate) use stored::{count, instant, known, micros, stored, table, word};
pub(crate) use tasks::insert_task;
pub use tasks::{DueTask, FailedTask};

fn identity(path: &Path) -> Result<FileId, StateError> {
    FileId::at(path).map_err(|source| StateError::Inaccessible { path: path.to_owned(), source })
}

/// Application id in the header of a state database, so that no other database is ever mistaken for one:
/// "cchd".
pub const APPLICATION_ID: u32 = 0x6363_6864;

/// The open state database; cheap to clone.
#[derive(Debug, Clone)]
pub struct State {
    path: PathBuf,
    /// One connection: writers queue up here instead of waiting for each other inside `SQLite`.
    write: DatabaseConnection,
    lanes: Arc<Lanes>,
    /// The lane that this clone reads in.
    lane: Lane,
    file: FileId,
}

impl State {
    /// Opens the state database, and creates it when the file is missing or empty.
    ///
    /// A file that is anything other than a sound state database of this or an older version is an error and
    /// is not changed. A caller that may compete with another process takes a [`StateLock`] first.
    /// In a new state, slots before `now` do not count as missed.
    pub async fn open(path: &Path, now: DateTime<Utc>) -> Result<Self, StateError> {
        Self::open_waiting(path, now, connect::WORK_TIMEOUT, connect::PROBE_TIMEOUT).await
    }

    /// Like [`open`](Self::open): work waits for a connection as long as `work_timeout`, others as long as
    /// `probe_timeout`.
    pub(crate) async fn open_waiting(
        path: &Path,
        now: DateTime<Utc>,
        work_timeout: Duration,
        probe_timeout: Duration,
    ) -> Result<Self, StateError> {
        file::prepare(path).await?;
        let file = identity(path)?;
        connect::probe(path).await?;
        let (write, lanes) = connect::pools(path, work_timeout, probe_timeout).await?;
        let (lanes, lane) = (Arc::new(lanes), Lane::Work);
        let state = Self { path: path.to_owned(), write, lanes, lane, file };
        state.remember_creation(now).await?;
        Ok(state)
    }

    /// Opens a state database read-only, possibly while another process has it open; `None` if there is
    /// none yet. Its schema is not migrated.
    pub async fn open_read_only(path: &Path) -> Result<Option<Self>, StateError> {
        let file = match std::fs::metadata(path) {
            Ok(found) if found.len() == 0 => return Ok(None),
            Ok(found) => FileId::of(&found),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StateError::Inaccessible { path: path.to_owned(), source }),
        };
        let read = connect::read_only(path).await?;
        let (write, lanes, lane) = (read.clone(), Arc::new(read.into()), Lane::Work);
        Ok(Some(Self { path: path.to_owned(), write, lanes, lane, file }))
    }

    /// The same database, read through the connections of another lane. [`open`](Self::open) returns it on
    /// [`Lane::Work`].
    pub fn on(&self, lane: Lane) -> Self {
        Self { lane, ..self.clone() }
    }

    /// Calls `observer` each time a statement ends.
    pub fn observed(mut self, observer: impl Fn() + Send + Sync + 'static) -> Self {
        let observer = Arc::new(observer);
        for connection in Arc::make_mut(&mut self.lanes).each().into_iter().chain([&mut self.write]) {
            let observer = Arc::clone(&observer);
            connection.set_metric_callback(move |_| observer());
        }
        self
    }

    /// Path of the database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file was removed, replaced or overwritten while it was open.
    pub async fn lost(&self) -> Option<Lost> {
        file::lost(&self.path, self.file).await
    }

    /// Opens a reading connection of its own, for work that a pool does not allow.
    pub(crate) async fn connection(&self) -> Result<SqliteConnection, sqlx::Error> {
        connect::options(&self.path).pragma("query_only", "ON").connect().await
    }

    /// The last recorded state of the entries of each cache table.
    pub fn stamps(&self) -> EntryStamps<'_> {
        EntryStamps::new(self)
    }

    /// Closes all connections and copies the write-ahead log into the file.
    pub async fn close(self) -> Result<(), StateError> {
        let Lanes { work, probes, readers } = Arc::unwrap_or_clone(self.lanes);
        for read in [work, probes, readers] {
            read.close().await.context("close the connections")?;
        }
        self.write.close().await.context("close the connections")
    }

    pub(crate) fn reader(&self) -> &DatabaseConnection {
        self.lanes.of(self.lane)
    }

    /// Begins a read transaction: one consistent view for several reads.
    pub(crate) async fn view(&self) -> Result<DatabaseTransaction, StateError> {
        self.reader().begin().await.context("begin to read")
    }

    /// Begins a write transaction. It is `IMMEDIATE`: a transaction that reads first and writes later fails
    /// at once, whatever the busy timeout, when another connection wrote in between. It rolls back when
    /// dropped.
    pub(crate) async fn begin(&self) -> Result<DatabaseTransaction, StateError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.write.begin_with_options(options).await.context("begin to write")
    }
}
