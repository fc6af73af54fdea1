//! The caller on whose behalf a verb runs, as named in the log.

use std::fmt;

use cached_proto::text::{one_line, truncated};

/// Longer names are cut: they come from VMS's data.
const LONGEST_NAME: usize = 64;

/// The caller of a verb. Authorization happens before a verb sees it: by the session for the socket, by
/// the gate for the web.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A local user, by user id, through the control socket.
    Local(u32),
    /// An administrator of VMS, by name, in a browser.
    Browser(String),
    /// The holder of an API token of that administrator of VMS.
    ApiToken(String),
    /// The holder of the operator's token.
    Bearer,
}

/// Formats as one line, whatever the name contains: `user 1000`, `web user ada`, `the API token of ada`.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |name: &str| one_line(&truncated(name, LONGEST_NAME)).into_owned();
        match self {
            Self::Local(uid) => write!(f, "user {uid}"),
            Self::Browser(name) => write!(f, "web user {}", shown(name)),
            Self::ApiToken(name) => write!(f, "the API token of {}", shown(name)),
            Self::Bearer => f.write_str("the bearer token"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_the_line_of_a_log() {
        let long = "a".repeat(500);
        for (caller, shown) in [
            (Caller::Local(1000), "user 1000".to_owned()),
            (Caller::Browser("ada".into()), "web user ada".to_owned()),
            (
                Caller::ApiToken("x\nERROR \u{202e}y".into()),
                r"the API token of x\nERROR \u{202e}y".to_owned(),
            ),
            (Caller::Browser(long), format!("web user {}…", "a".repeat(63))),
        ] {
            assert_eq!(caller.to_string(), shown);
        }
    }
}
