//! Districts and schools. Their number does not grow with the scale: more events take place in the same
//! schools.

use super::lists::Lists;
use super::row;
use super::salesforce::{self, Kind};
use super::world::{World, next_id};

/// The facts of a district that events need.
pub(super) struct District {
    pub(super) id: u32,
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    /// Whether the district is in the mapping of the district reports.
    pub(super) mapped: bool,
}

/// The facts of a school that events and people need.
pub(super) struct School {
    pub(super) id: String,
    pub(super) code: String,
    pub(super) name: String,
    pub(super) level: String,
    /// Index in [`Places::districts`].
    pub(super) district: usize,
}

pub(super) struct Places {
    pub(super) districts: Vec<District>,
    pub(super) schools: Vec<School>,
}

impl Places {
    /// Builds all districts and schools; their rows are added to `world`.
    pub(super) fn build(lists: &Lists, world: &mut World) -> Self {
        let mut places = Self { districts: Vec::new(), schools: Vec::new() };
        for (place, district) in lists.districts.iter().enumerate() {
            let id = next_id(&world.districts);
            let salesforce_id =
                district.salesforce_id.clone().unwrap_or_else(|| salesforce::id(Kind::District, id));
            for school in &district.schools {
                let number = next_id(&world.schools);
                let row = row::School {
                    id: salesforce::id(Kind::School, number),
                    name: school.name.clone(),
                    district_id: id,
                    salesforce_district_id: salesforce_id.clone(),
                    normalized_name: school.name.to_lowercase(),
                    school_code: format!("{}{number:03}", 40 + id),
                    level: school.level.clone(),
                };
                places.schools.push(School {
                    id: row.id.clone(),
                    code: row.school_code.clone(),
                    name: row.name.clone(),
                    level: row.level.clone(),
                    district: place,
                });
                world.schools.push(row);
            }
            world.districts.push(row::District {
                id,
                salesforce_id,
                name: district.name.clone(),
                district_code: district.code.clone(),
            });
            places.districts.push(District {
                id,
                name: district.name.clone(),
                aliases: district.aliases.clone(),
                mapped: district.salesforce_id.is_some(),
            });
        }
        places
    }

    /// Returns the district of a school, by its index in [`Places::schools`].
    pub(super) fn district_of(&self, school: usize) -> &District {
        &self.districts[self.schools[school].district]
    }
}
