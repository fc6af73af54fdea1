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

/// The schools of each district.
pub(super) struct Schools<'s> {
    /// `None` when only the districts are needed, so that keys are known without reading schools.
    read: Option<(&'s [School], Groups<i64>)>,
}

impl<'s> Schools<'s> {
    /// The schools of a snapshot.
    pub(super) fn of(snapshot: &'s Snapshot) -> Self {
        let groups = Groups::by(&snapshot.schools, |school| school.district);
        Self { read: Some((&snapshot.schools, groups)) }
    }

    /// No schools: those of the snapshot are not read.
    pub(super) const fn none() -> Self {
        Self { read: None }
    }

    /// Returns the schools of a district, by name and then by id.
    pub(super) fn in_district(&self, district: &District) -> Vec<&'s School> {
        let Some((schools, groups)) = &self.read else { return Vec::new() };
        let mut of: Vec<_> = groups.rows(schools, &district.id).collect();
        of.sort_unstable_by_key(|school| (&school.name, &school.id));
        of
    }
}

/// Returns the active districts in the order of the mapping.
pub(super) fn active<'s>(
    snapshot: &'s Snapshot,
    settings: &'s ReportSettings,
    schools: &Schools<'s>,
) -> Vec<Active<'s>> {
    settings
        .districts
        .shown()
        .filter_map(|mapping| {
            let district =
                snapshot.districts.iter().find(|row| row.salesforce_id.as_deref() == Some(&*mapping.id))?;
            Some(Active { mapping, district, schools: schools.in_district(district) })
        })
        .collect()
}
