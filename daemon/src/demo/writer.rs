//! Writes a sample to a file, completely or not at all.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use sea_orm::sea_query::{Alias, Expr, Query};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbErr,
    TransactionTrait,
};

use super::lists::DemoError;
use super::row::{Row, World};

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

/// Rows per INSERT: beyond some hundred, longer statements are no faster.
const BATCH: usize = 200;

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
    let summary = insert_all(&transaction, world).await?;
    transaction.commit().await?;
    // The mode is kept in the file: VMS uses the same. Until this commit, which syncs the whole file, nothing is
    // guaranteed to be on the disk.
    db.execute_unprepared("PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL").await?;
    db.close().await?;
    Ok(summary)
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

async fn insert_all(db: &DatabaseTransaction, world: World) -> Result<DemoSummary, DbErr> {
    let mut summary = DemoSummary::default();
    insert(db, world.districts, &mut summary).await?;
    insert(db, world.schools, &mut summary).await?;
    insert(db, world.organizations, &mut summary).await?;
    insert(db, world.skills, &mut summary).await?;
    insert(db, world.contacts, &mut summary).await?;
    insert(db, world.emails, &mut summary).await?;
    insert(db, world.volunteers, &mut summary).await?;
    insert(db, world.volunteer_skills, &mut summary).await?;
    insert(db, world.memberships, &mut summary).await?;
    insert(db, world.teachers, &mut summary).await?;
    insert(db, world.students, &mut summary).await?;
    insert(db, world.events, &mut summary).await?;
    insert(db, world.event_districts, &mut summary).await?;
    insert(db, world.event_skills, &mut summary).await?;
    insert(db, world.participations, &mut summary).await?;
    insert(db, world.attendances, &mut summary).await?;
    insert(db, world.registrations, &mut summary).await?;
    insert(db, world.presenters, &mut summary).await?;
    insert(db, world.attendance_details, &mut summary).await?;
    insert(db, world.users, &mut summary).await?;
    insert(db, world.sync_logs, &mut summary).await?;
    Ok(summary)
}

async fn insert<R: Row>(
    db: &DatabaseTransaction,
    rows: Vec<R>,
    summary: &mut DemoSummary,
) -> Result<(), DbErr> {
    summary.tables.push((R::TABLE, rows.len()));
    // A field named after a keyword is a raw identifier.
    let columns = R::COLUMNS.iter().map(|column| Alias::new(column.trim_start_matches("r#")));
    let mut empty = Query::insert();
    empty.into_table(Alias::new(R::TABLE)).columns(columns);
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut statement = empty.clone();
        for row in rows.by_ref().take(BATCH) {
            let values = row.values().into_iter().map(Expr::val);
            statement.values(values).map_err(|error| DbErr::Custom(error.to_string()))?;
        }
        db.execute(&statement).await?;
    }
    Ok(())
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
