//! People: contacts with their addresses, and the teachers and students of each school.

use std::collections::BTreeSet;

use super::calendar::{self, Calendar};
use super::lists::{Lists, Names};
use super::places::Places;
use super::random::Random;
use super::row::{self, Kind, World, next_id};

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
            salesforce_individual_id: row::salesforce_id(Kind::Contact, id),
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

/// Teachers and students who can be invited: their ids, by school.
pub(super) struct Pupils {
    pub(super) teachers: Vec<Vec<u32>>,
    pub(super) students: Vec<Vec<u32>>,
}

/// Numbers of people to add; schools get about equal shares.
#[derive(Clone, Copy)]
pub(super) struct Counts {
    pub(super) teachers: usize,
    pub(super) students: usize,
}

/// Adds teachers and students of all schools.
pub(super) fn build(
    seed: u64,
    counts: Counts,
    lists: &Lists,
    calendar: &Calendar,
    places: &Places,
    world: &mut World,
) -> Pupils {
    let mut random = Random::stream(seed, "pupils");
    let mut people = People::new(seed, "pupils' names", &lists.names);
    let schools = places.schools.len();
    let mut pupils = Pupils { teachers: vec![Vec::new(); schools], students: vec![Vec::new(); schools] };
    let hired = calendar::stamp(calendar::at_quarter(calendar.first(), 32));
    for number in 0..counts.teachers {
        let school = number % schools;
        let id = add_teacher(school, &hired, &mut random, &mut people, lists, places, world);
        pupils.teachers[school].push(id);
    }
    for number in 0..counts.students {
        let school = number % schools;
        let id = add_student(school, &mut random, &mut people, places, world);
        pupils.students[school].push(id);
    }
    pupils
}

fn add_teacher(
    school: usize,
    hired: &str,
    random: &mut Random,
    people: &mut People<'_>,
    lists: &Lists,
    places: &Places,
    world: &mut World,
) -> u32 {
    let role = Role {
        table: "teacher",
        age_group: random.weighted(&[(3, "AGE_25_34"), (4, "AGE_35_44"), (3, "AGE_45_54"), (2, "UNKNOWN")]),
        education: random.weighted(&[(5, Some("BACHELORS_DEGREE")), (5, Some("MASTERS")), (2, None)]),
        account: Some(places.schools[school].id.clone()),
        do_not_contact: false,
        email_opt_out: random.percent(3),
        exclude_from_reports: random.percent(2),
    };
    let id = people.add(role, world);
    let domain = format!("{}.example", plain(&places.district_of(school).name));
    let email = people.add_email(id, &domain, "professional", true, world);
    let status = random.weighted(&[(90, "ACTIVE"), (5, "INACTIVE"), (3, "ON_LEAVE"), (2, "RETIRED")]);
    world.teachers.push(row::Teacher {
        id,
        department: random.pick(&lists.names.subjects).clone(),
        school_id: places.schools[school].id.clone(),
        status,
        active: status == "ACTIVE",
        connector_active: false,
        cached_email: email,
        import_source: random.weighted(&[(7, "salesforce"), (3, "pathful")]),
        salesforce_contact_id: row::salesforce_id(Kind::Contact, id),
        salesforce_school_id: places.schools[school].id.clone(),
        created_at: hired.to_owned(),
        updated_at: hired.to_owned(),
    });
    id
}

fn add_student(
    school: usize,
    random: &mut Random,
    people: &mut People<'_>,
    places: &Places,
    world: &mut World,
) -> u32 {
    let role = Role {
        table: "student",
        age_group: "UNDER_18",
        education: None,
        account: Some(places.schools[school].id.clone()),
        do_not_contact: false,
        email_opt_out: false,
        exclude_from_reports: random.percent(1),
    };
    let id = people.add(role, world);
    let grade = match places.schools[school].level.as_str() {
        "Elementary" => random.between(3, 5),
        "Middle" => random.between(6, 8),
        "High" => random.between(9, 12),
        _ => random.between(4, 8),
    };
    world.students.push(row::Student {
        id,
        active: random.percent(96),
        current_grade: grade,
        student_id: format!("{}{id:06}", places.schools[school].code),
        school_id: places.schools[school].id.clone(),
        school_code: places.schools[school].code.clone(),
        gifted: random.percent(8),
    });
    id
}
