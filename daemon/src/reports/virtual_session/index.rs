//! Lookups over the snapshot, starting from a session.

use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

use crate::reports::virtual_session::UNKNOWN_DISTRICT;
use crate::reports::year::{VirtualYear, Year};
use crate::snapshot::{
    Contact, District, Event, EventTeacher, Groups, School, Snapshot, Volunteer, VolunteerOrganization, find,
};
use crate::vms::enums::VIRTUAL_SESSION;

/// Place of a session according to the event itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'s> {
    linked: Option<&'s str>,
    partner: Option<&'s str>,
}

impl<'s> Place<'s> {
    /// Returns the place as the report shows it: a linked district's name counts even when it is empty.
    pub(super) fn shown(self) -> Option<&'s str> {
        self.linked.or(self.partner)
    }

    /// Returns the place for matching names: an empty name counts as none.
    pub(super) fn named(self) -> Option<&'s str> {
        self.linked.filter(|name| !name.is_empty()).or(self.partner)
    }
}

/// Returns the stored text of the start, by which SQLite orders.
fn start(event: &Event) -> Option<&str> {
    event.start.as_ref().map(|start| start.text.as_ref())
}

/// Lookups over the snapshot. Tables that keys do not need are read when they are first asked for.
pub(super) struct Index<'s> {
    pub(super) snapshot: &'s Snapshot,
    memberships: OnceLock<Groups<i64>>,
    districts_of_event: Groups<i64>,
    registrations: Groups<i64>,
    presenters: OnceLock<Groups<i64>>,
    schools: HashMap<&'s str, &'s School>,
    first_of_name: HashMap<&'s str, &'s School>,
}

impl<'s> Index<'s> {
    pub(super) fn new(snapshot: &'s Snapshot) -> Self {
        let mut first_of_name = HashMap::with_capacity(snapshot.schools.len());
        for school in &snapshot.schools {
            first_of_name.entry(school.name.as_ref()).or_insert(school);
        }
        Self {
            snapshot,
            memberships: OnceLock::new(),
            districts_of_event: Groups::by(&snapshot.event_districts, |row| Some(row.event)),
            registrations: Groups::by(&snapshot.event_teachers, |row| Some(row.event)),
            presenters: OnceLock::new(),
            schools: snapshot.schools.iter().map(|school| (school.id.as_ref(), school)).collect(),
            first_of_name,
        }
    }

    /// Returns the sessions of a year, latest first, ties by id.
    pub(super) fn events(&self, year: VirtualYear) -> Vec<&'s Event> {
        let window = year.window();
        let mut events: Vec<&Event> = self
            .snapshot
            .events
            .iter()
            .filter(|event| event.kind.as_deref() == Some(VIRTUAL_SESSION))
            .filter(|event| window.contains(event.start.as_ref()))
            .collect();
        events.sort_by(|one, other| start(other).cmp(&start(one)).then(one.id.cmp(&other.id)));
        events
    }

    /// Returns the place of an event.
    pub(super) fn place(&self, event: &'s Event) -> Place<'s> {
        let linked = self
            .districts_of_event
            .rows(&self.snapshot.event_districts, &event.id)
            .filter_map(|link| Some((&link.stored, self.district(link.district)?)))
            .min_by(|(one, _), (other, _)| one.cmp(other));
        Place {
            linked: linked.map(|(_, district)| district.name.as_ref()),
            partner: event.district_partner.as_deref().filter(|partner| !partner.is_empty()),
        }
    }

    /// Returns the registrations of an event, by teacher id.
    pub(super) fn registrations(&self, event: &Event) -> Vec<&'s EventTeacher> {
        let mut links: Vec<_> = self.registrations.rows(&self.snapshot.event_teachers, &event.id).collect();
        links.sort_by_key(|link| link.teacher);
        links
    }

    /// Returns the school of a teacher; `None` when the teacher, or the school, does not exist.
    pub(super) fn school_of(&self, teacher: i64) -> Option<&'s School> {
        let teachers = &self.snapshot.teachers;
        let teacher = find(teachers, teacher, |row| row.id)?;
        self.schools.get(teacher.school.as_deref()?).copied()
    }

    /// Returns the contact of a teacher; `None` when the teacher does not exist.
    pub(super) fn teacher(&self, id: i64) -> Option<&'s Contact> {
        find(&self.snapshot.teachers, id, |row| row.id)?;
        self.contact(id)
    }

    /// Returns the presenters of an event, by id.
    pub(super) fn presenters(&self, event: &Event) -> Vec<(&'s Volunteer, &'s Contact)> {
        let (volunteers, links) = (&self.snapshot.volunteers, &self.snapshot.event_volunteers);
        let mut presenters: Vec<_> = self
            .presenters
            .get_or_init(|| Groups::by(links, |row| Some(row.event)))
            .rows(links, &event.id)
            .filter_map(|link| {
                let volunteer = find(volunteers, link.volunteer, |row| row.id)?;
                Some((volunteer, self.contact(link.volunteer)?))
            })
            .collect();
        presenters.sort_by_key(|(volunteer, _)| volunteer.id);
        presenters
    }

    /// Returns the memberships of a volunteer, in the order of insertion.
    pub(super) fn memberships(&self, volunteer: i64) -> impl Iterator<Item = &'s VolunteerOrganization> {
        let rows = &self.snapshot.volunteer_organizations;
        self.memberships.get_or_init(|| Groups::by(rows, |row| Some(row.volunteer))).rows(rows, &volunteer)
    }

    /// Returns the name of a school's district.
    pub(super) fn district_of(&self, school: &School) -> Option<&'s str> {
        self.district(school.district?).map(|district| district.name.as_ref())
    }

    /// Returns the name of the district of the school that VMS finds by name: the first row of the table with
    /// that name.
    pub(super) fn district_by_school_name(&self, name: &str) -> Option<&'s str> {
        self.district_of(self.first_of_name.get(name)?)
    }

    /// Returns the district names that the report of a year shows, in its rows or among its filters.
    ///
    /// Contacts of registered teachers are not read, so that the names are known without reading the largest
    /// table. A superfluous name only makes an entry without sessions.
    pub(super) fn district_names(&self, year: VirtualYear) -> BTreeSet<&'s str> {
        let mut names = BTreeSet::new();
        for event in self.events(year) {
            let place = self.place(event).shown();
            names.extend(place);
            let registrations = self.registrations(event);
            if registrations.is_empty() {
                names.insert(place.unwrap_or(UNKNOWN_DISTRICT));
            }
            names.extend(registrations.into_iter().map(|link| {
                let school = self.school_of(link.teacher).and_then(|school| self.district_of(school));
                school.or(place).unwrap_or(UNKNOWN_DISTRICT)
            }));
        }
        names
    }

    fn contact(&self, id: i64) -> Option<&'s Contact> {
        find(&self.snapshot.contacts, id, |row| row.id)
    }

    fn district(&self, id: i64) -> Option<&'s District> {
        find(&self.snapshot.districts, id, |row| row.id)
    }
}
