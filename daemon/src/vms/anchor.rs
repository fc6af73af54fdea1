//! A read lock on the file itself, so that data of another file is never written into it.
//!
//! SQLite looks for the journal and the log of a database by its name. Suppose the file is renamed while a
//! connection has it open, and another database gets the name, as when a backup is restored. Then the connection
//! mistakes the other database's journal for one that a crash left behind and rolls it back into the file that it
//! has open; the journal of a new database empties that file. In the same way it would copy the other database's log
//! into it.
//!
//! Both need the exclusive lock on the file, which is not granted while another connection has a read lock, and
//! a connection that was opened read-only does neither. So an anchor is such a connection, in a read
//! transaction; every other connection is bound to its log, and begins to write, while an anchor exists, and is
//! closed if the name refers to another file by then. After that, SQLite itself detects that its file was moved.

use std::time::Duration;

use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::sqlx::{self, ConnectOptions as _, Connection as _};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use super::error::VmsError;
use super::gateway::{Access, Gateway, connecting};
use crate::plain_file::FileId;

/// Any read takes the lock; this one also reads the header, so that a file that is not a database is distinguished
/// from a missing table, and returns the journal mode.
pub(super) const LOCK: &str =
    "SELECT count(*), (SELECT journal_mode FROM pragma_journal_mode) FROM sqlite_schema";

/// The first pauses between two attempts to get a lock, in milliseconds. SQLite waits like this, too.
const PAUSES: [u64; 10] = [1, 2, 5, 10, 15, 20, 25, 25, 25, 50];
/// All later pauses.
const LONGEST: u64 = 100;

/// A read lock on the file that had the name when it was taken.
#[derive(Debug)]
pub(super) struct Anchor {
    connection: SqliteConnection,
    /// The file.
    pub(super) file: FileId,
    /// Whether it has a write-ahead log.
    pub(super) write_ahead: bool,
}

impl Gateway {
    /// Takes a read lock on the file. A journal that a crashed process left behind is rolled back first.
    pub(super) async fn anchor(&self) -> Result<Anchor, VmsError> {
        // On the heap: the future of every caller would otherwise be as large as this one.
        match Box::pin(self.try_anchor()).await {
            Err(VmsError::LeftJournal { .. }) => {
                self.recover().await?;
                Box::pin(self.try_anchor()).await
            }
            other => other,
        }
    }

    async fn try_anchor(&self) -> Result<Anchor, VmsError> {
        self.ensure_shared()?;
        let file = self.file()?;
        let options = self.options(Access::Read, false);
        let connection = options.connect().await.map_err(|error| self.opening(connecting(error)))?;
        let mut anchor = Anchor { connection, file, write_ahead: false };
        match anchor.lock().await.map_err(|error| self.opening(connecting(error))) {
            Ok(()) => {}
            Err(error) => {
                anchor.release().await;
                // The journal that SQLite found may be that of the file that has the name now.
                self.ensure_is(file)?;
                return Err(error);
            }
        }
        match self.ensure_is(file) {
            Ok(()) => Ok(anchor),
            Err(replaced) => {
                anchor.release().await;
                Err(replaced)
            }
        }
    }

    /// Rolls back the journal of a process that crashed.
    pub(super) async fn recover(&self) -> Result<(), VmsError> {
        let recovering = async {
            let mut connection = self.options(Access::Whole, true).connect().await?;
            let read = sqlx::query(LOCK).execute(&mut connection).await;
            // If closing fails, the connection is gone as well.
            let _ = connection.close().await;
            read.map(drop)
        };
        Box::pin(recovering).await.map_err(|error| self.opening(connecting(error)))
    }

    /// Checks that the name still refers to this file.
    pub(super) fn ensure_is(&self, file: FileId) -> Result<(), VmsError> {
        if self.file()? == file { Ok(()) } else { Err(VmsError::Replaced { path: self.path().to_owned() }) }
    }
}

impl Anchor {
    async fn lock(&mut self) -> sqlx::Result<()> {
        sqlx::query("BEGIN").execute(&mut self.connection).await?;
        let (_, mode): (i64, String) = sqlx::query_as(LOCK).fetch_one(&mut self.connection).await?;
        self.write_ahead = mode == "wal";
        Ok(())
    }

