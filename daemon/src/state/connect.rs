//! Connections to the state database: a check that changes nothing first, then the pools. Each lane of
//! readers has connections of its own, so that none can starve another.

use std::path::Path;
use std::time::Duration;

use cached_migrations::state::{differing_columns, migrate, unknown_migrations};
use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, Statement, TryGetable};

use super::{APPLICATION_ID, StateError};
use crate::sqlite::{NOTADB, replace_stuck, sqlite_code};

/// A backup that copies the file may hold it for a moment.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Most reading connections of a lane; more would only wait for the same disk.
const READING: u32 = 4;
/// How long work waits for a connection: it is not urgent, and pruning a long history takes a while.
pub(super) const WORK_TIMEOUT: Duration = Duration::from_secs(30);
/// How long others wait: their callers would rather try again.
pub(super) const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that has been idle for this long is closed, with the memory of its statements; one of each lane stays
/// open.
const IDLE: Duration = Duration::from_secs(10);
/// Kilobytes that a connection caches. The pages are in the system's cache anyway, and otherwise each connection that
/// has read the history once would keep `SQLite`'s default of two megabytes.
const CACHED: &str = "-256";

const CORRUPT: i32 = 11;

/// A group of readers that share connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// The worker, the schedule, and everything else that keeps the caches fresh.
    Work,
    /// The service manager's watchdog, monitoring, and the health checks that notifications are based on.
    Probes,
    /// Clients of the web pages and of the control socket.
    Readers,
}

/// The reading connections of each lane.
#[derive(Debug, Clone)]
pub(super) struct Lanes {
    pub(super) work: DatabaseConnection,
    pub(super) probes: DatabaseConnection,
    pub(super) readers: DatabaseConnection,
}

impl Lanes {
    pub(super) const fn of(&self, lane: Lane) -> &DatabaseConnection {
        match lane {
            Lane::Work => &self.work,
            Lane::Probes => &self.probes,
            Lane::Readers => &self.readers,
        }
    }

    pub(super) fn each(&mut self) -> [&mut DatabaseConnection; 3] {
        [&mut self.work, &mut self.probes, &mut self.readers]
    }
}

/// The same connection for every lane.
impl From<DatabaseConnection> for Lanes {
    fn from(only: DatabaseConnection) -> Self {
        Self { work: only.clone(), probes: only.clone(), readers: only }
    }
}

/// Checks that the database is a sound state database of a known version. Changes nothing, except that SQLite rolls
/// back or completes what a crash left unfinished.
pub(super) async fn probe(path: &Path) -> Result<(), StateError> {
    let reading = |o: SqliteConnectOptions| o.pragma("query_only", "ON");
    let db = connect(path, 1, WORK_TIMEOUT, reading).await.map_err(|e| broken(path, e))?;
    let verdict = judge(path, &db).await;
    let closed = db.close().await;
    verdict?;
    closed.map_err(|source| StateError::Prepare { path: path.to_owned(), source })
}

async fn judge(path: &Path, db: &DatabaseConnection) -> Result<(), StateError> {
    let broken = |e: DbErr| broken(path, e);
    let id: i64 = one(db, "PRAGMA application_id").await.map_err(broken)?;
    let tables: i64 = one(db, "SELECT count(*) FROM sqlite_schema").await.map_err(broken)?;
    if id != i64::from(APPLICATION_ID) && (id != 0 || tables != 0) {
        let found = u32::try_from(id).unwrap_or_default();
        return Err(StateError::Foreign { path: path.to_owned(), found });
    }
    let check: String = one(db, "PRAGMA quick_check(1)").await.map_err(broken)?;
    if check != "ok" {
        return Err(StateError::Corrupt { path: path.to_owned(), detail: check });
    }
    let unknown = unknown_migrations(db).await.map_err(broken)?;
    if !unknown.is_empty() {
        return Err(StateError::Newer { path: path.to_owned(), unknown: unknown.join(", ") });
    }
    let differing = differing_columns(db).await.map_err(broken)?;
    if differing.is_empty() {
        Ok(())
    } else {
        Err(StateError::Unreleased { path: path.to_owned(), columns: differing.join(", ") })
    }
}

/// Opens the writing connection and the reading connections of each lane, and migrates the schema. Work waits for a
/// connection as long as `work_timeout`, others as long as `probe_timeout`.
pub(super) async fn pools(
    path: &Path,
    work_timeout: Duration,
    probe_timeout: Duration,
) -> Result<(DatabaseConnection, Lanes), StateError> {
    let prepare = |source| StateError::Prepare { path: path.to_owned(), source };
    let writing = |o: SqliteConnectOptions| {
        o.journal_mode(SqliteJournalMode::Wal)
            // A slot whose decision is lost in a power cut would run twice, and an accepted request would
            // vanish; the few commits of a night are worth their fsync.
            .synchronous(SqliteSynchronous::Full)
            .pragma("application_id", APPLICATION_ID.to_string())
    };
    let write = connect(path, 1, work_timeout, writing).await.map_err(prepare)?;
    migrate(&write).await.map_err(prepare)?;
    let reading = |o: SqliteConnectOptions| o.pragma("query_only", "ON");
    let lane = async |timeout| connect(path, READING, timeout, reading).await.map_err(prepare);
    let (work, probes) = (lane(work_timeout).await?, lane(probe_timeout).await?);
    Ok((write, Lanes { work, probes, readers: lane(probe_timeout).await? }))
}

/// Opens one read-only connection.
pub(super) async fn read_only(path: &Path) -> Result<DatabaseConnection, StateError> {
    probe(path).await?;
    connect(path, 1, WORK_TIMEOUT, |o| o.pragma("query_only", "ON"))
        .await
        .map_err(|error| broken(path, error))
}

async fn connect<F>(
    path: &Path,
    connections: u32,
    timeout: Duration,
    adjust: F,
) -> Result<DatabaseConnection, DbErr>
where
    F: Fn(SqliteConnectOptions) -> SqliteConnectOptions + Send + Sync + 'static,
{
    let path = path.to_owned();
    // The path is not part of the URL, in which some file names would have another meaning.
    let mut options = ConnectOptions::new("sqlite://state.db");
    options.map_sqlx_sqlite_pool_opts(replace_stuck);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(timeout)
        .idle_timeout(IDLE)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |_| adjust(self::options(&path)));
    Database::connect(options).await
}

/// How every connection is opened.
pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("cache_size", CACHED)
        .disable_statement_logging()
}

async fn one<T: TryGetable>(db: &DatabaseConnection, sql: &str) -> Result<T, DbErr> {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await?.ok_or_else(|| DbErr::RecordNotFound(sql.to_owned()))?;
    row.try_get_by_index(0)
}

/// Classifies an error: `SQLite` reports damage as an error of whichever statement encounters it.
fn broken(path: &Path, error: DbErr) -> StateError {
    match sqlite_code(&error) {
        Some(CORRUPT | NOTADB) => StateError::Corrupt { path: path.to_owned(), detail: error.to_string() },
        _ => StateError::Prepare { path: path.to_owned(), source: error },
    }
}
