//! Writes a sample to a file, completely or not at all.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, TransactionTrait};

use super::lists::DemoError;
use super::row::World;

/// Summary of a generated sample.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DemoSummary {
    /// VMS's tables and their numbers of rows, in the order of writing.
    pub tables: Vec<(&'static str, usize)>,
}

impl DemoSummary {
    /// Returns the number of rows of one table; 0 when the sample has none.
    pub fn rows(&self, table: &str) -> usize {
        self.tables.iter().find(|(name, _)| *name == table).map_or(0, |(_, rows)| *rows)
    }

    /// Returns the number of rows of all tables.
    pub fn total(&self) -> usize {
        self.tables.iter().map(|(_, rows)| rows).sum()
    }
}

impl fmt::Display for DemoSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (table, words) in [
            ("district", "districts"),
            ("school", "schools"),
            ("organization", "organizations"),
            ("volunteer", "volunteers"),
            ("teacher", "teachers"),
            ("student", "students"),
            ("event", "events"),
            ("event_participation", "participations"),
        ] {
            write!(f, "{} {words}, ", self.rows(table))?;
        }
        write!(f, "{} rows in all", self.total())
    }
}

/// Creates the file with VMS's schema and the rows of `world`.
///
/// It is built under another name and moved to `path` when complete, so that no reader and no second attempt
/// ever finds a partial sample.
pub(super) async fn write(path: &Path, world: World) -> Result<DemoSummary, DemoError> {
    let path = std::path::absolute(path).map_err(|source| file_error(path, source))?;
    refuse_content(&path).await?;
    if let Some(parent) = path.parent() {
        tokio::fs::create_dir_all(parent).await.map_err(|source| file_error(parent, source))?;
    }
    let unfinished = unfinished(&path);
    remove(&unfinished).await?;
    let written = fill(&unfinished, world).await;
    let summary = match written {
        Ok(summary) => summary,
        Err(source) => {
            remove(&unfinished).await?;
            return Err(DemoError::Database { path: unfinished, source });
        }
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "a new file, which is closed, takes its name; none is opened"
    )]
    tokio::fs::rename(&unfinished, &path).await.map_err(|source| file_error(&path, source))?;
    Ok(summary)
}

async fn fill(path: &Path, world: World) -> Result<DemoSummary, DbErr> {
    let db = open(path).await?;
    let transaction = db.begin().await?;
    cached_migrations::vms::create(&transaction, false).await?;
    let tables = world.insert(&transaction).await?;
    transaction.commit().await?;
    // The mode is kept in the file: VMS uses the same. Until this commit, which syncs the whole file, nothing is
    // guaranteed to be on the disk.
    db.execute_unprepared("PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL").await?;
    db.close().await?;
    Ok(DemoSummary { tables })
}

/// Opens the file for writing. It is discarded on any failure, and therefore needs neither a journal on disk
/// nor a sync per step.
async fn open(path: &Path) -> Result<DatabaseConnection, DbErr> {
    let path = path.to_owned();
    // The URL only selects the driver: a path inside it would have to be escaped.
    let mut options = ConnectOptions::new("sqlite:sample.db");
    options.max_connections(1).sqlx_logging(false).map_sqlx_sqlite_opts(move |sqlite| {
        sqlite
            .filename(&path)
            .create_if_missing(true)
            .foreign_keys(false)
            .pragma("journal_mode", "MEMORY")
            .pragma("synchronous", "OFF")
    });
    Database::connect(options).await
}

/// Returns an error when the file exists and is not empty: it is never overwritten.
async fn refuse_content(path: &Path) -> Result<(), DemoError> {
    match tokio::fs::metadata(path).await {
        Ok(metadata) if metadata.is_file() && metadata.len() == 0 => Ok(()),
        Ok(_) => Err(DemoError::Exists { path: path.to_owned() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(file_error(path, source)),
    }
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".unfinished");
    path.with_file_name(name)
}

async fn remove(path: &Path) -> Result<(), DemoError> {
    match tokio::fs::remove_file(path).await {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(file_error(path, source)),
        _ => Ok(()),
    }
}

fn file_error(path: &Path, source: std::io::Error) -> DemoError {
    DemoError::File { path: path.to_owned(), source }
}
