//! `virtual_session_report_cache`: one entry per virtual year, over all districts, as VMS's
//! `compute_virtual_session_data` computes it for the page `/virtual/usage`.
//!
//! # `filter_options`: the options of the page's drop-down lists
//!
//! * `school_years` are the years that VMS's page offers, newest first ([`VirtualYear::offered`]).
//! * All other lists hold distinct names sorted by code point, over all sessions of the year, of whatever
//!   status.
//! * `career_clusters` and `statuses` leave out empty texts.
//! * `schools` are those of registered teachers who exist.
//! * `districts` are the places of the sessions and the districts of registered teachers' schools. Empty
//!   names are kept, and `Unknown District` is not among them unless a place has that name.
//!
//! # When the report must not be cached
//!
//! On a cached row VMS's page skips the limit of district-scoped accounts: such an account sees the rows and
//! teachers of every district. VMS itself caches a row only occasionally, for a day; a row that is always
//! present would make this leak permanent. The district table has no such leak, because VMS's district page
//! always recomputes.

mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::reports::virtual_session::index::Index;
use crate::reports::virtual_session::sessions::{Session, Teacher, sessions};
use crate::reports::virtual_session::{key, year_of};
use crate::reports::year::{VirtualYear, Year};
use crate::reports::{Built, Context, Entry, Group, Mode, Payload, Yearly};
use crate::snapshot::Source;
use crate::vms::tables::{Key, Table};
use crate::vms::time;

use rows::{SessionData, summaries};

/// The report of VMS's page `/virtual/usage`.
#[derive(Debug)]
pub struct VirtualSessions;

impl Yearly for VirtualSessions {
    type Year = VirtualYear;

    const TABLE: Table = Table::VirtualSessionReportCache;
    const RULES_VERSION: u32 = 1;
    const SOURCES: &'static [Source] = &[
        Source::Event,
        Source::EventDistricts,
        Source::EventTeacher,
        Source::EventVolunteers,
        Source::District,
        Source::School,
        Source::Teacher,
        Source::Contact,
        Source::Volunteer,
        Source::VolunteerOrganization,
        Source::Organization,
        // Determines whether the report may be cached at all.
        Source::Users,
    ];
    const KEY_SOURCES: &'static [Source] = &[Source::Users];

    fn withheld(&self, cx: Context<'_>) -> Option<String> {
        withheld(cx)
    }

    fn clock(&self, cx: Context<'_>) -> String {
        // The years that the page offers are part of the payload, and change at New Year in VMS's time zone.
        time::local(cx.now, cx.zone()).format("%Y").to_string()
    }

    fn next_payloads(&self, cx: Context<'_>) -> Option<DateTime<Utc>> {
        VirtualYear::offer_turns(cx.now, cx.zone())
    }

    fn year_of(&self, key: &Key) -> Option<VirtualYear> {
        year_of(Self::TABLE, key)
    }

    fn keys(&self, _: Context<'_>) -> impl FnMut(VirtualYear) -> Vec<Key> {
        |year| vec![key(year, None)]
    }

    fn groups<'s>(&self, cx: Context<'s>) -> impl Fn(VirtualYear) -> Built<'s> + 's {
        let index = Index::new(cx.snapshot);
        let offered = VirtualYear::offered(cx.now, cx.zone());
        move |year| {
            let entry = Entry { key: key(year, None), payload: payload(&index, year, &offered) };
            Group::new(year.key(), vec![entry]).alone()
        }
    }
}

fn payload<'s>(index: &Index<'s>, year: VirtualYear, offered: &[VirtualYear]) -> Vec<Payload<'s>> {
    let sessions: Arc<[_]> = sessions(index, year).into();
    let options = FilterOptions::new(&sessions, offered);
    let (districts, overall) = summaries(&sessions, &options.districts);
    vec![
        Payload::json(SessionData(sessions)),
        Payload::json(districts),
        Payload::json(overall),
        Payload::json(options),
    ]
}

/// The scope without any limit.
const GLOBAL: &str = "global";

/// Returns why `virtual_session_report_cache` is withheld, with the number of accounts; `None` when it is
/// not. Reads `users`.
///
/// An account counts when it is limited and may log in. An unreadable value counts as limited, and as allowed
/// to log in: withholding a report makes a page slower, while storing one too many shows people's names.
fn withheld(cx: Context<'_>) -> Option<String> {
    if cx.mode() == Mode::Exact || cx.settings.virtual_session_allow_scoped_users {
        return None;
    }
    let limited = |scope: Option<&str>| scope != Some(GLOBAL);
    let accounts = cx
        .snapshot
        .users
        .iter()
        .filter(|user| user.active != Some(false) && limited(user.scope.as_deref()))
        .count();
    let who = match accounts {
        0 => return None,
        1 => "1 active VMS account is".to_owned(),
        many => format!("{many} active VMS accounts are"),
    };
    Some(format!(
        "{who} limited to a part of the data, and VMS would show the whole of {} to them; set \
         virtual_session.allow_scoped_users = true if they may see every district",
        Table::VirtualSessionReportCache
    ))
}

/// The `filter_options` column.
#[derive(Debug, Serialize)]
struct FilterOptions<'s> {
    school_years: Vec<String>,
    career_clusters: BTreeSet<&'s str>,
    /// Schools of registered teachers.
    schools: BTreeSet<&'s str>,
    /// Places of the sessions, and districts of registered teachers' schools.
    districts: BTreeSet<&'s str>,
    statuses: BTreeSet<&'s str>,
}

impl<'s> FilterOptions<'s> {
    fn new(sessions: &[Arc<Session<'s>>], offered: &[VirtualYear]) -> Self {
        let teachers = || {
            let registrations = sessions.iter().flat_map(|session| &session.registrations);
            registrations.filter_map(|registration| registration.teacher.as_ref())
        };
        let non_empty = |name: &&str| !name.is_empty();
        let places = sessions.iter().filter_map(|session| session.place.shown());
        Self {
            school_years: offered.iter().map(|year| year.key()).collect(),
            career_clusters: sessions.iter().map(|session| session.topic()).filter(non_empty).collect(),
            schools: teachers().filter_map(Teacher::school_name).collect(),
            districts: places.chain(teachers().filter_map(|teacher| teacher.school_district)).collect(),
            statuses: sessions.iter().map(|session| session.status).filter(non_empty).collect(),
        }
    }
}
