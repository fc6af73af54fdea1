//! `school_breakdown`: sessions that took place, by school, as in VMS's
//! `compute_virtual_session_district_data`.
//!
//! Schools are taken from the names in `session_data` and resolved by name: VMS reads the first row of the
//! `school` table that has the name. The school counts when that row has a district and the district's name
//! matches the entry. A school without a district is therefore never counted, and a school of the same name
//! in another district can hide it or be counted in its place. Schools are ordered by number of sessions,
//! descending; ties keep the order of first appearance. A session counts once for each of its schools.

use std::collections::HashMap;

use serde::Serialize;

use super::included::{Included, completed};
use crate::reports::virtual_session::index::Index;
use crate::reports::virtual_session::matching::{Matching, normalized};

/// A school with at least one session.
#[derive(Debug, Serialize)]
pub(super) struct SchoolLine<'s> {
    name: &'s str,
    sessions: usize,
}

/// Returns the schools of the district with at least one session, by number of sessions, descending; ties by
/// first appearance.
pub(super) fn school_breakdown<'s>(
    included: &[Included<'s>],
    matching: &Matching,
    index: &Index<'_>,
) -> Vec<SchoolLine<'s>> {
    let mut schools: Vec<SchoolLine<'s>> = Vec::new();
    let mut lines: HashMap<&str, Option<usize>> = HashMap::new();
    for &name in completed(included).flat_map(|included| &included.schools) {
        let line = *lines.entry(name).or_insert_with(|| {
            let district = index.district_by_school_name(name)?;
            let counted = !district.is_empty() && matching.contains(&normalized(district));
            counted.then(|| {
                schools.push(SchoolLine { name, sessions: 0 });
                schools.len() - 1
            })
        });
        if let Some(line) = line.and_then(|line| schools.get_mut(line)) {
            line.sessions += 1;
        }
    }
    schools.sort_by_key(|line| std::cmp::Reverse(line.sessions));
    schools
}

#[cfg(test)]
mod tests {
    use crate::reports::virtual_session::fixture::{classroom_day, district, school};
    use crate::snapshot::Snapshot;
    use serde_json::json;

    #[test]
    fn the_first_school_of_a_name_decides() {
        let mut snapshot = classroom_day();
        let schools = |snapshot: &mut Snapshot| {
            let [_, _, schools, ..] = district(snapshot, "Grandview");
            schools
        };
        let counted = json!([{"name": "Ruskin High", "sessions": 2}]);
        assert_eq!(schools(&mut snapshot), counted);

        snapshot.schools.push(school("later", "Ruskin High", Some(2)));
        assert_eq!(schools(&mut snapshot), counted);

        snapshot.schools.insert(0, school("zzz, but first", "Ruskin High", Some(2)));
        assert_eq!(schools(&mut snapshot), json!([]));
    }
}
