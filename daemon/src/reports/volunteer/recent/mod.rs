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
//!
//! # Windows
//!
//! VMS's page, opened without parameters, requests the 365 days up to now, UTC, and finds its row by the
//! dates of the two ends; they change at UTC midnight. A run therefore also builds tomorrow's rows, so that
//! the page still finds them after midnight.

mod lists;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::reports::volunteer::{Person, SOURCES, people};
use crate::reports::year::{SchoolYear, Window, Year, kept, next_utc_midnight};
use crate::reports::{Builder, Built, Context, Entry, Group, Mode, Payload, Report, Section, Shared};
use crate::snapshot::Source;
use crate::vms::enums::EVENT_TYPES;
use crate::vms::tables::{Key, KeyValue, Table};

const TABLE: Table = Table::RecentVolunteersReportCache;

/// Value of the event types in the key of a base row.
const ALL_TYPES: &str = "ALL";

/// The report of recent volunteers.
#[derive(Debug)]
pub struct Recent;

impl Report for Recent {
    fn table(&self) -> Table {
        TABLE
    }

    fn rules_version(&self) -> u32 {
        1
    }

    fn sources(&self) -> &'static [Source] {
        SOURCES
    }

    fn key_sources(&self) -> &'static [Source] {
        &[]
    }

    fn keys(&self, cx: Context<'_>) -> Vec<Key> {
        windows(cx).iter().flat_map(RecentWindow::keys).collect()
    }

    /// One section for each window, and a last one that removes expired windows.
    fn sections(&self, cx: Context<'_>) -> Vec<Section> {
        let window = |window: &RecentWindow| {
            // The default window ends at the current instant, not at the end of a day: its payload depends on
            // which events lie in it. People's first days are compared as days, which are part of the key.
            let inside =
                cx.snapshot.events.iter().filter(|event| window.bounds.contains(event.start.as_ref()));
            let clock = format!("{:?}", inside.map(|event| event.id).collect::<Vec<_>>());
            Section { keys: window.keys().collect(), clock, retired: Vec::new() }
        };
        let mut sections: Vec<Section> = windows(cx).iter().map(window).collect();
        let retired =
            expired(cx, &sections.iter().flat_map(|section| section.keys.iter().cloned()).collect());
        sections.push(Section { keys: Vec::new(), clock: String::new(), retired });
        sections
    }

    /// The windows change daily, and with the school year.
    fn next_keys(&self, cx: Context<'_>) -> Option<DateTime<Utc>> {
        [next_utc_midnight(cx.now), SchoolYear::next_switch(cx.now, cx.zone())].into_iter().flatten().min()
    }

    fn next_payloads(&self, cx: Context<'_>) -> Option<DateTime<Utc>> {
        // Yesterday's row for tomorrow is now today's default window, which VMS's page shows from this
        // instant on.
        next_utc_midnight(cx.now)
    }

    fn builder<'s>(&self, cx: Context<'s>) -> Builder<'s> {
        let (windows, people) = (windows(cx), people(cx.snapshot));
        Box::new(move |position| match windows.get(position) {
            Some(window) => window_groups(&people, window, cx.mode()),
            None => Box::new(std::iter::empty()),
        })
    }
}

/// Payload of a base row.
#[derive(Serialize)]
struct Base<'s> {
    active_volunteers: Vec<lists::Active<'s>>,
    first_time_in_range: Vec<lists::FirstTime<'s>>,
}

/// Payload of a typed row.
#[derive(Serialize)]
struct Typed<'s> {
    active_volunteers: Vec<lists::TypedActive<'s>>,
    /// Shared by all typed rows of a window.
    first_time_in_range: Arc<Shared<Vec<lists::Zeroed<'s>>>>,
}

