//! Figures that [`enhanced`](super::enhanced) accumulates over the events.

use std::collections::HashSet;

use super::event::{Format, Seen};
use crate::reports::district::count;
use crate::reports::district::ordered::Ordered;
use crate::reports::number::{Hours, percent};
use crate::snapshot::Text;

/// A value kept for all events and for each format.
#[derive(Debug, Default)]
pub(super) struct Split<T> {
    pub(super) total: T,
    pub(super) in_person: T,
    pub(super) online: T,
}

impl<T> Split<T> {
    /// Updates the total and the value of `format`.
    fn add(&mut self, format: Format, mut add: impl FnMut(&mut T)) {
        add(&mut self.total);
        add(match format {
            Format::InPerson => &mut self.in_person,
            Format::Virtual => &mut self.online,
        });
    }

    /// Applies `convert` to each value.
    pub(super) fn map<U>(&self, convert: impl Fn(&T) -> U) -> Split<U> {
        Split {
            total: convert(&self.total),
            in_person: convert(&self.in_person),
            online: convert(&self.online),
        }
    }
}

impl Split<i64> {
    /// Returns the in-person and the virtual share of the total, as percentages.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    pub(super) fn percentages(&self) -> (Hours, Hours) {
        let of = |part: i64| percent(part as f64, self.total as f64);
        (of(self.in_person), of(self.online))
    }
}

impl Split<Hours> {
    /// Returns the in-person and the virtual share of the total, as percentages.
    pub(super) fn percentages(&self) -> (Hours, Hours) {
        let of = |part: Hours| percent(part.value(), self.total.value());
        (of(self.in_person), of(self.online))
    }
}

/// Accumulated figures of a district, from which others are derived.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) events: Split<i64>,
    pub(super) students: Split<i64>,
    /// Students of the rosters of events in person.
    pub(super) roster: HashSet<i64>,
    pub(super) volunteer_rows: Split<i64>,
    pub(super) volunteers: Split<HashSet<i64>>,
    pub(super) hours: Split<Hours>,
    /// Hours by organization, in order of first appearance: a sum of floats depends on its order.
    pub(super) organizations: Split<Ordered<i64, Hours>>,
    /// Teachers present at virtual events.
    pub(super) teachers: HashSet<i64>,
    /// Rows of teachers present at virtual events.
    pub(super) classrooms: i64,
    pub(super) confirmed_teachers: i64,
    pub(super) registered_teachers: i64,
    /// Events by type.
    pub(super) types: Split<Ordered<Text, i64>>,
}

impl Tally {
    /// Accumulates over the events of a district.
    pub(super) fn of(seen: &[Seen<'_, '_>]) -> Self {
        let mut tally = Self::default();
        for seen in seen {
            tally.take(seen);
        }
        tally
    }

    fn take(&mut self, seen: &Seen<'_, '_>) {
        let event = seen.event;
        let format = event.format;
        self.events.add(format, |events| *events += 1);
        self.students.add(format, |students| *students += seen.total_students);
        self.volunteer_rows.add(format, |rows| *rows += seen.volunteers());
        self.volunteers.add(format, |people| people.extend(event.volunteers.iter().map(|row| row.volunteer)));
        self.hours.add(format, |hours| hours.add_sum(event.hours));
        for (&organization, &hours) in &event.organizations {
            self.organizations.add(format, |sums| sums.entry(organization).add_sum(hours));
        }
        self.types.add(format, |types| *types.entry(Text::clone(&event.kind)) += 1);
        match format {
            Format::InPerson => self.roster.extend(seen.roster.iter().map(|attendee| attendee.row.student)),
            Format::Virtual => {
                self.teachers.extend(&event.present_teachers);
                self.classrooms += count(event.present_teachers.len());
                self.confirmed_teachers += event.confirmed_teachers;
                self.registered_teachers += event.registered_teachers;
            }
        }
    }
}
