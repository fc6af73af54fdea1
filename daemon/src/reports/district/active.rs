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
    let schools = Groups::by(&snapshot.schools, |school| school.district);
    settings
        .districts
        .shown()
        .filter_map(|mapping| {
            let district =
                snapshot.districts.iter().find(|row| row.salesforce_id.as_deref() == Some(&*mapping.id))?;
            let mut schools: Vec<_> = schools.rows(&snapshot.schools, &district.id).collect();
            schools.sort_unstable_by_key(|school| (&school.name, &school.id));
            Some(Active { mapping, district, schools })
        })
        .collect()
}
