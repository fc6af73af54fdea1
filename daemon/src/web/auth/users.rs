//! What must be known of VMS's users.

use futures_util::future::BoxFuture;

use crate::vms::VmsError;

/// The security level of VMS's administrators; there is nothing above it.
const ADMIN_LEVEL: i64 = 3;

/// One of VMS's users, as of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    /// The id, which VMS's cookies carry.
    pub(crate) id: i64,
    /// The name that he logs in with.
    pub(crate) username: String,
    /// 0 user, 1 supervisor, 2 manager, 3 administrator; anything else is no administrator.
    pub(crate) security_level: i64,
    /// Whether he may log in at all.
    pub(crate) is_active: bool,
}

impl User {
    /// Whether he may see and use the caches in VMS itself.
    pub(super) fn is_admin(&self) -> bool {
        self.is_active && self.security_level == ADMIN_LEVEL
    }
}

/// A look for one user, which may find none.
pub(crate) type Lookup<'a, T> = BoxFuture<'a, Result<Option<T>, VmsError>>;

/// Where users are looked up, anew with every request.
pub(crate) trait Users: Send + Sync {
    /// The user with this id.
    fn by_id(&self, id: i64) -> Lookup<'_, User>;

    /// The user with this API token, and until when the token is good: naive UTC text, as VMS stores it.
    fn by_api_token<'a>(&'a self, token: &'a str) -> Lookup<'a, (User, Option<String>)>;
}
