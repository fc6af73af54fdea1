//! Organization reports: what the volunteers of each organization did in a school year.
//!
//! [`Summary`] mirrors `organization_report` of VMS's `routes/reports/organization_report.py` (the page
//! `/reports/organization/report`), [`Detail`] mirrors `OrganizationService.get_organization_detail` of
//! `utils/services/organization_service.py` (the page `/reports/organization/report/detail/<id>`), and
//! [`Reports`] repeats the detail in a table that VMS declares but neither writes nor reads.
//!
//! # Where engagement comes from
//!
//! VMS records a volunteer at an event in two places: `event_participation`, with a status and hours, and
//! `event_volunteers`, a bare link that imports of virtual sessions make. Both are read and neither is
//! matched with the other, so a volunteer who has both for one session is counted twice in every figure that
//! adds sessions or volunteers up. VMS does the same on its live pages, and they must agree with the cache.
//!
//! * A participation is *attended* when its status is one of `Participation::ATTENDED`.
//! * A link counts when its event is a virtual session that is completed, confirmed or simulcast.
//! * Only events of the year count; the year's window ends at midnight at the beginning of 31 July.
//! * Membership decides to which organization engagement belongs (`index`). The detail also requires
//!   that the event lies within the membership and leaves out people who are excluded from reports; the
//!   summary does neither, so that their totals differ, as they do in VMS.
//! * A volunteer is a `volunteer` row and the `contact` row of the same id; a person with only one of the two
//!   does not count.
//!
//! A volunteer has at most one membership in an organization: the pair is the primary key.

mod detail;
mod index;
mod summary;

pub use detail::{Detail, Reports};
pub use summary::Summary;

use crate::reports::dialect::Hours;

/// Converts a sum that VMS computes in SQL: a sum of nothing, or of zeros, is the integer zero.
fn sql_sum(hours: f64) -> Hours {
    let mut sum = Hours::default();
    sum.add(Some(hours));
    sum
}
