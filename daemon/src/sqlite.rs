//! What every connection to an SQLite file needs, whoever's it is.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use sea_orm::sqlx::pool::PoolOptions;
use sea_orm::sqlx::{Connection as _, Sqlite};

/// Replaces a connection whose transaction could not be ended.
///
/// On a full disk SQLite rolls a transaction back by itself. sqlx's own rollback fails then, and it takes the
/// transaction for open from then on: every later one on that connection would be refused until the process ends.
pub(crate) fn replace_stuck(options: PoolOptions<Sqlite>) -> PoolOptions<Sqlite> {
    options.before_acquire(|connection, _| {
        let is_free = !connection.is_in_transaction();
        Box::pin(async move { Ok(is_free) })
    })
}

/// How every `SQLite` file begins.
pub(crate) const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Whether an `SQLite` file is there and can be read: cheap, and without any lock.
pub(crate) fn is_readable(path: &Path) -> bool {
    let mut begin = [0; MAGIC.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut begin)).is_ok() && begin == *MAGIC
}
