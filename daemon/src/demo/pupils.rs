//! Teachers and students of the schools.

use super::calendar::{self, Calendar};
use super::lists::Lists;
use super::people::{People, Role, plain};
use super::places::Places;
use super::random::Random;
use super::row;
use super::salesforce::{self, Kind};
use super::world::World;

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
        salesforce_contact_id: salesforce::id(Kind::Contact, id),
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
