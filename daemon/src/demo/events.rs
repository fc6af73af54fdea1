//! Event rows.

use chrono::{NaiveDateTime, TimeDelta};

use super::calendar::{self, Calendar, Slot};
use super::lists::{Lists, Place, Program, Session};
use super::places::Places;
use super::random::Random;
use super::row::{self, Kind, World, next_id};

/// The facts of an event that rows about participants need.
pub(super) struct Event<'a> {
    pub(super) id: u32,
    pub(super) program: &'a Program,
    pub(super) start: NaiveDateTime,
    /// VMS's member name.
    pub(super) status: &'static str,
    pub(super) upcoming: bool,
    /// The host, as an index of the schools.
    pub(super) school: usize,
}

impl Event<'_> {
    pub(super) fn online(&self) -> bool {
        self.program.place == Place::Online
    }

    /// Returns whether the event took place.
    pub(super) fn held(&self) -> bool {
        matches!(self.status, "COMPLETED" | "SIMULCAST")
    }
}

const PAST: &[(u32, &str)] =
    &[(80, "COMPLETED"), (10, "CANCELLED"), (2, "NO_SHOW"), (4, "CONFIRMED"), (2, "REQUESTED"), (2, "DRAFT")];
const PAST_ONLINE: &[(u32, &str)] = &[
    (66, "COMPLETED"),
    (12, "SIMULCAST"),
    (11, "CANCELLED"),
    (5, "NO_SHOW"),
    (3, "CONFIRMED"),
    (1, "COUNT"),
    (2, "DRAFT"),
];
const UPCOMING: &[(u32, &str)] =
    &[(50, "CONFIRMED"), (10, "PUBLISHED"), (22, "REQUESTED"), (12, "DRAFT"), (6, "CANCELLED")];
const DESCRIPTIONS: &[Option<&str>] = &[
    None,
    None,
    Some("Students meet professionals and ask about their work."),
    Some("Please arrive fifteen minutes early and sign in at the front office."),
    Some("Hands-on activities in small groups; no preparation is needed."),
    Some(
        "Volunteers talk about their path from school to their first job, their training and a typical day.",
    ),
    Some("Bring something from work that students can see or try."),
];

/// Adds the events of the slots, in their order.
pub(super) fn build<'a>(
    seed: u64,
    slots: &[Slot<'a>],
    lists: &Lists,
    calendar: &Calendar,
    places: &Places,
    world: &mut World,
) -> Vec<Event<'a>> {
    let mut builder = Builder { random: Random::stream(seed, "events"), lists, calendar, places };
    slots.iter().map(|slot| builder.add(slot, world)).collect()
}

struct Builder<'b> {
    random: Random,
    lists: &'b Lists,
    calendar: &'b Calendar,
    places: &'b Places,
}

