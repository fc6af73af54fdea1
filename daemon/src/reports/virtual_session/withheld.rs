//! The condition under which the virtual session report must not be cached.
//!
//! On a cached row VMS's page skips the limit of district-scoped accounts: such an account sees the rows and
//! teachers of every district. VMS itself caches a row only occasionally, for a day; a row that is always
//! present would make this leak permanent. The district table has no such leak, because VMS's district page
//! always recomputes.

use crate::reports::{Mode, ReportSettings};
use crate::snapshot::Snapshot;
use crate::vms::tables::Table;

/// The scope without any limit.
const GLOBAL: &str = "global";

/// Returns why `virtual_session_report_cache` is withheld, with the number of accounts; `None` when it is
/// not. Reads `users`.
///
/// An account counts when it is limited and may log in. An unreadable value counts as limited, and as allowed
/// to log in: withholding a report makes a page slower, while storing one too many shows people's names.
pub fn withheld(snapshot: &Snapshot, settings: &ReportSettings) -> Option<String> {
    if settings.mode == Mode::Exact || settings.virtual_session_allow_scoped_users {
        return None;
    }
    let limited = |scope: Option<&str>| scope != Some(GLOBAL);
    let accounts = snapshot
        .users
        .iter()
        .filter(|user| user.active != Some(false) && limited(user.scope.as_deref()))
        .count();
    let who = match accounts {
        0 => return None,
        1 => "1 active VMS account is".to_owned(),
        many => format!("{many} active VMS accounts are"),
    };
    Some(format!(
        "{who} limited to a part of the data, and VMS would show the whole of {} to them; set \
         virtual_session.allow_scoped_users = true if they may see every district",
        Table::VirtualSessionReportCache
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::virtual_session::fixture::settings;
    use crate::snapshot::User;

    #[test]
    fn limited_accounts_that_may_log_in_withhold_the_report() {
        for (accounts, expected) in [
            (&[][..], None),
            (&[(Some("global"), Some(true))], None),
            (&[(Some("district"), Some(false))], None),
            (
                &[(Some("global"), Some(true)), (Some("district"), Some(true))],
                Some("1 active VMS account is"),
            ),
            (&[(None, Some(true)), (Some("school"), None)], Some("2 active VMS accounts are")),
        ] {
            let users = (1..).zip(accounts).map(|(id, &(scope, active))| User {
                id,
                scope: scope.map(Into::into),
                active,
            });
            let snapshot = Snapshot { users: users.collect(), ..Snapshot::without_rows() };
            let fixed = ReportSettings { mode: Mode::Fixed, ..settings() };
            let reason = withheld(&snapshot, &fixed);
            assert_eq!(reason.is_some(), expected.is_some(), "{accounts:?}");
            assert!(reason.unwrap_or_default().starts_with(expected.unwrap_or_default()), "{accounts:?}");

            let exact = ReportSettings { mode: Mode::Exact, ..settings() };
            assert_eq!(withheld(&snapshot, &exact), None);
            let allowed = ReportSettings { virtual_session_allow_scoped_users: true, ..fixed };
            assert_eq!(withheld(&snapshot, &allowed), None);
        }
    }
}
