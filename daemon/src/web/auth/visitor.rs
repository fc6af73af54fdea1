//! The visitor that a request comes from.

use std::time::Duration;

use cached_proto::text::{one_line, truncated};

use crate::vms::users::User;

/// Longest name that is passed on, in characters; VMS's own limit is the same.
const LONGEST_NAME: usize = 64;

/// The visitor that a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Visitor {
    /// A visitor who is not authenticated.
    Unauthenticated(Anonymous),
    /// A visitor with access.
    Admin {
        /// The name in VMS, or the kind of credential; one line.
        name: String,
        /// The id in VMS, if the visitor is a user there.
        user_id: Option<i64>,
        /// How the visitor was authenticated.
        how: Way,
    },
    /// An active user of VMS who is not an administrator.
    NotAdmin {
        /// The id in VMS.
        user_id: i64,
    },
    /// A client with too many failed attempts.
    TooMany {
        /// Time after which a further attempt may get a different answer.
        retry_after: Duration,
    },
}

/// Why a visitor is not authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anonymous {
    /// The request has no credential.
    NoCredential,
    /// The credential is genuine, but has expired, or its user is deactivated or gone.
    Void,
    /// The credential is wrong.
    Refused,
    /// VMS's database could not be queried; logging in again would not help.
    Unavailable,
}

/// How a visitor was authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// With VMS's session cookie.
    Session,
    /// With VMS's remember cookie.
    Remember,
    /// With the operator's token.
    Bearer,
    /// With an API token issued by VMS.
    ApiToken,
    /// Without a credential, from this machine: may view and change nothing.
    Open,
}

impl Way {
    /// Whether a browser sends this credential by itself, so that another site's page could exploit it.
    pub(super) fn is_ambient(self) -> bool {
        match self {
            Self::Session | Self::Remember | Self::Open => true,
            Self::Bearer | Self::ApiToken => false,
        }
    }
}

impl Visitor {
    /// A user of VMS, at the current security level.
    pub(super) fn of(user: &User, how: Way) -> Self {
        if !user.is_active {
            Self::Unauthenticated(Anonymous::Void)
        } else if user.is_admin() {
            let name = truncated(&one_line(&user.username), LONGEST_NAME).into_owned();
            Self::Admin { name, user_id: Some(user.id), how }
        } else {
            Self::NotAdmin { user_id: user.id }
        }
    }

    /// A visitor without a name in VMS.
    pub(super) fn nameless(name: &str, how: Way) -> Self {
        Self::Admin { name: name.to_owned(), user_id: None, how }
    }
}
