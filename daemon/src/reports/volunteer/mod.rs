//! Volunteer reports: people who were active lately, and people who volunteered for the first time.
//!
//! Rules that both share, as VMS's queries have them:
//!
//! * A person is listed once per distinct name among the organizations they are linked to, and once as
//!   `Independent` when they have none; the dates of links are not used. Every row of a person has the
//!   person's full figures, and a person with several links to organizations of one name has them multiplied
//!   by the number of those links, because VMS joins before it counts.
//! * A participation counts by its status, compared case-sensitively, see `ATTENDED`.
//! * The first engagement is a date, and a window's bounds are instants. VMS leaves it to its database layer
//!   as which of the two they are compared: as instants in SQLite's text form, the window's first day would
//!   be outside. These reports compare dates: a person who began on the first or on the last day of a window
//!   is included, whatever the time of day of its bounds. Events are compared with the instants.

mod first_time;
mod people;
mod recent;
#[cfg(test)]
mod testing;
mod windows;

pub use first_time::FirstTime;
pub use recent::Recent;

use crate::snapshot::Source;

/// Statuses of an attended participation.
const ATTENDED: [&str; 3] = ["Attended", "Completed", "Successfully Completed"];

/// [`ATTENDED`], and the status that VMS adds for recent activity: the class watched a recording.
const ATTENDED_OR_SIMULCAST: [&str; 4] = ["Attended", "Completed", "Successfully Completed", "Simulcast"];

/// Source tables that both reports read.
const SOURCES: &[Source] = &[
    Source::Contact,
    Source::Volunteer,
    Source::Organization,
    Source::VolunteerOrganization,
    Source::Event,
    Source::EventParticipation,
];
