//! Volunteers: their professions, their skills, and their employers.

use chrono::{Days, NaiveDate};

use super::calendar::{self, Calendar};
use super::lists::{Lists, Profession};
use super::people::{self, People, Role};
use super::places;
use super::random::Random;
use super::row::{self, World, next_id};

const AGES: &[(u32, &str)] = &[
    (8, "AGE_18_24"),
    (26, "AGE_25_34"),
    (26, "AGE_35_44"),
    (18, "AGE_45_54"),
    (10, "AGE_55_64"),
    (4, "AGE_65_PLUS"),
    (8, "UNKNOWN"),
];
const EDUCATIONS: &[(u32, Option<&str>)] = &[
    (6, Some("HIGH_SCHOOL")),
    (8, Some("SOME_COLLEGE")),
    (8, Some("ASSOCIATES")),
    (42, Some("BACHELORS_DEGREE")),
    (20, Some("MASTERS")),
    (6, Some("DOCTORATE")),
    (4, Some("UNKNOWN")),
    (6, None),
];
const LOCALITIES: &[(u32, &str)] = &[(62, "local"), (14, "partial"), (14, "non_local"), (10, "unknown")];
const STATUSES: &[(u32, Option<&str>)] =
    &[(86, Some("ACTIVE")), (4, Some("NONE")), (6, Some("INACTIVE")), (2, Some("ON_HOLD")), (2, None)];

/// Industries in which every organization has employees.
const EVERYWHERE: &[&str] = &["Business", "Marketing", "Sales", "Technology"];

/// Adds `count` volunteers and returns the date on which each joined, ascending like their ids.
pub(super) fn build(
    seed: u64,
    count: usize,
    lists: &Lists,
    calendar: &Calendar,
    world: &mut World,
) -> Vec<NaiveDate> {
    let mut random = Random::stream(seed, "volunteers");
    let mut people = People::new(seed, "volunteers' names", &lists.names);
    let joined = join_dates(&mut random, count, calendar);
    for since in &joined {
        add(*since, &mut random, &mut people, lists, world);
    }
    joined
}

/// Returns the dates on which volunteers joined: a third before the sample begins, the others at any time
/// since.
fn join_dates(random: &mut Random, count: usize, calendar: &Calendar) -> Vec<NaiveDate> {
    let mut dates: Vec<NaiveDate> = (0..count)
        .map(|_| {
            if random.percent(33) {
                let days = u64::from(random.between(1, 4 * 365));
                calendar.first().checked_sub_days(Days::new(days)).unwrap_or(calendar.first())
            } else {
                *random.pick(&calendar.past)
            }
        })
        .collect();
    dates.sort_unstable();
    dates
}

fn add(since: NaiveDate, random: &mut Random, people: &mut People<'_>, lists: &Lists, world: &mut World) {
    let employer = random.percent(82).then(|| random.index(world.organizations.len()));
    let profession = profession(employer, random, lists);
    let education = random.weighted(EDUCATIONS);
    let role = Role {
        table: "volunteer",
        age_group: random.weighted(AGES),
        education,
        account: employer.map(|place| world.organizations[place].salesforce_id.clone()),
        do_not_contact: random.percent(2),
        email_opt_out: random.percent(6),
        exclude_from_reports: random.percent(3),
    };
    let id = people.add(role, world);
    let ethnicity = world.contacts[id as usize - 1].race_ethnicity;
    // Old imports left Salesforce's id of the account where its name belongs.
    let organization_name = employer.map(|place| {
        let employer = &world.organizations[place];
        if random.percent(3) { employer.salesforce_id.clone() } else { employer.name.clone() }
    });
    world.volunteers.push(row::Volunteer {
        id,
        organization_name: organization_name.filter(|_| random.percent(94)),
        title: random.percent(93).then(|| profession.title.clone()),
        department: Some(profession.department.clone()).filter(|name| !name.is_empty() && random.percent(80)),
        industry: random.percent(90).then(|| profession.industry.clone()),
        education,
        local_status: random.weighted(LOCALITIES),
        is_people_of_color: people::of_color(ethnicity),
        first_volunteer_date: None,
        last_volunteer_date: None,
        last_activity_date: Some(calendar::date(since)),
        times_volunteered: 0,
        additional_volunteer_count: 0,
        status: random.weighted(STATUSES),
    });
    add_emails(id, employer, random, people, world);
    add_memberships(id, employer, since, random, world);
    add_skills(id, &profession.skills, random, lists, world);
}

