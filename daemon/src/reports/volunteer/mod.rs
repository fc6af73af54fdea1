//! Volunteer reports: who was active lately, and who volunteered for the first time.
//!
//! Rules that both share, as VMS's queries have them:
//!
//! * A person is listed once per distinct name among the organizations they are linked to, and once as
//!   `Independent` when they have none; links know no dates here. Every row of a person carries the person's
//!   full figures, and a person with several links to organizations of one name has them multiplied by the
//!   number of those links, because VMS joins first and counts then.
//! * A participation counts by its status, compared case-sensitively, see `ATTENDED`.
//! * The first engagement is a date, and a window's bounds are instants. VMS leaves it to its database layer
//!   which of the two they are compared as: as instants in SQLite's text form, the window's first day would be
//!   out. These reports compare dates: who began on the first or on the last day of a window is in, whatever
//!   the time of day of its bounds. Events are compared with the instants.

mod first_time;
mod people;
mod recent;
#[cfg(test)]
mod testing;
mod windows;

pub use first_time::FirstTime;
pub use recent::Recent;

use crate::snapshot::Source;

/// States of a participation that took place.
const ATTENDED: [&str; 3] = ["Attended", "Completed", "Successfully Completed"];

/// The same with the one that VMS adds for recent activity: the class watched a recording.
const ATTENDED_OR_SIMULCAST: [&str; 4] = ["Attended", "Completed", "Successfully Completed", "Simulcast"];

/// What both reports read.
const SOURCES: &[Source] = &[
    Source::Contact,
    Source::Volunteer,
    Source::Organization,
    Source::VolunteerOrganization,
    Source::Event,
    Source::EventParticipation,
];
