//! Districts and schools, organizations with invented names, and what VMS's own office would have. The number of
//! districts and schools does not grow with the scale: more events take place in the same schools.

use chrono::{Days, TimeDelta};

use super::calendar::{self, Calendar};
use super::lists::{Lists, OrganizationKind};
use super::random::Random;
use super::row::{self, Kind, World, next_id};

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
                district.salesforce_id.clone().unwrap_or_else(|| row::salesforce_id(Kind::District, id));
            for school in &district.schools {
                let number = next_id(&world.schools);
                let row = row::School {
                    id: row::salesforce_id(Kind::School, number),
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

/// Adds `count` organizations, equally many of every kind.
pub(super) fn add_organizations(
    seed: u64,
    count: usize,
    lists: &Lists,
    calendar: &Calendar,
    world: &mut World,
) {
    let mut random = Random::stream(seed, "organizations");
    let heads = random.sample(lists.organizations.heads.len(), u32::MAX);
    let founded = calendar::stamp(calendar::at_quarter(calendar.first(), 36));
    for number in 0..count {
        let kinds = &lists.organizations.kinds;
        let kind = kind_of(number, lists);
        // Kinds step through the first words from different offsets, so that neighbours do not share one.
        let round = number / kinds.len();
        let head = &lists.organizations.heads[heads[(round + number % kinds.len() * 5) % heads.len()]];
        let (city, state) = city(random.pick::<String>(&lists.organizations.cities));
        let name = match round / heads.len() {
            0 => format!("{head} {}", kind.name),
            again => format!("{head} {} of {city} {again}", kind.name),
        };
        let id = next_id(&world.organizations);
        world.organizations.push(row::Organization {
            id,
            salesforce_id: row::salesforce_id(Kind::Organization, id),
            name,
            r#type: kind.sector.clone(),
            billing_city: city.to_owned(),
            billing_state: state.to_owned(),
            billing_country: "United States",
            created_at: founded.clone(),
            updated_at: founded.clone(),
        });
    }
}

/// Returns the kind of the organization at an index: kinds alternate.
pub(super) fn kind_of(place: usize, lists: &Lists) -> &OrganizationKind {
    let kinds = &lists.organizations.kinds;
    &kinds[place % kinds.len()]
}

fn city(text: &str) -> (&str, &str) {
    text.split_once(", ").unwrap_or((text, ""))
}

/// Adds an administrator account that cannot be logged in to, and two weeks of nightly imports.
pub(super) fn add_office(seed: u64, calendar: &Calendar, world: &mut World) {
    let opened = calendar::stamp(calendar::at_quarter(calendar.first(), 32));
    world.users.push(row::User {
        id: 1,
        username: "admin",
        email: "admin@example.org",
        // No hash function produces this value, so no password matches.
        password_hash: "!",
        first_name: "Demo",
        last_name: "Administrator",
        security_level: 3,
        scope_type: "global",
        is_active: true,
        created_at: opened.clone(),
        updated_at: opened,
    });
    let mut random = Random::stream(seed, "imports");
    for nights_ago in (1..=14).rev() {
        let Some(night) = calendar.now.date().checked_sub_days(Days::new(nights_ago)) else { continue };
        for (kind, minutes) in [("organizations", 0), ("volunteers", 6), ("events_and_participants", 20)] {
            let started = calendar::at_quarter(night, 12) + TimeDelta::minutes(minutes);
            let ended = started + TimeDelta::seconds(i64::from(random.between(40, 290)));
            let failed = if random.percent(8) { random.between(1, 5) } else { 0 };
            world.sync_logs.push(row::SyncLog {
                id: next_id(&world.sync_logs),
                sync_type: kind,
                started_at: calendar::stamp(started),
                completed_at: calendar::stamp(ended),
                status: if failed > 0 { "partial" } else { "success" },
                records_processed: random.between(5, 120),
                records_failed: failed,
                records_skipped: 0,
                last_sync_watermark: calendar::stamp(started),
                recovery_buffer_hours: 1,
                is_delta_sync: true,
            });
        }
    }
}
