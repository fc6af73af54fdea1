//! A writer next to the daemon that works as VMS's pages do: short deferred transactions, 20 seconds of busy
//! timeout.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sea_orm::sqlx::{self, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::wait;

/// Pause between two transactions.
const PAUSE: Duration = Duration::from_millis(5);

/// Results of a writer's transactions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Number of committed transactions.
    pub committed: u64,
    /// SQLite's errors for the others.
    pub errors: Vec<String>,
}

/// A writer in a thread of this process; it ends when dropped.
#[derive(Debug)]
pub struct Writer {
    stop: Arc<AtomicBool>,
    committed: Arc<AtomicU64>,
    thread: Option<JoinHandle<Written>>,
}

impl Writer {
    /// Starts writing to VMS's database at `path`.
    pub fn start(path: &Path) -> Self {
        let (stop, committed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let thread = {
            let (stop, committed, path) = (Arc::clone(&stop), Arc::clone(&committed), path.to_owned());
            thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(write(&path, &stop, &committed))
            })
        };
        let writer = Self { stop, committed, thread: Some(thread) };
        writer.wait_for_more();
        writer
    }

    /// Waits until another transaction has been committed.
    pub fn wait_for_more(&self) {
        let before = self.committed.load(Ordering::Relaxed);
        wait::until("the writer commits", || (self.committed.load(Ordering::Relaxed) > before).then_some(()));
    }

    /// Stops the writer, closes its connection, and returns its results.
    pub fn stop(mut self) -> Written {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed already.
            let _ = thread.join();
        }
    }
}

async fn write(path: &Path, stop: &AtomicBool, committed: &AtomicU64) -> Written {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(false)
        .busy_timeout(Duration::from_secs(20));
    let mut vms = SqliteConnection::connect_with(&options).await.unwrap();
    let mut written = Written::default();
    while !stop.load(Ordering::Relaxed) {
        match transaction(&mut vms).await {
            Ok(()) => {
                written.committed += 1;
                committed.store(written.committed, Ordering::Relaxed);
            }
            Err(error) => written.errors.push(error.to_string()),
        }
        thread::park_timeout(PAUSE);
    }
    vms.close().await.unwrap();
    written
}

/// A page view that records something and reads it back: its first statement writes, as SQLAlchemy's flush
/// does.
async fn transaction(vms: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut transaction = vms.begin().await?;
    sqlx::query("UPDATE event SET title = title WHERE id = (SELECT min(id) FROM event)")
        .execute(&mut *transaction)
        .await?;
    sqlx::query("SELECT count(*) FROM event").execute(&mut *transaction).await?;
    transaction.commit().await
}
