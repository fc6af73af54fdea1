//! The properties of VMS's users that authentication depends on.

use futures_util::future::BoxFuture;

use crate::vms::VmsError;

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
    pub(super) fn is_admin(&self) -> bool {
        self.is_active && self.security_level == ADMIN_LEVEL
    }
}

/// The lookup of one user, which may find none.
pub(crate) type Lookup<'a, T> = BoxFuture<'a, Result<Option<T>, VmsError>>;

/// A source of users, queried anew with every request.
pub(crate) trait Users: Send + Sync {
    /// The user with this id.
    fn by_id(&self, id: i64) -> Lookup<'_, User>;

    /// The user with this API token, and the token's expiry: naive UTC text, as VMS stores it.
    fn by_api_token<'a>(&'a self, token: &'a str) -> Lookup<'a, (User, Option<String>)>;
}
