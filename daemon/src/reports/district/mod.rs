//! District reports: what happened in each school district during a school year.
//!
//! Two tables share the rules of this module:
//!
//! * [`YearEnd`] fills `district_year_end_reports`, which `/reports/district/year-end` and its detail,
//!   breakdown and Excel pages read. It computes what `refresh_district_cache` in VMS's
//!   `routes/reports/district_year_end/computation.py` computes.
//! * [`Engagement`] fills `district_engagement_reports`, which only older installations still have. It
//!   computes what `routes/reports/district_engagement.py` computed before VMS dropped it.
//!
//! Both have one row per *active district* and school year, also for a district without a single event. A
//! district is active when the mapping shows it and a `district` row has its `salesforce_id`; rows are
//! inserted in the order of the mapping, because VMS shows cards and columns in database order. The years are
//! the previous, the current and the next one, and every well-formed year that already has rows. One school
//! year is one group: it is replaced as a whole, and rows of districts that are no longer active are removed
//! with it.
//!
//! Both read events whose status is `COMPLETED` and whose start lies in the school year ([`year`]), in the
//! order of start and id; VMS itself leaves the order of simultaneous events undefined. An event can belong
//! to several districts. The two reports differ in how they attribute it (`attribution`), and in how they
//! count its students.
//!
//! Statuses are compared case-sensitively: a volunteer's row counts when it is `Attended`, `Completed` or
//! `Successfully Completed`, a student's row when it is `Attended`. The *roster* of a district at an event is
//! the set of such students whose school belongs to that district.
//!
//! Times are printed as stored; no time zone affects a payload.
//!
//! [`year`]: super::year

mod attribution;
mod engagement;
mod facts;
mod mapping;
mod year_end;

pub use engagement::Engagement;
pub use mapping::{District, DistrictMapping, MappingError};
pub use year_end::YearEnd;

use std::collections::HashSet;

use crate::reports::year::{SchoolYear, Year};
use crate::reports::{Context, Entry, Group};
use crate::snapshot::District as DistrictRow;
use crate::vms::tables::{Key, KeyValue, Table};

/// Number of students that VMS assumes for every teacher of a virtual session.
const STUDENTS_PER_TEACHER: i64 = 25;

/// Converts a number of rows to the type that VMS's payloads use.
fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// Returns the key of a district's row: `prefix`, then the district's integer id as text.
fn key(prefix: &[KeyValue], district: &DistrictRow) -> Key {
    Key(prefix.iter().cloned().chain([district.id.to_string().into()]).collect())
}

/// Returns the group of one year of `table`, which removes the rows of districts that are no longer active.
fn group<'s>(
    table: Table,
    year: SchoolYear,
    prefix: &[KeyValue],
    entries: Vec<Entry<'s>>,
    cx: Context<'_>,
) -> Group<'s> {
    let retire = retired(table, prefix, entries.iter().map(|entry| &entry.key), cx);
    Group { name: year.key(), entries, retire }
}

/// Returns the keys of rows that share `prefix` and are not among `kept`; rows of another year or another host
/// filter do not belong to the report's year.
fn retired<'k>(
    table: Table,
    prefix: &[KeyValue],
    kept: impl Iterator<Item = &'k Key>,
    cx: Context<'_>,
) -> Vec<Key> {
    let kept: HashSet<&Key> = kept.collect();
    let rows = cx.snapshot.existing(table).iter().map(|row| &row.key);
    rows.filter(|key| key.0.starts_with(prefix) && !kept.contains(key)).cloned().collect()
}
