//! Single connections to VMS's file, for work that a pool does not allow, and copying the log into the file.

use std::time::Duration;

use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::sqlx::{self, AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::anchor::{Anchor, LOCK, Pauses};
use super::error::VmsError;
use super::file::log_size;
use super::gateway::{Access, Gateway, connecting};

impl Gateway {
    /// Opens one connection, for work that a pool does not allow.
    pub(crate) async fn connect(&self, access: Access) -> Result<SqliteConnection, VmsError> {
        let mut pauses = Pauses::new(self.lock_timeout);
        loop {
            let anchor = self.anchor().await?;
            let connected = Box::pin(self.connected(access, &anchor)).await;
            anchor.release().await;
            if !matches!(connected, Err(VmsError::Locked { .. })) || !pauses.again().await {
                return connected;
            }
        }
    }

    async fn connected(&self, access: Access, anchor: &Anchor) -> Result<SqliteConnection, VmsError> {
        // No statement waits for a lock while the anchor exists.
        let options = self.options(access, anchor.write_ahead).busy_timeout(Duration::ZERO);
        let mut connection = options.connect().await.map_err(|error| self.opening(connecting(error)))?;
        let ready = async {
            let first = if access == Access::Write { "BEGIN IMMEDIATE" } else { LOCK };
            for sql in [first, &self.busy_timeout()] {
                let done = sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await;
                done.map_err(|error| self.opening(connecting(error)))?;
            }
            self.ensure_is(anchor.file)
        };
        match ready.await {
            Ok(()) => Ok(connection),
            Err(error) => {
                // If closing fails, the connection is gone as well.
                let _ = connection.close().await;
                Err(error)
            }
        }
    }

    /// Copies the write-ahead log into the database file and empties it, so that a copy of the file alone is
    /// complete and no old log can be replayed over a restored file.
    ///
    /// It neither waits for other processes nor makes them wait: they read and write while the log is copied. A log
    /// that has been copied completely is emptied; that takes the write lock for an instant, and is skipped while
    /// another process reads or writes. A later call does what was not possible now, so errors are ignored.
    pub(crate) async fn fold_log(&self) {
        if log_size(self.path()) == 0 {
            return;
        }
        let Ok(mut connection) = self.with_lock_timeout(Duration::ZERO).connect(Access::Whole).await else {
            return;
        };
        if let Ok((0, frames, copied)) = checkpoint(&mut connection, "PRAGMA wal_checkpoint(PASSIVE)").await
            && frames == copied
        {
            let _ = checkpoint(&mut connection, "PRAGMA wal_checkpoint(TRUNCATE)").await;
        }
        let _ = connection.close().await;
    }
}

/// Returns whether it was blocked, the number of frames in the log, and how many of them have been copied.
async fn checkpoint(connection: &mut SqliteConnection, sql: &'static str) -> sqlx::Result<(i32, i32, i32)> {
    sqlx::query_as(sql).fetch_one(connection).await
}