    /// Releases the lock. A connection that must not be used any more is closed before that.
    pub(super) async fn release(self) {
        // If closing fails, the connection is gone as well.
        let _ = self.connection.close().await;
    }
}

/// Reads, which takes a read lock for as long as the transaction lasts.
pub(super) async fn lock(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    connection.query_one_raw(Statement::from_string(DbBackend::Sqlite, LOCK)).await.map(drop)
}

/// The pauses between attempts to get a lock that another process holds.
///
/// Each attempt releases its own read lock. SQLite would keep it while waiting: another process that has begun to
/// commit waits until all readers have finished, and both would wait for each other.
#[derive(Debug)]
pub(super) struct Pauses {
    left: Duration,
    lengths: std::slice::Iter<'static, u64>,
}

impl Pauses {
    /// Pauses with a total length of `lock_timeout`.
    pub(super) fn new(lock_timeout: Duration) -> Self {
        Self { left: lock_timeout, lengths: PAUSES.iter() }
    }

    /// Pauses before another attempt; false when there is no time left.
    pub(super) async fn again(&mut self) -> bool {
        if self.left.is_zero() {
            return false;
        }
        let length = self.lengths.next().copied().unwrap_or(LONGEST);
        let pause = Duration::from_millis(length).min(self.left);
        self.left -= pause;
        tokio::time::sleep(pause).await;
        true
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes and moves its own files")]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use sea_orm::sqlx::sqlite::SqliteConnectOptions;
    use tempfile::TempDir;

    use super::super::session::Vms;
    use super::*;
    use crate::directory::directory;
    use crate::sqlite::beside;

    const MODES: [&str; 2] = ["DELETE", "WAL"];
    /// Begins a transaction whose journal is on the disk before it is committed: only then does SQLite consider it
    /// one that a crash left behind.
    const SPILL: &str = "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN IMMEDIATE; \
        CREATE TEMP VIEW generate AS \
        WITH n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 2000) SELECT value FROM n";

    /// VMS's database, a session on it that has been used, and where the file is moved to.
    struct Moved {
        dir: TempDir,
        gateway: Gateway,
        vms: Vms,
    }

    async fn connect(path: &Path) -> SqliteConnection {
        SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
    }

    async fn run(connection: &mut SqliteConnection, sql: &'static str) {
        sqlx::raw_sql(sql).execute(connection).await.unwrap();
    }

    /// A database in this journal mode with a row and no connections.
    async fn database(path: &Path, mode: &str) {
        let mut vms = connect(path).await;
        let pragma = if mode == "WAL" { "PRAGMA journal_mode = WAL" } else { "PRAGMA journal_mode = DELETE" };
        run(&mut vms, pragma).await;
        run(&mut vms, "CREATE TABLE event (x); INSERT INTO event VALUES (1)").await;
        vms.close().await.unwrap();
    }

    impl Moved {
        async fn new(mode: &str) -> Self {
            let dir = directory();
            let gateway =
                Gateway::new(&dir.path().join("vms.db")).with_lock_timeout(Duration::from_millis(50));
            database(gateway.path(), mode).await;
            let vms = gateway.open().await.unwrap();
            assert_eq!(vms.count("event", "counting").await.unwrap(), 1);
            Self { dir, gateway, vms }
        }

        fn kept(&self) -> PathBuf {
            self.dir.path().join("kept.db")
        }

        /// Moves the file, and writes to another database with its name: the transaction is in progress.
        async fn replace_by_another(&self) -> SqliteConnection {
            fs::rename(self.gateway.path(), self.kept()).unwrap();
            let mut other = connect(self.gateway.path()).await;
            run(&mut other, SPILL).await;
            run(&mut other, "CREATE TABLE shopping (item)").await;
            run(&mut other, "INSERT INTO shopping SELECT hex(value) FROM generate").await;
            other
        }

        /// Checks that the file is unchanged once everything is closed, and the other database is intact.
        async fn unharmed(self, mut other: SqliteConnection, before: &[u8]) {
            run(&mut other, "COMMIT; INSERT INTO shopping VALUES ('bread')").await;
            self.vms.close().await;
            assert_eq!(fs::read(self.dir.path().join("kept.db")).unwrap(), before);
            other.close().await.unwrap();
        }
    }

    /// The journal of the new database says that it was empty before: rolled back, it would empty the old one.
    #[tokio::test]
    async fn the_journal_of_a_database_that_took_the_name_is_not_rolled_back_by_a_reader() {
        let moved = Moved::new("DELETE").await;
        let before = fs::read(moved.gateway.path()).unwrap();
        let other = moved.replace_by_another().await;
        assert!(beside(moved.gateway.path(), "-journal").exists());
        let read = moved.vms.count("event", "counting").await.unwrap_err();
        assert!(matches!(read, VmsError::Replaced { .. }), "{read}");
        let written = moved.vms.begin_write().await.map(drop).unwrap_err();
        assert!(matches!(written, VmsError::Replaced { .. }), "{written}");
        assert!(beside(moved.gateway.path(), "-journal").exists());
        moved.unharmed(other, &before).await;
    }

    #[tokio::test]
    async fn the_journal_of_a_database_that_took_the_name_is_not_rolled_back_by_a_writer() {
        let moved = Moved::new("DELETE").await;
        let before = fs::read(moved.gateway.path()).unwrap();
        // Connected before the file is moved.
        moved.vms.begin_write().await.unwrap().rollback().await.unwrap();
        let anchor = moved.gateway.anchor().await.unwrap();
        let other = moved.replace_by_another().await;
        let begun = moved.vms.begin_at_once().await.map(drop).unwrap_err();
        assert!(matches!(begun, VmsError::Locked { .. }), "{begun}");
        assert!(moved.gateway.ensure_is(anchor.file).is_err());
        anchor.release().await;
        moved.unharmed(other, &before).await;
    }

    #[tokio::test]
    async fn a_session_whose_file_was_moved_refuses_to_write() {
        for mode in MODES {
            let moved = Moved::new(mode).await;
            let before = fs::read(moved.gateway.path()).unwrap();
            let mut other = moved.replace_by_another().await;
            run(&mut other, "COMMIT; BEGIN").await;
            let refused = moved.vms.begin_write().await.map(drop).unwrap_err();
            assert!(matches!(refused, VmsError::Replaced { .. }), "{mode}: {refused}");
            moved.unharmed(other, &before).await;
        }
    }

    #[tokio::test]
    async fn a_journal_that_a_crash_left_is_rolled_back_when_the_file_is_opened() {
        let dir = directory();
        let path = |name: &str| dir.path().join(name);
        database(&path("live.db"), "DELETE").await;
        let mut live = connect(&path("live.db")).await;
        run(&mut live, SPILL).await;
        run(&mut live, "INSERT INTO event SELECT hex(value) FROM generate").await;
        // As after a power cut.
        for suffix in ["", "-journal"] {
            fs::copy(beside(&path("live.db"), suffix), beside(&path("vms.db"), suffix)).unwrap();
        }
        live.close().await.unwrap();
        assert!(fs::metadata(path("vms.db")).unwrap().len() > 3 * 4096, "some of it is written");
        let gateway = Gateway::new(&path("vms.db"));
        let vms = gateway.open().await.unwrap();
        assert_eq!(vms.count("event", "counting").await.unwrap(), 1);
        assert!(!beside(gateway.path(), "-journal").exists());
        vms.close().await;
    }

    #[tokio::test]
    async fn a_committing_writer_and_a_waiting_writer_do_not_deadlock() {
        for mode in MODES {
            let dir = directory();
            let gateway = Gateway::new(&dir.path().join("vms.db"));
            database(gateway.path(), mode).await;
            let vms = gateway.open().await.unwrap();
            let mut other = connect(gateway.path()).await;
            run(&mut other, "PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; INSERT INTO event VALUES (2)").await;
            let commits = async {
                // A short-lived reader may be in the way, but none that itself waits.
                while sqlx::raw_sql("COMMIT").execute(&mut other).await.is_err() {
                    tokio::task::yield_now().await;
                }
            };
            let (begun, ()) = tokio::join!(vms.begin_write(), commits);
            begun.unwrap().commit().await.unwrap();
            other.close().await.unwrap();
            vms.close().await;
        }
    }
}
