//! What every connection to an SQLite file needs, whoever's it is.

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
