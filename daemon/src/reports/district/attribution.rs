//! The districts that have reports, and which events are theirs by name.
//!
//! VMS searches for names in two kinds of text: in `event.district_partner`, free text that names districts
//! or schools, and in the names of the districts linked through `event_districts`. A name is found anywhere
//! in the text, also in the middle of a word: an event linked to "Grandview Heights" belongs to the district
//! whose alias is "Grandview". An empty name is part of every text, so a school without a name attributes
//! every event to its district; VMS does the same, and the figures must agree.
//!
//! The two reports differ in the names they search for and in how they fold case, so both are parameters
//! here. Texts repeat over many events; each distinct text is folded and searched once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::reports::Context;
use crate::reports::district::mapping;
use crate::snapshot::{District, Groups, School, Snapshot};

/// A district that is in the mapping and in VMS.
#[derive(Debug, Clone)]
pub(super) struct Active<'s> {
    /// Its entry in the mapping.
    pub(super) mapping: &'s mapping::District,
    /// Its row in VMS.
    pub(super) district: &'s District,
    /// Its schools, by name and then by id.
    pub(super) schools: Vec<&'s School>,
}

/// The schools of each district.
pub(super) struct Schools<'s> {
    /// `None` when only the districts are needed, so that keys are known without reading schools.
    read: Option<(&'s [School], Groups<i64>)>,
}

impl<'s> Schools<'s> {
    /// The schools of a snapshot.
    pub(super) fn of(snapshot: &'s Snapshot) -> Self {
        let groups = Groups::by(&snapshot.schools, |school| school.district);
        Self { read: Some((&snapshot.schools, groups)) }
    }

    /// No schools: those of the snapshot are not read.
    pub(super) const fn none() -> Self {
        Self { read: None }
    }

    /// Returns the schools of a district, by name and then by id.
    pub(super) fn in_district(&self, district: &District) -> Vec<&'s School> {
        let Some((schools, groups)) = &self.read else { return Vec::new() };
        let mut of: Vec<_> = groups.rows(schools, &district.id).collect();
        of.sort_unstable_by_key(|school| (&school.name, &school.id));
        of
    }
}

/// Returns the active districts in the order of the mapping.
pub(super) fn active<'s>(cx: Context<'s>, schools: &Schools<'s>) -> Vec<Active<'s>> {
    cx.settings
        .districts
        .shown()
        .filter_map(|mapping| {
            let district = cx
                .snapshot
                .districts
                .iter()
                .find(|row| row.salesforce_id.as_deref() == Some(&*mapping.id))?;
            Some(Active { mapping, district, schools: schools.in_district(district) })
        })
        .collect()
}

/// The names that identify one district.
#[derive(Debug)]
pub(super) struct Names {
    /// Searched for in `event.district_partner`.
    pub(super) partner: Vec<String>,
    /// Searched for in the names of linked districts.
    pub(super) linked: Vec<String>,
}

/// Whether each district's names are found in a text, by the position of the district.
type Found = Vec<bool>;

/// Finds districts by name.
#[derive(Debug)]
pub(super) struct Attribution<'s> {
    fold: fn(&str) -> String,
    names: Vec<Names>,
    partners: Mutex<HashMap<&'s str, Found>>,
    linked: Mutex<HashMap<&'s str, Found>>,
}

impl<'s> Attribution<'s> {
    /// Creates an attribution by `names`, one per district; names and texts are compared after `fold`.
    pub(super) fn new(fold: fn(&str) -> String, names: impl Iterator<Item = Names>) -> Self {
        let folded = |names: Vec<String>| names.iter().map(|name| fold(name)).collect();
        let names = names
            .map(|names| Names { partner: folded(names.partner), linked: folded(names.linked) })
            .collect();
        Self { fold, names, partners: Mutex::default(), linked: Mutex::default() }
    }

    /// Marks in `found` the districts whose names occur in an event's `partner` text or in the names of its
    /// `linked` districts. A missing partner text matches no district; an empty one matches districts that
    /// have an empty name.
    pub(super) fn mark(&self, found: &mut [bool], partner: Option<&'s str>, linked: &[&'s District]) {
        if let Some(partner) = partner {
            self.mark_by(partner, &self.partners, |names| &names.partner, found);
        }
        for &district in linked {
            self.mark_by(&district.name, &self.linked, |names| &names.linked, found);
        }
    }

    fn mark_by(
        &self,
        text: &'s str,
        known: &Mutex<HashMap<&'s str, Found>>,
        of: fn(&Names) -> &Vec<String>,
        found: &mut [bool],
    ) {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let hits = known.entry(text).or_insert_with(|| search(&(self.fold)(text), &self.names, of));
        for (found, hit) in found.iter_mut().zip(hits) {
            *found |= *hit;
        }
    }
}

fn search(text: &str, districts: &[Names], of: impl Fn(&Names) -> &Vec<String>) -> Found {
    districts.iter().map(|names| of(names).iter().any(|name| text.contains(name.as_str()))).collect()
}

/// Returns the marked positions.
pub(super) fn positions(found: &[bool]) -> Vec<usize> {
    found.iter().enumerate().filter_map(|(position, &found)| found.then_some(position)).collect()
}
