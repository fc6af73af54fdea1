//! The cells of one row, as loosely typed as SQLite stores them.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use super::Text;
use crate::vms::time::Stored;

/// One value. SQLite does not enforce column types, so any column can hold any of these.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    Int(i64),
    Real(f64),
    Text(Cow<'a, str>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Cell<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a SQLite value")
    }

    fn visit_unit<E>(self) -> Result<Cell<'de>, E> {
        Ok(Cell::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Cell<'de>, E> {
        Ok(Cell::Int(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Cell<'de>, E> {
        Ok(Cell::Int(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "SQLite itself has no integers beyond 64 bits signed")]
    fn visit_u64<E>(self, value: u64) -> Result<Cell<'de>, E> {
        Ok(i64::try_from(value).map_or(Cell::Real(value as f64), Cell::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Cell<'de>, E> {
        Ok(Cell::Real(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Owned(value.to_owned())))
    }
}

/// Why a row was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Oddity {
    pub(super) column: &'static str,
    pub(super) what: &'static str,
}

/// Reads the cells of one row in the order of its columns.
pub(super) struct Cells<'a, 'r> {
    pub(super) values: &'r mut std::vec::IntoIter<Cell<'a>>,
    pub(super) symbols: &'r mut Symbols,
    pub(super) substitutes: u64,
    /// A column whose value is not a member of its enum.
    pub(super) undeclared: Option<&'static str>,
}

impl Cells<'_, '_> {
    fn next(&mut self) -> Cell<'_> {
        self.values.next().unwrap_or(Cell::Null)
    }

    /// Reads a required integer.
    pub(super) fn id(&mut self, column: &'static str) -> Result<i64, Oddity> {
        self.integer().ok_or(Oddity { column, what: "is not an integer" })
    }

    /// Reads an integer; `None` for NULL and for anything else that is not an integer.
    pub(super) fn integer(&mut self) -> Option<i64> {
        let (value, odd) = match self.next() {
            Cell::Null => (None, false),
            Cell::Int(value) => (Some(value), false),
            Cell::Real(value) => (integral(value), integral(value).is_none()),
            Cell::Text(text) => (text.trim().parse().ok(), true),
        };
        self.substitutes += u64::from(odd && value.is_none());
        value
    }

    /// Reads a number; `None` for NULL and for anything else that is not a number.
    #[expect(clippy::cast_precision_loss, reason = "a FLOAT column converts integers the same way")]
    pub(super) fn real(&mut self) -> Option<f64> {
        let (value, odd) = match self.next() {
            Cell::Null => (None, false),
            Cell::Int(value) => (Some(value as f64), false),
            Cell::Real(value) => (Some(value), false),
            Cell::Text(text) => (text.trim().parse::<f64>().ok().filter(|v| v.abs() < 1e300), true),
        };
        self.substitutes += u64::from(odd && value.is_none());
        value
    }

    /// Reads a boolean, as VMS stores it: 0 or 1.
    pub(super) fn boolean(&mut self) -> Option<bool> {
        self.integer().map(|value| value != 0)
    }

    /// Reads text that mostly differs from row to row.
    pub(super) fn text(&mut self) -> Option<Text> {
        as_text(self.next()).map(|text| Arc::from(text.as_ref()))
    }

    /// Reads text that repeats over many rows: states, types, foreign keys.
    pub(super) fn symbol(&mut self) -> Option<Text> {
        let text = as_text(self.values.next().unwrap_or(Cell::Null))?;
        Some(self.symbols.intern(&text))
    }

    /// Reads the name of an enum member. VMS itself fails on any other word, so that is reported as a
    /// warning.
    pub(super) fn member(&mut self, column: &'static str, is_declared: fn(&str) -> bool) -> Option<Text> {
        let name = self.symbol();
        if name.as_deref().is_some_and(|name| !is_declared(name)) {
            self.undeclared = Some(column);
        }
        name
    }

    /// Reads required text.
    pub(super) fn required_text(&mut self, column: &'static str) -> Result<Text, Oddity> {
        self.text().ok_or(Oddity { column, what: "is NULL" })
    }

    /// Reads required text that repeats over many rows.
    pub(super) fn required_symbol(&mut self, column: &'static str) -> Result<Text, Oddity> {
        self.symbol().ok_or(Oddity { column, what: "is NULL" })
    }

    /// Reads an instant; `None` for NULL and for text that VMS could not read either.
    pub(super) fn instant(&mut self) -> Option<Stored> {
        let stored = as_text(self.next()).map(|text| Stored::read(&text));
        self.substitutes += u64::from(stored == Some(None));
        stored.flatten()
    }
}

fn as_text(cell: Cell<'_>) -> Option<Cow<'_, str>> {
    match cell {
        Cell::Null => None,
        Cell::Text(text) => Some(text),
        Cell::Int(value) => Some(Cow::Owned(value.to_string())),
        Cell::Real(value) => Some(Cow::Owned(format!("{value:?}"))),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "checked: the value is integral and in range")]
fn integral(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64)
}

/// Texts seen so far, each kept once.
#[derive(Debug, Default)]
pub(super) struct Symbols(HashSet<Text>);

impl Symbols {
    fn intern(&mut self, text: &str) -> Text {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let new: Text = Arc::from(text);
        self.0.insert(Arc::clone(&new));
        new
    }
}
