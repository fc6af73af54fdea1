//! Who a request comes from.

use std::time::Duration;

use cached_proto::text::{one_line, truncated};

use super::users::User;

/// Longest name that is passed on, in characters; VMS allows as many.
const LONGEST_NAME: usize = 64;

/// Who a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Visitor {
    /// Somebody who has not shown who he is.
    Nobody(Anonymous),
    /// Somebody who may.
    Admin {
        /// His name at VMS, or what he came with; one line.
        name: String,
        /// His id at VMS, if he is a user there.
        user_id: Option<i64>,
        /// How that is known.
        how: Way,
    },
    /// An active user of VMS's who is no administrator.
    NotAdmin {
        /// His id at VMS.
        user_id: i64,
    },
    /// Somebody who has failed too often.
    TooMany {
        /// When trying again may lead to another answer.
        retry_after: Duration,
    },
}

/// Why somebody is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anonymous {
    /// He came with nothing.
    NoCredential,
    /// What he came with was genuine, and is out of date, or its user is deactivated or gone.
    Void,
    /// What he came with was wrong.
    Refused,
    /// VMS's database could not be asked; logging in again would not help.
    Unavailable,
}

/// How somebody came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// With VMS's session cookie.
    Session,
    /// With VMS's remember cookie.
    Remember,
    /// With the operator's token.
    Bearer,
    /// With an API token of VMS's.
    ApiToken,
    /// With nothing, from this machine: to look, and to do nothing.
    Open,
}

impl Way {
    /// Whether a browser shows this credential unasked, so that another site's page could make use of it.
    pub(super) fn is_ambient(self) -> bool {
        match self {
            Self::Session | Self::Remember | Self::Open => true,
            Self::Bearer | Self::ApiToken => false,
        }
    }
}

impl Visitor {
    /// A user of VMS's, at his present level.
    pub(super) fn of(user: &User, how: Way) -> Self {
        if !user.is_active {
            Self::Nobody(Anonymous::Void)
        } else if user.is_admin() {
            let name = truncated(&one_line(&user.username), LONGEST_NAME).into_owned();
            Self::Admin { name, user_id: Some(user.id), how }
        } else {
            Self::NotAdmin { user_id: user.id }
        }
    }

    /// Somebody with no name at VMS.
    pub(super) fn nameless(name: &str, how: Way) -> Self {
        Self::Admin { name: name.to_owned(), user_id: None, how }
    }
}
