//! VMS's table `users`, which determines the rights of a visitor of the web pages.

use std::time::Duration;

use futures_util::future::BoxFuture;
use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, QueryResult, Statement, Value};

use super::error::VmsError;
use super::gateway::Gateway;
use super::schema::Schema;

/// The security level of VMS's administrators, which is the highest.
const ADMIN_LEVEL: i64 = 3;

/// One of VMS's users, as currently stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    /// The id, as stored in VMS's cookies.
    pub(crate) id: i64,
    /// The login name.
    pub(crate) username: String,
    /// 0 user, 1 supervisor, 2 manager, 3 administrator; any other value is not an administrator.
    pub(crate) security_level: i64,
    /// Whether the user may log in.
    pub(crate) is_active: bool,
}

impl User {
    /// Whether the user may view and manage the caches in VMS itself.
    pub(crate) fn is_admin(&self) -> bool {
        self.is_active && self.security_level == ADMIN_LEVEL
    }
}

/// The lookup of one user, which may find none.
pub(crate) type Lookup<'a, T> = BoxFuture<'a, Result<Option<T>, VmsError>>;

/// A source of users, queried again with every request.
pub(crate) trait Users: Send + Sync {
    /// The user with this id.
    fn by_id(&self, id: i64) -> Lookup<'_, User>;

    /// The user with this API token, and the token's expiry: naive UTC text, as VMS stores it.
    fn by_api_token<'a>(&'a self, token: &'a str) -> Lookup<'a, (User, Option<String>)>;
}

/// How long a lookup waits for a lock that another process holds; shorter than elsewhere, since a visitor would
/// rather try again.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// The columns that are read; the others, above all passwords, never are.
const COLUMNS: &str = "id, COALESCE(username, '') AS username, \
     CAST(COALESCE(security_level, 0) AS INTEGER) AS security_level, \
     CAST(COALESCE(is_active, 0) AS INTEGER) AS is_active";

/// VMS's users. Each lookup opens the database and closes it again: VMS may stop, and its file be copied or
/// replaced, between any two requests.
#[derive(Debug)]
pub(crate) struct VmsUsers(Gateway);

impl VmsUsers {
    /// The users in this database; its file does not have to exist yet.
    pub(crate) fn new(vms: &Gateway) -> Self {
        Self(vms.with_lock_timeout(LOCK_TIMEOUT))
    }

    async fn find(&self, condition: &str, value: Value) -> Result<Option<QueryResult>, VmsError> {
        let sql = format!("SELECT {COLUMNS}{condition} LIMIT 1");
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, [value]);
        self.0.using(async |vms| vms.begin_read().await?.query_one_raw(statement).await.map_err(failed)).await
    }

    /// Whether VMS supports API tokens; versions from before they were introduced lack the columns.
    async fn has_tokens(&self) -> Result<bool, VmsError> {
        let schema = self.0.using(async |vms| Schema::read(&vms.begin_read().await?).await).await?;
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
