//! Looks up users in VMS's table `users`.

use std::time::Duration;

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, QueryResult, Statement, Value};

use super::users::{Lookup, User, Users};
use crate::vms::{Gateway, Schema, VmsError};

/// How long a lookup waits for a lock that another process holds; shorter than elsewhere, since a visitor would
/// rather try again.
const PATIENCE: Duration = Duration::from_secs(5);

/// The columns that are read; the rest of the row, passwords above all, never is.
const COLUMNS: &str = "id, COALESCE(username, '') AS username, \
     CAST(COALESCE(security_level, 0) AS INTEGER) AS security_level, \
     CAST(COALESCE(is_active, 0) AS INTEGER) AS is_active";

/// VMS's users. Each lookup opens the database and closes it again: VMS may stop, and its file be copied or
/// replaced, between any two requests.
#[derive(Debug)]
pub(crate) struct VmsUsers(Gateway);

impl VmsUsers {
    /// The users in this database, whose file need not exist yet.
    pub(crate) fn new(vms: &Gateway) -> Self {
        Self(vms.patient(PATIENCE))
    }

    async fn find(&self, condition: &str, value: Value) -> Result<Option<QueryResult>, VmsError> {
        let sql = format!("SELECT {COLUMNS}{condition} LIMIT 1");
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, [value]);
        self.0.using(async |vms| vms.reader().query_one_raw(statement).await.map_err(failed)).await
    }

    /// Whether VMS supports API tokens; versions from before they were introduced lack the columns.
    async fn has_tokens(&self) -> Result<bool, VmsError> {
        let schema = self.0.using(async |vms| Schema::read(vms.reader()).await).await?;
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