/// The groups of a window. The list of a type is computed when its group is taken, so that one at a time is in memory.
fn window_groups<'s>(people: &[Person<'s>], window: &RecentWindow, mode: Mode) -> Built<'s> {
    let rows = lists::active(people, &window.bounds);
    let first_time_in_range = lists::first_time(people, &window.bounds);
    let zeroed = lists::zeroed(&first_time_in_range);
    let base =
        Base { active_volunteers: rows.iter().map(lists::Active::from).collect(), first_time_in_range };
    let typed: Box<dyn Fn(&'static str) -> Payload<'s> + 's> = match mode {
        Mode::Exact => {
            let shared = Payload::json(Typed { active_volunteers: vec![], first_time_in_range: zeroed });
            Box::new(move |_| shared.clone())
        }
        Mode::Fixed => {
            let by_type = lists::ByType::of(rows);
            Box::new(move |kind| {
                let (active_volunteers, first_time_in_range) = (by_type.list(kind), Arc::clone(&zeroed));
                Payload::json(Typed { active_volunteers, first_time_in_range })
            })
        }
    };
    let window = window.clone();
    let group = move |event_types: &str, payload: Payload<'s>| {
        let entry = Entry { key: window.key(event_types), payload: vec![payload] };
        Group::new(format!("{window} {event_types}"), vec![entry])
    };
    let base = group(ALL_TYPES, Payload::json(base));
    Box::new(std::iter::once(base).chain(EVENT_TYPES.into_iter().map(move |kind| group(kind, typed(kind)))))
}

/// Length of the default window.
const DEFAULT_WINDOW: TimeDelta = TimeDelta::days(365);

/// A window that has rows.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RecentWindow {
    span: Span,
    bounds: Window,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Span {
    Year(SchoolYear),
    Days { from: NaiveDate, to: NaiveDate },
}

impl RecentWindow {
    fn year(year: SchoolYear) -> Self {
        Self { span: Span::Year(year), bounds: year.window() }
    }

    fn ending(to: NaiveDateTime) -> Self {
        let from = to - DEFAULT_WINDOW;
        Self { span: Span::Days { from: from.date(), to: to.date() }, bounds: Window::new(from, to) }
    }

    /// Returns the keys of the window's rows.
    fn keys(&self) -> impl Iterator<Item = Key> {
        [ALL_TYPES].into_iter().chain(EVENT_TYPES).map(|event_types| self.key(event_types))
    }

    /// Returns the key of the window's row for `event_types`; rows with a title filter belong to VMS.
    fn key(&self, event_types: &str) -> Key {
        let [year, from, to] = match &self.span {
            Span::Year(year) => [year.key().into(), KeyValue::Null, KeyValue::Null],
            Span::Days { from, to } => [KeyValue::Null, from.to_string().into(), to.to_string().into()],
        };
        Key(vec![year, from, to, event_types.into(), KeyValue::Null])
    }
}

impl fmt::Display for RecentWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.span {
            Span::Year(year) => f.write_str(&year.key()),
            Span::Days { from, to } => write!(f, "{from}..{to}"),
        }
    }
}

/// Returns the windows at `now`: today's default, tomorrow's (which ends at the same time of day), and the
/// school years: previous, current, and those that already have rows.
fn windows(cx: Context<'_>) -> Vec<RecentWindow> {
    let owned = cx.snapshot.owned(TABLE).filter_map(|key| SchoolYear::from_key(key.text(0)?));
    let years = kept(cx.now, cx.zone(), false, owned);
    let days = [cx.now, cx.now + TimeDelta::days(1)].map(|end| RecentWindow::ending(end.naive_utc()));
    days.into_iter().chain(years.into_iter().map(RecentWindow::year)).collect()
}

/// Returns the keys of default windows that ended more than the configured number of days ago, other than
/// those in `kept`. VMS's page no longer reads them, and VMS itself never deletes them: 35 rows a day.
fn expired(cx: Context<'_>, kept: &HashSet<Key>) -> Vec<Key> {
    let keep = TimeDelta::try_days(cx.settings.recent_window_keep_days);
    let oldest_kept = keep.and_then(|days| cx.today().checked_sub_signed(days));
    let is_expired = |key: &Key| {
        let date = |position| key.text(position)?.parse::<NaiveDate>().ok();
        matches!((key.get(0), key.get(4)), (Some(KeyValue::Null), Some(KeyValue::Null)))
            && matches!((date(1), date(2), oldest_kept), (Some(from), Some(to), Some(oldest))
                if to - from == DEFAULT_WINDOW && to < oldest)
    };
    let mut seen = HashSet::new();
    cx.snapshot
        .existing(TABLE)
        .iter()
        .map(|row| &row.key)
        .filter(|key| is_expired(key) && !kept.contains(key) && seen.insert(*key))
        .cloned()
        .collect()
}
