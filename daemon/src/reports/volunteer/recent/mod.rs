//! Recent volunteers (`recent_volunteers_report_cache`): people who were active in a window, and people who
//! began in it.
//!
//! Mirrors what VMS's `refresh_all_caches` with scope `recent_volunteers` stores for its page
//! `/reports/volunteers/recent`. A window has a base row, with event types `ALL`, and a row for each single
//! event type. VMS derives the latter from the former with `_derive_filtered_from_base`, by the base entries'
//! `events`; but it stores those lists empty, so that VMS's own typed rows list no active person and show
//! zeros for all others. Exact mode writes the same rows, with one payload for all types of a window. Fixed
//! mode writes what the same derivation yields for a base whose entries have their participations; the base
//! row itself is the same in both modes.

mod active;
mod first_time;
mod typed;

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::SOURCES;
use super::people::{Person, people};
use super::windows::{RecentWindow, expired, recent_windows};
use crate::reports::boundaries::next_utc_midnight;
use crate::reports::{Entry, Group, Mode, Payload, Report, ReportSettings, Shared};
use crate::snapshot::{Snapshot, Source};
use crate::vms::enums::EVENT_TYPES;
use crate::vms::tables::{Key, Table};

/// Value of the event types in the key of a base row.
const ALL_TYPES: &str = "ALL";

/// The report of recent volunteers.
#[derive(Debug)]
pub struct Recent;

impl Report for Recent {
    fn table(&self) -> Table {
        Table::RecentVolunteersReportCache
    }

    fn sources(&self) -> &'static [Source] {
        SOURCES
    }

    fn key_sources(&self) -> &'static [Source] {
        &[]
    }

    fn keys(&self, snapshot: &Snapshot, settings: &ReportSettings, now: DateTime<Utc>) -> Vec<Key> {
        recent_windows(snapshot, settings, now)
            .iter()
            .flat_map(|window| {
                [ALL_TYPES].into_iter().chain(EVENT_TYPES).map(|event_types| window.key(event_types))
            })
            .collect()
    }

    fn clock(&self, snapshot: &Snapshot, settings: &ReportSettings, now: DateTime<Utc>) -> String {
        // The default window ends at the current instant, not at the end of a day: its payload depends on
        // which events lie in it.
        let windows = recent_windows(snapshot, settings, now);
        let events = |window: &RecentWindow| -> Vec<i64> {
            let inside = snapshot.events.iter().filter(|event| window.bounds.contains(event.start.as_ref()));
            inside.map(|event| event.id).collect()
        };
        format!("{:?}", windows.iter().map(events).collect::<Vec<_>>())
    }

    fn next_keys(
        &self,
        _: &Snapshot,
        settings: &ReportSettings,
        after: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        super::windows::turn(settings, after)
    }

    fn next_payloads(&self, _: &Snapshot, _: &ReportSettings, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // Yesterday's row for tomorrow is now today's default window, which VMS's page shows from this
        // instant on.
        next_utc_midnight(after)
    }

    fn build<'s>(
        &self,
        snapshot: &'s Snapshot,
        settings: &'s ReportSettings,
        now: DateTime<Utc>,
    ) -> Box<dyn Iterator<Item = Group<'s>> + 's> {
        let kept: HashSet<Key> = self.keys(snapshot, settings, now).into_iter().collect();
        let mut retire = expired(
            snapshot.existing(self.table()),
            now.date_naive(),
            settings.recent_window_keep_days,
            &kept,
        );
        let people = people(snapshot);
        let windows = recent_windows(snapshot, settings, now);
        Box::new(windows.into_iter().flat_map(move |window| {
            let mut groups = window_groups(&people, &window, settings.mode);
            if let Some(group) = groups.first_mut() {
                group.retire = std::mem::take(&mut retire);
            }
            groups
        }))
    }
}

/// Payload of a base row.
#[derive(Serialize)]
struct Base<'s> {
    active_volunteers: Vec<active::Active<'s>>,
    first_time_in_range: Vec<first_time::FirstTime<'s>>,
}

/// Payload of a typed row.
#[derive(Serialize)]
struct Typed<'s> {
    active_volunteers: Vec<typed::Active<'s>>,
    /// Shared by all typed rows of a window.
    first_time_in_range: Arc<Shared<Vec<first_time::Zeroed<'s>>>>,
}

fn window_groups<'s>(people: &[Person<'s>], window: &RecentWindow, mode: Mode) -> Vec<Group<'s>> {
    let rows = active::rows(people, &window.bounds);
    let first_time_in_range = first_time::rows(people, &window.bounds);
    let zeroed = first_time::zeroed(&first_time_in_range);
    let base =
        Base { active_volunteers: rows.iter().map(active::Active::from).collect(), first_time_in_range };
    let typed: Vec<Payload<'s>> = match mode {
        Mode::Exact => {
            let shared = Payload::json(Typed { active_volunteers: vec![], first_time_in_range: zeroed });
            vec![shared; EVENT_TYPES.len()]
        }
        Mode::Fixed => typed::by_type(&rows)
            .map(|active_volunteers| {
                Payload::json(Typed { active_volunteers, first_time_in_range: Arc::clone(&zeroed) })
            })
            .collect(),
    };
    let payloads = [(ALL_TYPES, Payload::json(base))].into_iter().chain(EVENT_TYPES.into_iter().zip(typed));
    payloads.map(|(event_types, payload)| group(window, event_types, payload)).collect()
}

fn group<'s>(window: &RecentWindow, event_types: &str, payload: Payload<'s>) -> Group<'s> {
    Group {
        name: format!("{window} {event_types}"),
        entries: vec![Entry { key: window.key(event_types), payload: vec![payload] }],
        retire: vec![],
    }
}

#[cfg(test)]
mod tests;
