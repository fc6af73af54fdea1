//! Common parts of all connections to SQLite files.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use sea_orm::sqlx::pool::PoolOptions;
use sea_orm::sqlx::{self, Connection as _, Sqlite};
use sea_orm::{DbErr, RuntimeErr};

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

/// The header that every `SQLite` file begins with.
pub(crate) const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Whether an `SQLite` file exists and can be read: cheap, and without any lock.
pub(crate) fn is_readable(path: &Path) -> bool {
    let mut begin = [0; MAGIC.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut begin)).is_ok() && begin == *MAGIC
}

/// Returns SQLite's primary result code behind an error.
pub(crate) fn sqlite_code(error: &DbErr) -> Option<i32> {
    let (DbErr::Conn(RuntimeErr::SqlxError(cause))
    | DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))) = error
    else {
        return None;
    };
    let sqlx::Error::Database(database) = cause.as_ref() else { return None };
    // The extended code carries the primary one in its low byte.
    database.code()?.parse::<i32>().ok().map(|code| code & 0xff)
}
