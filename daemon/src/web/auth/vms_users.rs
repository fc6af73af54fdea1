//! Looks up users in VMS's table `users`.

use std::fs::metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::Duration;

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement, Value};
use tokio::sync::Mutex;

use super::users::{Lookup, User, Users};
use crate::vms::{Schema, Vms, VmsError};

/// How long a lookup waits for a lock that another process holds. The next ones wait for the opening of the
/// file, too, so it is shorter than elsewhere: a visitor would rather try again.
const PATIENCE: Duration = Duration::from_secs(5);

/// The columns that are read; the rest of the row, passwords above all, never is.
const COLUMNS: &str = "id, COALESCE(username, '') AS username, \
     CAST(COALESCE(security_level, 0) AS INTEGER) AS security_level, \
     CAST(COALESCE(is_active, 0) AS INTEGER) AS is_active";

/// VMS's users, over read-only connections that stay open from one request to the next.
#[derive(Debug)]
pub(crate) struct VmsUsers {
    path: PathBuf,
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    vms: Vms,
    file: Option<FileId>,
}

/// Device and inode, which change when a backup is restored under the same name.
type FileId = (u64, u64);

impl VmsUsers {
    /// The users in this database file, which is opened on the first lookup.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, open: Mutex::default() }
    }

    async fn reader(&self) -> Result<DatabaseConnection, VmsError> {
        let file = metadata(&self.path).ok().map(|file| (file.dev(), file.ino()));
        let mut open = self.open.lock().await;
        if let Some(open) = open.as_ref().filter(|open| open.file == file) {
            return Ok(open.vms.reader().clone());
        }
        if let Some(other) = open.take() {
            other.vms.close().await;
        }
        let vms = Vms::open_with(&self.path, PATIENCE).await?;
        let reader = vms.reader().clone();
        *open = Some(Open { vms, file });
        Ok(reader)
    }

    async fn find(&self, condition: &str, value: Value) -> Result<Option<QueryResult>, VmsError> {
        let sql = format!("SELECT {COLUMNS}{condition} LIMIT 1");
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, [value]);
        self.reader().await?.query_one_raw(statement).await.map_err(failed)
    }

    /// Whether VMS supports API tokens; versions from before they were introduced lack the columns.
    async fn has_tokens(&self) -> Result<bool, VmsError> {
        let schema = Schema::read(&self.reader().await?).await?;
        Ok(schema.missing("users", ["api_token", "token_expiry"]).is_empty())
    }
}

impl Users for VmsUsers {
    fn by_id(&self, id: i64) -> Lookup<'_, User> {
        Box::pin(async move {
            let row = self.find(" FROM users WHERE id = ?", id.into()).await?;
            row.map(|row| user(&row)).transpose().map_err(failed)
        })
    }

    fn by_api_token<'a>(&'a self, token: &'a str) -> Lookup<'a, (User, Option<String>)> {
        Box::pin(async move {
            let condition = ", CAST(token_expiry AS TEXT) AS token_expiry FROM users WHERE api_token = ?";
            let row = match self.find(condition, token.into()).await {
                Err(_) if !self.has_tokens().await? => None,
                found => found?,
            };
            let found = row.map(|row| Ok((user(&row)?, row.try_get("", "token_expiry")?)));
            found.transpose().map_err(failed)
        })
    }
}

fn user(row: &QueryResult) -> Result<User, DbErr> {
    Ok(User {
        id: row.try_get("", "id")?,
        username: row.try_get("", "username")?,
        security_level: row.try_get("", "security_level")?,
        is_active: row.try_get::<i64>("", "is_active")? != 0,
    })
}

fn failed(source: DbErr) -> VmsError {
    VmsError::of("looking up a user")(source)
}