/// Chooses a profession: mostly one of the employer's industry, otherwise one that every organization needs.
fn profession<'a>(employer: Option<usize>, random: &mut Random, lists: &'a Lists) -> &'a Profession {
    let trades: &[String] = match employer {
        Some(place) if random.percent(80) => &places::kind_of(place, lists).industries,
        _ => &[],
    };
    let fits = |profession: &&Profession| match employer {
        Some(_) if trades.is_empty() => EVERYWHERE.contains(&profession.industry.as_str()),
        Some(_) => trades.contains(&profession.industry),
        None => true,
    };
    let fitting: Vec<&Profession> = lists.professions.iter().filter(fits).collect();
    random.pick::<&Profession>(&fitting)
}

fn add_emails(
    id: u32,
    employer: Option<usize>,
    random: &mut Random,
    people: &mut People<'_>,
    world: &mut World,
) {
    let at_work =
        employer.map(|place| format!("{}.example", people::plain(&world.organizations[place].name)));
    let reachable = random.percent(94);
    match at_work {
        Some(domain) if random.percent(70) => {
            people.add_email(id, &domain, "professional", reachable, world);
            if random.percent(25) {
                people.add_email(id, "mail.example", "personal", false, world);
            }
        }
        _ if reachable => {
            people.add_email(id, "mail.example", "personal", true, world);
        }
        _ => {}
    }
}

fn add_memberships(
    id: u32,
    employer: Option<usize>,
    since: NaiveDate,
    random: &mut Random,
    world: &mut World,
) {
    let Some(employer) = employer else { return };
    let joined = calendar::stamp(calendar::at_quarter(since, 0));
    let start = random.percent(70).then(|| joined.clone());
    let primary = membership(id, world.organizations[employer].id, start, None, &joined);
    world.memberships.push(primary);
    if !random.percent(14) {
        return;
    }
    // An earlier employer, left in the course of the sample, or a second one.
    let other = random.index(world.organizations.len());
    if other != employer {
        let left = since.checked_add_days(Days::new(u64::from(random.between(30, 600)))).unwrap_or(since);
        let end = random.percent(60).then(|| calendar::stamp(calendar::at_quarter(left, 0)));
        let number = world.organizations[other].id;
        world.memberships.push(membership(id, number, Some(joined.clone()), end, &joined));
    }
}

fn membership(
    volunteer_id: u32,
    organization_id: u32,
    start_date: Option<String>,
    end_date: Option<String>,
    created: &str,
) -> row::Membership {
    row::Membership {
        volunteer_id,
        organization_id,
        role: "Employee",
        is_primary: end_date.is_none(),
        status: if end_date.is_some() { "Past" } else { "Current" },
        start_date,
        end_date,
        created_at: created.to_owned(),
        updated_at: created.to_owned(),
    }
}

fn add_skills(id: u32, own: &[String], random: &mut Random, lists: &Lists, world: &mut World) {
    if random.percent(12) {
        return;
    }
    let mut skills: Vec<(usize, &'static str)> =
        own.iter().filter_map(|name| lists.skill(name)).map(|skill| (skill, "job")).collect();
    for skill in random.sample(lists.skills.len(), 2) {
        if random.percent(50) && skills.iter().all(|(known, _)| *known != skill) {
            skills.push((skill, random.weighted(&[(2, "interest"), (1, "user_selected")])));
        }
    }
    let rows = skills.into_iter().map(|(skill, source)| row::VolunteerSkill {
        volunteer_id: id,
        skill_id: world.skills[skill].id,
        source,
    });
    world.volunteer_skills.extend(rows);
}

/// Adds every skill that a profession names.
pub(super) fn build_skills(lists: &Lists, world: &mut World) {
    for name in &lists.skills {
        let id = next_id(&world.skills);
        world.skills.push(row::Skill { id, name: name.clone() });
    }
}
