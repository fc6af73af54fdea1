//! The districts that have reports.

use crate::reports::ReportSettings;
use crate::snapshot::{District, Groups, School, Snapshot};

use super::mapping;

/// A district that is in the mapping and in VMS.
#[derive(Debug, Clone)]
pub(super) struct Active<'s> {
    /// Its entry in the mapping.
    pub(super) mapping: &'s mapping::District,
    /// Its row in VMS.
    pub(super) district: &'s District,
    /// Its schools, by name and then by id.
    pub(super) schools: Vec<&'s School>,
}

/// Returns the active districts in the order of the mapping. Their schools are empty when the snapshot does
/// not include schools.
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

/// Returns the positions of the schools of each district.
pub(super) fn schools_by_district(snapshot: &Snapshot) -> Groups<i64> {
    Groups::by(&snapshot.schools, |school| school.district)
}

/// Returns the schools of a district, by name and then by id.
pub(super) fn schools_of<'s>(
    district: &District,
    schools: &Groups<i64>,
    snapshot: &'s Snapshot,
) -> Vec<&'s School> {
    let mut of: Vec<_> = schools.rows(&snapshot.schools, &district.id).collect();
    of.sort_unstable_by_key(|school| (&school.name, &school.id));
    of
}
