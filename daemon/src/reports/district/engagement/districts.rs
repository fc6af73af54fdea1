//! The districts that have a row, and the districts whose figures are in it.
//!
//! VMS finds a district of the mapping by its Salesforce id and summarizes that one. Then it finds the row to
//! write by the mapping's name, takes the first district of that name, and fills the other four columns from
//! it. Where two districts have the same name, or one was renamed and another has its old name, these are
//! different districts.

use crate::reports::ReportSettings;
use crate::reports::district::active::{Active, Schools, active};
use crate::reports::district::attribution::{Attribution, Names};
use crate::snapshot::Snapshot;

/// A district of the mapping whose name is in the database; positions are those in [`Districts::views`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// The district whose figures are in the summary.
    pub(super) summarized: usize,
    /// The district that the row belongs to, and whose people and events are in the other columns.
    pub(super) listed: usize,
}

/// The districts whose events are needed, and the rows built from them.
#[derive(Debug, Default)]
pub(super) struct Districts<'s> {
    /// Each district, with the names of one entry of the mapping.
    pub(super) views: Vec<Active<'s>>,
    /// In the order of the mapping.
    pub(super) rows: Vec<Row>,
}

impl<'s> Districts<'s> {
    pub(super) fn of(snapshot: &'s Snapshot, settings: &'s ReportSettings, schools: &Schools<'s>) -> Self {
        let mut districts = Self::default();
        for primary in active(snapshot, settings, schools) {
            let mapping = primary.mapping;
            // The first by id, as SQLite returns them.
            let Some(named) = snapshot.districts.iter().find(|row| *row.name == *mapping.name) else {
                continue;
            };
            let summarized = districts.add(primary.clone());
            let listed = if named.id == primary.district.id {
                summarized
            } else {
                let schools = schools.in_district(named);
                districts.add(Active { mapping, district: named, schools })
            };
            districts.rows.push(Row { summarized, listed });
        }
        districts
    }

    fn add(&mut self, view: Active<'s>) -> usize {
        self.views.push(view);
        self.views.len() - 1
    }

    /// Returns the attribution of events to views, by name.
    pub(super) fn attribution(&self) -> Attribution<'s> {
        let names = self.views.iter().map(|view| {
            let linked = view.mapping.aliases.clone();
            let schools = view.schools.iter().map(|school| school.name.to_string());
            let partner = schools.chain([view.district.name.to_string()]).chain(linked.iter().cloned());
            Names { partner: partner.collect(), linked }
        });
        Attribution::new(str::to_ascii_lowercase, names)
    }
}