impl Builder<'_> {
    fn add<'a>(&mut self, slot: &Slot<'a>, world: &mut World) -> Event<'a> {
        let program = slot.program;
        let id = next_id(&world.events);
        let online = program.place == Place::Online;
        let status = self.random.weighted(match (slot.upcoming, online) {
            (true, _) => UPCOMING,
            (false, true) => PAST_ONLINE,
            (false, false) => PAST,
        });
        let event = Event {
            id,
            program,
            start: slot.start,
            status,
            upcoming: slot.upcoming,
            school: self.school(program.level.as_deref()),
        };
        let field = self.random.pick(&self.lists.professions);
        let session = self.random.pick(&self.lists.sessions);
        let mut row = self.row(&event, &field.industry, session, world);
        row.district_partner = self.partner(&event, world);
        if online {
            self.make_online(&event, session, &mut row);
        }
        world.events.push(row);
        if self.random.percent(55) {
            let wanted = self.random.between(1, 3) as usize;
            let skills = field.skills.iter().take(wanted).filter_map(|name| self.lists.skill(name));
            let rows = skills.map(|skill| row::EventSkill { event_id: id, skill_id: world.skills[skill].id });
            world.event_skills.extend(rows);
        }
        event
    }

    /// Chooses a school of the level, most often of a district that the district reports map.
    fn school(&mut self, level: Option<&str>) -> usize {
        let fits = |place: &usize| level.is_none_or(|level| self.places.schools[*place].level == level);
        let mut schools: Vec<usize> = (0..self.places.schools.len()).filter(fits).collect();
        if schools.is_empty() {
            schools = (0..self.places.schools.len()).collect();
        }
        let chosen = *self.random.pick(&schools);
        if self.places.district_of(chosen).mapped { chosen } else { *self.random.pick(&schools) }
    }

    fn row(&mut self, event: &Event<'_>, field: &str, session: &Session, world: &World) -> row::Event {
        let program = event.program;
        let school = &self.places.schools[event.school];
        let minutes = *self.random.pick(&program.minutes);
        let end = event.start.checked_add_signed(TimeDelta::minutes(i64::from(minutes)));
        let company = self.organization(|sector| sector == "Business", world);
        let campus = self.organization(|sector| sector == "School", world);
        let title = (self.random.pick(&program.titles))
            .replace("{school}", &school.name)
            .replace("{district}", &self.places.districts[school.district].name)
            .replace("{field}", field)
            .replace("{company}", &company)
            .replace("{campus}", &campus)
            .replace("{session}", &session.title);
        let location = match program.place {
            Place::Online => "Virtual".to_owned(),
            Place::School | Place::Evening => format!("{}, Kansas City", school.name),
            Place::Workplace => format!("{company}, Downtown"),
            Place::Campus => format!("{campus}, Suburban Campus"),
            Place::Office => "Program Office, Downtown Kansas City".to_owned(),
        };
        let students = if event.held() { self.random.between(12, 140) } else { 0 };
        let needed = self.random.between(program.volunteers[0], program.volunteers[1]);
        let cancellation = self.cancellation(event);
        let made_days_ahead = self.random.between(20, 70);
        let made = calendar::stamp(self.calendar.before(event.start, made_days_ahead));
        row::Event {
            id: event.id,
            salesforce_id: Some(row::salesforce_id(Kind::Event, event.id)),
            title,
            description: *self.random.pick(DESCRIPTIONS),
            r#type: program.name.clone(),
            format: if event.online() { "VIRTUAL" } else { "IN_PERSON" },
            start_date: calendar::stamp(event.start),
            end_date: end.filter(|_| self.random.percent(92)).map(calendar::stamp),
            duration: self.random.percent(95).then_some(minutes),
            status: event.status,
            cancellation_reason: cancellation,
            location: self.random.percent(85).then_some(location),
            school: matches!(program.place, Place::School | Place::Evening).then(|| school.id.clone()),
            district_partner: None,
            volunteers_needed: if event.upcoming || self.random.percent(85) { needed } else { 0 },
            participant_count: students,
            registered_count: students,
            attended_count: students,
            available_slots: 0,
            scheduled_participants_count: 0,
            total_requested_volunteer_jobs: needed,
            additional_information: None,
            session_id: None,
            session_host: self.random.weighted(&[(6, Some("PREPKC")), (1, Some("PrepKC")), (1, None)]),
            series: None,
            registration_link: None,
            original_status_string: Some(original_status(event.status, cancellation)),
            pathful_session_id: None,
            career_cluster: None,
            import_source: "salesforce",
            created_at: made.clone(),
            updated_at: made,
        }
    }

    /// Chooses the name of an organization of the sector, or of any when there is none.
    fn organization(&mut self, sector: impl Fn(&str) -> bool, world: &World) -> String {
        let begin = self.random.index(world.organizations.len());
        let (before, after) = world.organizations.split_at(begin);
        let found = after.iter().chain(before).find(|organization| sector(&organization.r#type));
        found
            .map_or_else(|| world.organizations[begin].name.clone(), |organization| organization.name.clone())
    }

    fn cancellation(&mut self, event: &Event<'_>) -> Option<&'static str> {
        (event.status == "CANCELLED").then(|| {
            self.random.weighted(&[
                (3, "WEATHER"),
                (3, "PRESENTER_CANCELLED"),
                (3, "TEACHER_CANCELLED"),
                (2, "SCHOOL_CONFLICT"),
                (1, "TECHNICAL_ISSUES"),
                (1, "LOW_ENROLLMENT"),
                (1, "SCHEDULING_ERROR"),
                (1, "OTHER"),
            ])
        })
    }

    /// Returns the partner text as staff enter it: the district's name or an alias, several of them, the
    /// school, or none. Most events are linked to their district as well.
    fn partner(&mut self, event: &Event<'_>, world: &mut World) -> Option<String> {
        let school = &self.places.schools[event.school];
        let district = &self.places.districts[school.district];
        let mut linked = vec![district.id];
        let alias = district.aliases.first().unwrap_or(&district.name);
        let partner = match self.random.below(100) {
            0..62 => Some(district.name.clone()),
            62..76 => Some(alias.clone()),
            76..83 => {
                let other = self.random.pick(&self.places.districts);
                linked.push(other.id);
                Some(format!("{}, {}", district.name, other.name))
            }
            83..88 => Some(school.name.clone()),
            88..92 => Some(format!("{} - {}", alias, school.name)),
            _ => None,
        };
        if partner.is_none() || self.random.percent(80) {
            linked.sort_unstable();
            linked.dedup();
            let rows = linked
                .into_iter()
                .map(|district| row::EventDistrict { event_id: event.id, district_id: district.to_string() });
            world.event_districts.extend(rows);
        }
        partner
    }

    fn make_online(&mut self, event: &Event<'_>, session: &Session, row: &mut row::Event) {
        let direct = self.random.percent(60);
        row.series = self.random.percent(92).then(|| session.series.clone());
        row.career_cluster = row.series.clone();
        row.additional_information = self.random.weighted(&[
            (5, Some("industry chat")),
            (3, Some("teacher requested")),
            (2, Some("Industry Expert Q&A")),
            (2, None),
        ]);
        row.session_id = Some(format!("S-{:06}", 100_000 + event.id));
        row.registration_link =
            self.random.percent(85).then(|| format!("https://sessions.example.org/{}", 100_000 + event.id));
        row.session_host = self.random.weighted(&[
            (6, Some("PREPKC")),
            (2, Some("PrepKC")),
            (3, Some("Pathful")),
            (1, None),
        ]);
        if direct {
            row.salesforce_id = None;
            row.pathful_session_id = Some(format!("PF{:08}", 42_000 + event.id));
            row.import_source = "pathful_direct";
        }
        if event.status == "CANCELLED" && self.random.percent(20) {
            row.original_status_string = Some("Moved to In-Person Session");
        }
    }
}

/// Returns the status as the source system names it.
fn original_status(status: &str, cancellation: Option<&str>) -> &'static str {
    match cancellation.unwrap_or(status) {
        "COMPLETED" => "Successfully Completed",
        "SIMULCAST" => "Simulcast",
        "WEATHER" => "Inclement Weather Cancellation",
        "TEACHER_CANCELLED" => "Teacher Cancelation",
        "TECHNICAL_ISSUES" => "Technical Difficulties",
        "PRESENTER_CANCELLED" => "Local Professional Cancellation",
        "SCHOOL_CONFLICT" | "LOW_ENROLLMENT" | "SCHEDULING_ERROR" | "OTHER" => "Canceled",
        "NO_SHOW" => "Teacher No-Show",
        "CONFIRMED" => "Confirmed",
        "PUBLISHED" => "Published",
        "COUNT" => "Count",
        "DRAFT" => "Draft",
        _ => "Teacher Requested",
    }
}
