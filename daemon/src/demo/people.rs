//! Names and contact rows, which volunteers, teachers and students have in common.

use super::lists::Names;
use super::random::Random;
use super::row;
use super::salesforce::{self, Kind};
use super::world::{World, next_id};
use std::collections::BTreeSet;

/// Generator of contacts.
pub(super) struct People<'a> {
    names: &'a Names,
    random: Random,
    addresses: BTreeSet<String>,
}

/// Values of a contact row besides the name.
pub(super) struct Role {
    /// VMS's discriminator: the table that has the other columns.
    pub(super) table: &'static str,
    pub(super) age_group: &'static str,
    pub(super) education: Option<&'static str>,
    pub(super) account: Option<String>,
    pub(super) do_not_contact: bool,
    pub(super) email_opt_out: bool,
    pub(super) exclude_from_reports: bool,
}

const ETHNICITIES: &[(u32, Option<&str>)] = &[
    (44, Some("white")),
    (18, Some("black")),
    (14, Some("hispanic")),
    (7, Some("asian")),
    (2, Some("american_indian")),
    (4, Some("two_or_more")),
    (3, Some("multi_racial")),
    (3, Some("prefer_not_to_say")),
    (5, Some("unknown")),
];

impl<'a> People<'a> {
    pub(super) fn new(seed: u64, stream: &str, names: &'a Names) -> Self {
        Self { names, random: Random::stream(seed, stream), addresses: BTreeSet::new() }
    }

    /// Adds a contact and returns its id.
    pub(super) fn add(&mut self, role: Role, world: &mut World) -> u32 {
        let random = &mut self.random;
        let id = next_id(&world.contacts);
        let adult = role.table != "student";
        let first_name = random.pick(&self.names.first).clone();
        let initial = random.pick(&self.names.first).chars().next().map(|letter| format!("{letter}."));
        world.contacts.push(row::Contact {
            id,
            r#type: role.table,
            salesforce_individual_id: salesforce::id(Kind::Contact, id),
            salesforce_account_id: role.account,
            salutation: random.weighted(&[(4, Some("none")), (1, Some("dr")), (5, None)]).filter(|_| adult),
            first_name,
            middle_name: initial.filter(|_| random.percent(12)),
            last_name: random.pick(&self.names.last).clone(),
            age_group: role.age_group,
            education_level: role.education,
            race_ethnicity: random.weighted(ETHNICITIES),
            do_not_call: random.percent(3),
            do_not_contact: role.do_not_contact,
            email_opt_out: role.email_opt_out,
            exclude_from_reports: role.exclude_from_reports,
        });
        id
    }

    /// Adds an address at `domain` and returns it; a number is added for people of the same name.
    pub(super) fn add_email(
        &mut self,
        contact: u32,
        domain: &str,
        kind: &'static str,
        primary: bool,
        world: &mut World,
    ) -> String {
        let id = next_id(&world.emails);
        let owner = &world.contacts[contact as usize - 1];
        let local = format!("{}.{}", plain(&owner.first_name), plain(&owner.last_name));
        let mut email = format!("{local}@{domain}");
        if !self.addresses.insert(email.clone()) {
            email = format!("{local}{contact}@{domain}");
        }
        world.emails.push(row::Email {
            id,
            contact_id: contact,
            email: email.clone(),
            r#type: kind,
            primary,
        });
        email
    }
}

/// Returns whether VMS counts an ethnicity as "people of color"; `None` where it is unknown.
pub(super) fn of_color(ethnicity: Option<&str>) -> Option<bool> {
    match ethnicity? {
        "white" => Some(false),
        "unknown" | "prefer_not_to_say" => None,
        _ => Some(true),
    }
}

/// Returns only the ASCII letters, in lower case, as in an address or a host name.
pub(super) fn plain(name: &str) -> String {
    let letters = name.chars().flat_map(char::to_lowercase).filter_map(|letter| match letter {
        'á' => Some('a'),
        'é' | 'ë' => Some('e'),
        'í' => Some('i'),
        'ñ' => Some('n'),
        'ó' => Some('o'),
        'ú' => Some('u'),
        _ => letter.is_ascii_alphanumeric().then_some(letter),
    });
    letters.collect()
}
