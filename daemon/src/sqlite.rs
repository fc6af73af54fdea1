//! Common parts of all connections to SQLite files.

use std::path::{Path, PathBuf};

use sea_orm::sqlx::pool::PoolOptions;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::sqlx::{self, ConnectOptions as _, Connection as _, Sqlite};
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};

/// Endings of the names of files that SQLite keeps beside a database.
pub(crate) const SIDE_FILES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Returns the path of a file beside a database: its name with an ending appended.
pub(crate) fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// Replaces connections whose transaction could not be ended.
///
/// On a full disk SQLite rolls a transaction back by itself. sqlx's own rollback then fails, and sqlx
/// considers the transaction open from then on: every later transaction on that connection would be refused
/// until the process ends.
pub(crate) fn replace_stuck(options: PoolOptions<Sqlite>) -> PoolOptions<Sqlite> {
    options.before_acquire(|connection, _| {
        let is_free = !connection.is_in_transaction();
        Box::pin(async move { Ok(is_free) })
    })
}

/// Reads the application id from the header of a database file; 0 for an empty file. For any other file the result is
/// SQLite's error `NOTADB`.
///
/// This takes no lock, reads no log or journal, and creates or changes nothing. SQLite opens the file,
/// because its descriptor must not be closed while other connections of this process have locks on the file:
/// that would release them.
pub(crate) async fn application_id(path: &Path) -> Result<u32, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .immutable(true)
        // The size in the header may be ahead of the file while another process writes a log back.
        .pragma("writable_schema", "ON");
    let mut connection = options.connect().await?;
    let id: Result<i32, _> = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut connection).await;
    connection.close().await?;
    id.map(i32::cast_unsigned)
}

/// Returns SQLite's primary result code behind an error.
pub(crate) fn sqlite_code(error: &DbErr) -> Option<i32> {
    extended_code(error).map(primary)
}

/// Returns SQLite's extended result code behind an error.
pub(crate) fn extended_code(error: &DbErr) -> Option<i32> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => code(cause),
        _ => None,
    }
}

/// Whether a statement failed only because the database was in use for too long: no connection was free, or
/// the file stayed locked.
pub(crate) fn is_busy(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => true,
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
            matches!(cause.as_ref(), sqlx::Error::PoolTimedOut)
                || matches!(primary_code(cause), Some(BUSY | LOCKED))
        }
        _ => false,
    }
}

/// Returns SQLite's primary result code of an error of sqlx.
pub(crate) fn primary_code(error: &sqlx::Error) -> Option<i32> {
    code(error).map(primary)
}

fn code(error: &sqlx::Error) -> Option<i32> {
    let sqlx::Error::Database(database) = error else { return None };
    database.code()?.parse().ok()
}

/// The extended code carries the primary one in its low byte.
const fn primary(code: i32) -> i32 {
    code & 0xff
}

// SQLite's primary result codes.
pub(crate) const BUSY: i32 = 5;
pub(crate) const LOCKED: i32 = 6;
pub(crate) const NOMEM: i32 = 7;
pub(crate) const READONLY: i32 = 8;
pub(crate) const INTERRUPT: i32 = 9;
pub(crate) const IOERR: i32 = 10;
pub(crate) const CORRUPT: i32 = 11;
pub(crate) const FULL: i32 = 13;
pub(crate) const CANTOPEN: i32 = 14;
pub(crate) const PROTOCOL: i32 = 15;
/// The file is not a database.
pub(crate) const NOTADB: i32 = 26;

// Extended result codes of `READONLY`.
/// A journal would have to be rolled back.
pub(crate) const READONLY_ROLLBACK: i32 = 776;
/// The file was moved since it was opened.
pub(crate) const READONLY_DBMOVED: i32 = 1032;
