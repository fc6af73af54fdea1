//! Facts about each session that both reports use, computed once per year.
//!
//! A session took place when its status is completed or simulcast; it was moved to a classroom when its
//! imported status contains "moved to in-person" in any case. Dates and times are printed as stored.

use std::sync::Arc;

use super::index::{Index, Place};
use super::matching::normalized;
use super::presenters::{Panel, short_name};
use crate::reports::virtual_year::VirtualYear;
use crate::snapshot::{Event, EventTeacher, School};
use crate::vms::enums::{COMPLETED, SIMULCAST, event_status_value};

/// Part of the imported status that marks a session as moved to a classroom, in lower case.
const MOVED: &str = "moved to in-person";

/// A session.
#[derive(Debug)]
pub(super) struct Session<'s> {
    pub(super) event: &'s Event,
    /// Value of the session's status.
    pub(super) status: &'s str,
    /// Whether the session took place.
    pub(super) completed: bool,
    /// Whether the session was moved to a classroom.
    pub(super) moved: bool,
    /// `MM/DD/YY`, as stored.
    pub(super) date: String,
    /// `HH:MM AM`, as stored.
    pub(super) time: String,
    pub(super) place: Place<'s>,
    /// By teacher id.
    pub(super) registrations: Vec<Registration<'s>>,
    pub(super) panel: Panel<'s>,
}

/// A teacher's registration for a session.
#[derive(Debug)]
pub(super) struct Registration<'s> {
    pub(super) link: &'s EventTeacher,
    /// `None` when the teacher does not exist.
    pub(super) teacher: Option<Teacher<'s>>,
}

/// A registered teacher.
#[derive(Debug)]
pub(super) struct Teacher<'s> {
    pub(super) id: i64,
    pub(super) name: Arc<str>,
    pub(super) school: Option<&'s School>,
    /// Name of the school's district.
    pub(super) school_district: Option<&'s str>,
    /// District name by which the registration is matched, normalized: the school's district, else the
    /// session's place.
    pub(super) matched: Option<String>,
}

/// Returns the sessions of a year, latest first.
pub(super) fn sessions<'s>(index: &Index<'s>, year: VirtualYear) -> Vec<Arc<Session<'s>>> {
    index.events(year).into_iter().map(|event| Arc::new(Session::new(event, index))).collect()
}

impl<'s> Session<'s> {
    fn new(event: &'s Event, index: &Index<'s>) -> Self {
        let status = event.status.as_deref().unwrap_or_default();
        let original = event.original_status.as_deref().unwrap_or_default();
        let shown = |format| {
            event.start.as_ref().map(|start| start.at.format(format).to_string()).unwrap_or_default()
        };
        let place = index.place(event);
        let registrations = index.registrations(event).into_iter();
        Self {
            event,
            status: event_status_value(status),
            completed: status == COMPLETED || status == SIMULCAST,
            moved: original.to_lowercase().contains(MOVED),
            date: shown("%m/%d/%y"),
            time: shown("%I:%M %p"),
            place,
            registrations: registrations
                .map(|link| Registration { link, teacher: Teacher::new(link.teacher, place, index) })
                .collect(),
            panel: Panel::new(&index.presenters(event), index),
        }
    }

    pub(super) fn kind(&self) -> &'s str {
        self.event.additional_information.as_deref().unwrap_or_default()
    }

    pub(super) fn topic(&self) -> &'s str {
        self.event.series.as_deref().unwrap_or_default()
    }

    pub(super) fn link(&self) -> &'s str {
        self.event.registration_link.as_deref().unwrap_or_default()
    }

    pub(super) fn title(&self) -> Option<&'s str> {
        self.event.title.as_deref()
    }

    /// Returns the duration in minutes.
    pub(super) fn duration(&self) -> i64 {
        self.event.duration.unwrap_or_default()
    }

    /// Estimates the bytes that the session takes in a payload.
    pub(super) fn weight(&self) -> usize {
        const KEYS: usize = 320;
        const KEYS_OF_PRESENTER: usize = 140;
        KEYS + self.title().map_or(0, str::len)
            + self.kind().len()
            + self.topic().len()
            + self.link().len()
            + 2 * self.panel.names.len()
            + 2 * self.panel.organizations.len()
            + self.panel.presenters.len() * KEYS_OF_PRESENTER
    }
}

impl<'s> Teacher<'s> {
    fn new(id: i64, place: Place<'s>, index: &Index<'s>) -> Option<Self> {
        let contact = index.teacher(id)?;
        let school = index.school_of(id);
        let school_district = school.and_then(|school| index.district_of(school));
        let district = school_district.filter(|name| !name.is_empty()).or(place.named());
        Some(Self {
            id,
            name: short_name(contact).into(),
            school,
            school_district,
            matched: district.map(normalized),
        })
    }

    pub(super) fn school_name(&self) -> Option<&'s str> {
        self.school.map(|school| school.name.as_ref())
    }
}
