//! A connection of another process to VMS's database: VMS itself, an importer, or an operator with a shell.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use cached::vms::tables::{Table, spec};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement};

use crate::directory::directory;

/// The rows of a cache table: its key columns joined by a blank, and its payload columns joined by a newline.
pub type Rows = BTreeMap<String, String>;

/// A connection to a SQLite file, like that of any other program.
#[derive(Debug)]
pub struct Other {
    runtime: tokio::runtime::Runtime,
    connection: DatabaseConnection,
}

impl Other {
    /// Opens a file, with VMS's own busy timeout.
    pub fn open(path: &Path) -> Self {
        Self::open_for(path, Duration::from_secs(20))
    }

    /// Opens a file with the given busy timeout.
    pub fn open_for(path: &Path, busy_timeout: Duration) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rwc", path.display()));
        options
            .max_connections(1)
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(move |sqlite| sqlite.foreign_keys(false).busy_timeout(busy_timeout));
        let connection = runtime.block_on(Database::connect(options)).unwrap();
        Self { runtime, connection }
    }

    /// Adds `district_engagement_reports`, which only older versions of VMS have.
    pub fn add_engagement(&self) {
        let directory = directory();
        let older = Self::open(&directory.path().join("older.db"));
        older.runtime.block_on(cached_migrations::vms::create(&older.connection, true)).unwrap();
        let definition =
            "SELECT sql FROM sqlite_schema WHERE tbl_name = 'district_engagement_reports' AND sql <> ''";
        self.execute(&older.texts(definition).join(";"));
    }

    /// Removes NOT NULL from all columns that reports are built from: a state that another version of VMS, or
    /// a repair by hand, may have left behind.
    pub fn allow_nulls(&self) {
        self.execute(
            "PRAGMA writable_schema = ON; \
             UPDATE sqlite_schema SET sql = replace(sql, ' NOT NULL', '') \
             WHERE type = 'table' AND name NOT LIKE '%cache' AND name NOT LIKE '%reports'; \
             PRAGMA writable_schema = RESET",
        );
    }

    /// Executes statements.
    pub fn execute(&self, sql: &str) {
        self.runtime.block_on(self.connection.execute_unprepared(sql)).unwrap();
    }

    /// Executes statements that may fail.
    pub fn try_execute(&self, sql: &str) -> Result<(), DbErr> {
        self.runtime.block_on(self.connection.execute_unprepared(sql)).map(drop)
    }

    /// Returns rows of text columns; NULL is empty.
    pub fn try_cells(&self, sql: &str) -> Result<Vec<Vec<String>>, DbErr> {
        let statement = Statement::from_string(DbBackend::Sqlite, sql);
        let rows = self.runtime.block_on(self.connection.query_all_raw(statement))?;
        let cells = rows.iter().map(|row| {
            let columns = 0..row.column_names().len();
            columns.map(|at| Ok(row.try_get_by_index::<Option<String>>(at)?.unwrap_or_default())).collect()
        });
        cells.collect()
    }

    /// Returns rows of one text column.
    pub fn texts(&self, sql: &str) -> Vec<String> {
        let statement = Statement::from_string(DbBackend::Sqlite, sql);
        let rows = self.runtime.block_on(self.connection.query_all_raw(statement)).unwrap();
        rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
    }

    /// Returns the rows of a cache table.
    pub fn rows(&self, table: Table) -> Rows {
        let (key, payload) = (key_sql(table), payload_sql(table));
        let statement =
            Statement::from_string(DbBackend::Sqlite, format!("SELECT {key}, {payload} FROM \"{table}\""));
        let rows = self.runtime.block_on(self.connection.query_all_raw(statement)).unwrap();
        rows.iter().map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())).collect()
    }

    /// Returns one number.
    pub fn number(&self, sql: &str) -> i64 {
        let statement = Statement::from_string(DbBackend::Sqlite, sql);
        let row = self.runtime.block_on(self.connection.query_one_raw(statement)).unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }
}

/// Returns the key columns of a cache table as one SQL text expression, joined by a blank.
pub fn key_sql(table: Table) -> String {
    joined(spec(table).key, "' '")
}

/// Returns the payload columns of a cache table as one SQL text expression, joined by a newline.
pub fn payload_sql(table: Table) -> String {
    let names: Vec<&str> = spec(table).payload.iter().map(|column| column.name).collect();
    joined(&names, "char(10)")
}

fn joined(names: &[&str], separator: &str) -> String {
    let texts: Vec<String> =
        names.iter().map(|name| format!("coalesce(CAST(\"{name}\" AS TEXT), '')")).collect();
    if texts.is_empty() { "''".to_owned() } else { texts.join(&format!(" || {separator} || ")) }
}

impl Drop for Other {
    fn drop(&mut self) {
        // The file must be closed before its directory is removed.
        let connection = self.connection.clone();
        let _ = self.runtime.block_on(connection.close());
    }
}
