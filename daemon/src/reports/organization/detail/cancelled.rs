//! `cancelled_events`: `_get_cancelled_events` of VMS's `OrganizationService`.
//!
//! One element per event, of any type, that is cancelled or has a participation of a member with one of the
//! statuses [`CALLED_OFF`]; it counts the distinct members with a matching participation, which is every one
//! of them when the event itself is cancelled. The status shown is always `Cancelled/No Show`. An event that
//! took place can be listed here as well as among the in-person events. VMS leaves the order undefined; here
//! it is by event id.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::engagement::Engagement;
use super::events::{date, type_of};
use crate::snapshot::{Event, Participation};
use crate::vms::enums::CANCELLED;

/// Statuses of a participation that was cancelled or missed, compared case-sensitively.
const CALLED_OFF: [&str; 8] = [
    "Cancelled",
    "No Show",
    "Did Not Attend",
    "Teacher No-Show",
    "Volunteer canceling due to snow",
    "Weather Cancellation",
    "School Closure",
    "Emergency Cancellation",
];

#[derive(Serialize)]
pub(in super::super) struct CancelledEvent<'s> {
    date: String,
    title: Option<&'s str>,
    r#type: String,
    volunteers: usize,
    status: &'static str,
}

/// Returns the list, by event id.
pub(super) fn events<'s>(engagement: &[Engagement<'s>]) -> Vec<CancelledEvent<'s>> {
    let mut events: BTreeMap<i64, (&Event, HashSet<i64>)> = BTreeMap::new();
    for member in engagement {
        for &(participation, event) in &member.participations {
            if came_to_nothing(participation, event) {
                events
                    .entry(event.id)
                    .or_insert_with(|| (event, HashSet::new()))
                    .1
                    .insert(member.volunteer.id);
            }
        }
    }
    events
        .into_values()
        .map(|(event, volunteers)| CancelledEvent {
            date: date(event),
            title: event.title.as_deref(),
            r#type: type_of(event),
            volunteers: volunteers.len(),
            status: "Cancelled/No Show",
        })
        .collect()
}

fn came_to_nothing(participation: &Participation, event: &Event) -> bool {
    event.status.as_deref() == Some(CANCELLED)
        || participation.status.as_deref().is_some_and(|status| CALLED_OFF.contains(&status))
}
