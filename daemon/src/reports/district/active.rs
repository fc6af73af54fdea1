//! The districts that have reports.

use crate::reports::ReportSettings;
use crate::snapshot::{District, Groups, School, Snapshot};

use super::mapping;

/// A district of the mapping that VMS has.
#[derive(Debug, Clone)]
pub(super) struct Active<'s> {
    /// Its entry in the mapping.
    pub(super) mapping: &'s mapping::District,
    /// Its row in VMS.
    pub(super) district: &'s District,
    /// Its schools, by name and then by id.
    pub(super) schools: Vec<&'s School>,
}

/// The active districts in the order of the mapping. Where schools are not part of the snapshot, they have
/// none.
pub(super) fn active<'s>(snapshot: &'s Snapshot, settings: &'s ReportSettings) -> Vec<Active<'s>> {
    let schools = schools_by_district(snapshot);
    settings
        .districts
        .shown()
        .filter_map(|mapping| {
            let district =
                snapshot.districts.iter().find(|row| row.salesforce_id.as_deref() == Some(&*mapping.id))?;
            Some(Active { mapping, district, schools: schools_of(district, &schools, snapshot) })
        })
        .collect()
}

/// The positions of the schools of each district.
pub(super) fn schools_by_district(snapshot: &Snapshot) -> Groups<i64> {
    Groups::by(&snapshot.schools, |school| school.district)
}

/// The schools of a district, by name and then by id.
pub(super) fn schools_of<'s>(
    district: &District,
    schools: &Groups<i64>,
    snapshot: &'s Snapshot,
) -> Vec<&'s School> {
    let mut of: Vec<_> = schools.rows(&snapshot.schools, &district.id).collect();
    of.sort_unstable_by_key(|school| (&school.name, &school.id));
    of
}
