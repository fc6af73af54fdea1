//! Events that have candidates stored.
//!
//! VMS accepts any event, so rows exist for the events that its selector page offers, and for those whose
//! page was opened:
//!
//! * the next 50 events that begin now or later, and, unless the operator disables it, the last 50 that began
//!   before; the page filters by date only, and so does this report. Events that begin at the same instant
//!   are ordered by id, in both directions;
//! * events that have a row already, except those that began more than `keep_days` ago.
//!
//! Rows of other events, and of events that no longer exist, are retired: VMS's pages answer those with an
//! error or compute them anew.
//!
//! Instants are compared as SQLite does, as text.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use crate::reports::ReportSettings;
use crate::snapshot::{Event, Snapshot};
use crate::vms::tables::{Key, Table};
use crate::vms::time;

/// Number of events per list of VMS's selector page.
const LISTED: usize = 50;

/// The events that have a row, and the rows to remove.
#[derive(Debug)]
pub(super) struct Targets<'s> {
    pub(super) events: Vec<&'s Event>,
    pub(super) retired: Vec<Key>,
}

pub(super) fn key(event: &Event) -> Key {
    Key(vec![event.id.into()])
}

impl<'s> Targets<'s> {
    /// Returns the targets at `now`, upcoming events first.
    pub(super) fn of(snapshot: &'s Snapshot, settings: &ReportSettings, now: DateTime<Utc>) -> Self {
        let text = |at: DateTime<Utc>| time::to_text(at.naive_utc());
        let (now_text, oldest) = (
            text(now),
            now.checked_sub_signed(TimeDelta::days(settings.keep_days)).map_or_else(String::new, text),
        );
        let dated =
            snapshot.events.iter().filter_map(|event| Some((event.start.as_ref()?.text.as_ref(), event)));
        let (mut upcoming, mut recent): (Vec<_>, Vec<_>) =
            dated.partition(|(start, _): &(&str, &Event)| *start >= now_text.as_str());
        upcoming.sort_by_key(|&(start, event)| (start, event.id));
        recent.sort_by(|(start, event), (other, than)| other.cmp(start).then(event.id.cmp(&than.id)));
        upcoming.truncate(LISTED);
        recent.truncate(if settings.include_recent { LISTED } else { 0 });
        let mut events: Vec<&Event> = upcoming.into_iter().chain(recent).map(|(_, event)| event).collect();

        let table = Table::RecruitmentCandidatesCache;
        let existing = snapshot.existing(table);
        let owned: BTreeSet<i64> = snapshot.owned(table).filter_map(|key| key.int(0)).collect();
        let mut kept: BTreeSet<i64> = events.iter().map(|event| event.id).collect();
        let is_old = |event: &Event| event.start.as_ref().is_some_and(|start| *start.text < *oldest);
        let touched = snapshot.events.iter().filter(|event| owned.contains(&event.id) && !is_old(event));
        events.extend(touched.filter(|event| kept.insert(event.id)));

        let retired: BTreeSet<&Key> = existing
            .iter()
            .map(|row| &row.key)
            .filter(|key| !key.int(0).is_some_and(|event| kept.contains(&event)))
            .collect();
        Self { events, retired: retired.into_iter().cloned().collect() }
    }
}

/// Returns when the next of `events` begins, after an instant.
pub(super) fn next_start<'e>(
    events: impl Iterator<Item = &'e Event>,
    after: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    events.filter_map(|event| Some(event.start.as_ref()?.at.and_utc())).filter(|&start| start > after).min()
}
