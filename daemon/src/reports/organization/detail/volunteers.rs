//! `volunteers_data`: `_get_volunteers_data` of VMS's `OrganizationService`.
//!
//! Members with attended participations by id, then those with virtual sessions only, by id. `events` is the
//! number of distinct events they attended, of any type, plus the number of sessions they are linked to: a
//! session that is recorded both ways counts twice. Hours come from attended participations alone; every row
//! counts, added in the order of ids as SQLite does, and the sum is rounded to two decimals. The address is
//! the contact's first primary one.

use std::collections::HashSet;

use serde::Serialize;

use super::super::index::DetailIndex;
use super::super::{attended, sql_sum};
use super::engagement::{Engagement, name};
use crate::reports::number::Hours;

#[derive(Serialize)]
pub(in super::super) struct Volunteer<'s> {
    id: i64,
    name: String,
    email: Option<&'s str>,
    events: usize,
    pub(super) hours: Hours,
}

/// Returns the list.
pub(super) fn volunteers<'s>(engagement: &[Engagement<'s>], index: &DetailIndex<'s>) -> Vec<Volunteer<'s>> {
    let (mut volunteers, mut with_sessions_only) = (Vec::new(), Vec::new());
    for member in engagement {
        let mut events = HashSet::new();
        let mut hours = 0.0;
        for (participation, event) in &member.participations {
            if attended(participation) {
                events.insert(event.id);
                hours += participation.hours.unwrap_or_default();
            }
        }
        if events.is_empty() && member.sessions.is_empty() {
            continue;
        }
        let list = if events.is_empty() { &mut with_sessions_only } else { &mut volunteers };
        list.push(Volunteer {
            id: member.volunteer.id,
            name: name(member.volunteer),
            email: index.email(member.volunteer.id),
            events: events.len() + member.sessions.len(),
            hours: sql_sum(hours).rounded(2),
        });
    }
    volunteers.append(&mut with_sessions_only);
    volunteers
}
