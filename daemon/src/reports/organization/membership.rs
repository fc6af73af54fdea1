//! Membership of an organization in a year, and which events count for it.
//!
//! These are `membership_date_filter` and `event_tenure_filter` of VMS's
//! `utils/services/org_membership_filter.py` in its mode "verified". A membership is open when it is
//! `Current` and has no end; a membership of any status that has an end lasts until then; any other
//! membership (past, pending or of no status, without an end) never counts, because its end is unknown. A
//! missing start means that it always existed.
//!
//! All instants are compared as SQLite does: as text.

use crate::snapshot::VolunteerOrganization;
use crate::vms::time::Stored;

use super::super::year::Window;

const CURRENT: &str = "Current";

/// Returns whether a membership holds at any time in the window.
pub(super) fn is_member_in(membership: &VolunteerOrganization, window: &Window) -> bool {
    membership.start.as_deref().is_none_or(|start| start <= window.to())
        && lasts_until(membership, window.from())
}

/// Returns whether a membership holds at the beginning of an event. An event without a beginning is never
/// inside.
pub(super) fn covers(membership: &VolunteerOrganization, at: Option<&Stored>) -> bool {
    at.is_some_and(|at| {
        membership.start.as_deref().is_none_or(|start| &*at.text >= start)
            && lasts_until(membership, &at.text)
    })
}

fn lasts_until(membership: &VolunteerOrganization, at: &str) -> bool {
    match membership.end.as_deref() {
        Some(end) => end >= at,
        None => membership.status.as_deref() == Some(CURRENT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::year::SchoolYear;

    fn membership(status: Option<&str>, start: Option<&str>, end: Option<&str>) -> VolunteerOrganization {
        VolunteerOrganization {
            volunteer: 1,
            organization: 1,
            primary: None,
            status: status.map(Into::into),
            start: start.map(Into::into),
            end: end.map(Into::into),
        }
    }

    const FIRST: &str = "2025-08-01 00:00:00.000000";
    const LAST: &str = "2026-07-31 00:00:00.000000";
    const BEFORE: &str = "2025-07-31 23:59:59.999999";
    const AFTER: &str = "2026-07-31 00:00:00.000001";

    #[test]
    fn membership_in_a_window() {
        let window = SchoolYear::from_key("2526").unwrap().window();
        for (status, start, end, expected) in [
            (Some("Current"), None, None, true),
            (Some("current"), None, None, false),
            (Some("Past"), None, None, false),
            (Some("Pending"), None, None, false),
            (None, None, None, false),
            (Some("Past"), None, Some(FIRST), true),
            (Some("Past"), None, Some(BEFORE), false),
            (Some("Current"), None, Some(BEFORE), false),
            (Some("Pending"), None, Some(LAST), true),
            (None, None, Some(LAST), true),
            (Some("Current"), Some(LAST), None, true),
            (Some("Current"), Some(AFTER), None, false),
            (Some("Past"), Some(AFTER), Some(AFTER), false),
            (Some("Past"), Some(BEFORE), Some(AFTER), true),
        ] {
            let case = membership(status, start, end);
            assert_eq!(is_member_in(&case, &window), expected, "{case:?}");
        }
    }

    #[test]
    fn an_event_within_a_membership() {
        let event = Stored::read("2025-10-01 09:30:00.000000").unwrap();
        for (status, start, end, expected) in [
            (Some("Current"), None, None, true),
            (Some("Past"), None, None, false),
            (None, None, None, false),
            (Some("Current"), Some("2025-10-01 09:30:00.000000"), None, true),
            (Some("Current"), Some("2025-10-01 09:30:00.000001"), None, false),
            (Some("Past"), None, Some("2025-10-01 09:30:00.000000"), true),
            (Some("Past"), None, Some("2025-10-01 09:29:59.999999"), false),
            (Some("Current"), None, Some("2025-09-30 00:00:00.000000"), false),
            (None, Some("2025-09-01 00:00:00.000000"), Some("2025-11-01 00:00:00.000000"), true),
            // Bounds are compared as text: one that is only a date sorts before every time of that day.
            (Some("Past"), None, Some("2025-10-01"), false),
        ] {
            let case = membership(status, start, end);
            assert_eq!(covers(&case, Some(&event)), expected, "{case:?}");
            assert!(!covers(&case, None));
        }
    }
}
