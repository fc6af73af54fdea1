//! Organizations with invented names.

use super::calendar::{self, Calendar};
use super::lists::{Lists, OrganizationKind};
use super::random::Random;
use super::row;
use super::salesforce::{self, Kind};
use super::world::{World, next_id};

/// Adds `count` organizations, equally many of every kind.
pub(super) fn build(seed: u64, count: usize, lists: &Lists, calendar: &Calendar, world: &mut World) {
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
            salesforce_id: salesforce::id(Kind::Organization, id),
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
