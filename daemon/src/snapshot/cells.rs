//! The cells of one row, as loosely typed as SQLite stores them, and how they are converted to a row.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use super::Text;
use super::affinity::{integer_of_real, integer_of_text, real_of_text};
use crate::vms::time::{self, Stored};

/// One value. SQLite does not enforce column types, so any column can hold any of these.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    Int(i64),
    Real(f64),
    Text(Cow<'a, str>),
    /// Bytes, which equal no key and which VMS cannot convert to text; kept as the text that they would be.
    Blob(String),
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

    /// A value of bytes is packed as an array of its own.
    fn visit_seq<A: SeqAccess<'de>>(self, mut bytes: A) -> Result<Cell<'de>, A::Error> {
        Ok(Cell::Blob(bytes.next_element()?.unwrap_or_default()))
    }
}

/// A column that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Whether it holds binary floating point numbers, whose decimal form must not be rounded on the way.
    pub real: bool,
}

impl Column {
    /// A column of text, integers or booleans.
    pub const fn plain(name: &'static str) -> Self {
        Self { name, real: false }
    }

    /// A column of floating point numbers.
    pub const fn real(name: &'static str) -> Self {
        Self { name, real: true }
    }
}

/// A row of a source table.
pub(super) trait Row: Sized {
    /// Name of the table.
    const TABLE: &'static str;
    /// Its columns, in the order in which `read` takes them.
    const COLUMNS: &'static [Column];

    /// Reads a row from its cells.
    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, InvalidValue>;
}

/// Declares a row: the name of its table, and each field with the method of [`Cells`] that reads it and the
/// name of its column.
macro_rules! row {
    (@column real $name:literal) => { $crate::snapshot::cells::Column::real($name) };
    (@column $read:ident $name:literal) => { $crate::snapshot::cells::Column::plain($name) };
    (@cell $cells:ident id) => { $cells.id()? };
    (@cell $cells:ident required_text) => { $cells.required_text()? };
    (@cell $cells:ident required_text_key) => { $cells.required_text_key()? };
    (@cell $cells:ident $read:ident $($check:path)?) => { $cells.$read($($check)?) };
    (
        $(#[$about:meta])*
        pub struct $row:ident = $table:literal {
            $( $(#[$doc:meta])* $field:ident: $type:ty = $read:ident($name:literal $(, $check:path)?), )+
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Default)]
        pub struct $row {
            $( $(#[$doc])* pub $field: $type, )+
        }

        impl $crate::snapshot::cells::Row for $row {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [$crate::snapshot::cells::Column] =
                &[$( $crate::snapshot::cells::row!(@column $read $name) ),+];

            fn read(
                cells: &mut $crate::snapshot::cells::Cells<'_, '_>,
            ) -> Result<Self, $crate::snapshot::cells::InvalidValue> {
                Ok(Self { $( $field: $crate::snapshot::cells::row!(@cell cells $read $($check)?) ),+ })
            }
        }
    };
}
pub(super) use row;

/// A value that VMS fails on, or that no column of its type can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InvalidValue {
    pub(super) column: &'static str,
    pub(super) what: &'static str,
}

/// Marks a sequence that is not UTF-8, until the cell is read. Unicode never assigns it to a character.
pub(super) const DAMAGED: char = '\u{fdd0}';

const NO_INTEGER: &str = "is not an integer";

/// Reads the cells of one row in the order of its columns. Every value that VMS fails on, or that no column of
/// its type can hold, is noted with its column.
pub(super) struct Cells<'a, 'r> {
    values: &'r mut std::vec::IntoIter<Cell<'a>>,
    columns: std::slice::Iter<'static, Column>,
    symbols: &'r mut Symbols,
    /// Values that were replaced by a default, or read although VMS fails on them.
    pub(super) invalid_values: Vec<InvalidValue>,
}

impl<'a, 'r> Cells<'a, 'r> {
    pub(super) fn new(
        columns: &'static [Column],
        values: &'r mut std::vec::IntoIter<Cell<'a>>,
        symbols: &'r mut Symbols,
    ) -> Self {
        Self { values, columns: columns.iter(), symbols, invalid_values: Vec::new() }
    }

    fn next(&mut self) -> (&'static str, Cell<'a>) {
        let column = self.columns.next().map_or("", |column| column.name);
        (column, self.values.next().unwrap_or(Cell::Null))
    }

    fn note(&mut self, column: &'static str, what: &'static str) {
        self.invalid_values.push(InvalidValue { column, what });
    }

    /// Reads a required integer, by which rows are joined. Other values equal no key, and VMS does not join
    /// them either.
    pub(super) fn id(&mut self) -> Result<i64, InvalidValue> {
        let (column, cell) = self.next();
        integer_of(&cell).ok_or(InvalidValue { column, what: NO_INTEGER })
    }

    /// Reads a required integer that is kept as text: the text as it is stored, and the integer that it
    /// equals.
    pub(super) fn text_id(&mut self) -> Result<(Text, i64), InvalidValue> {
        let (column, cell) = self.next();
        let id = integer_of(&cell).ok_or(InvalidValue { column, what: NO_INTEGER })?;
        let text = self.as_text(column, cell).unwrap_or_default();
        Ok((self.symbols.intern(&text), id))
    }

    /// Reads an integer by which rows are joined; `None` for NULL and for any other value.
    pub(super) fn key(&mut self) -> Option<i64> {
        let (column, cell) = self.next();
        let value = integer_of(&cell);
        if value.is_none() && cell != Cell::Null {
            self.note(column, "is not an integer; read as NULL");
        }
        value
    }

    /// Reads a number of people, minutes or the like. VMS declares 32 bits, which SQLite does not enforce;
    /// within them no sum overflows. `None` for NULL and for any other value.
    pub(super) fn count(&mut self) -> Option<i64> {
        let (column, cell) = self.next();
        let value = integer_of(&cell);
        let is_held = |value: &i64| i32::try_from(*value).is_ok();
        match value {
            None if cell == Cell::Null => {}
            None => self.note(column, "is not an integer; read as NULL"),
            Some(value) if !is_held(&value) => {
                self.note(column, "exceeds the declared range of VMS's column; read as NULL");
            }
            Some(_) => {}
        }
        value.filter(is_held)
    }

    /// Reads a number; `None` for NULL and for anything else that is not a number.
    #[expect(clippy::cast_precision_loss, reason = "a FLOAT column converts integers the same way")]
    pub(super) fn real(&mut self) -> Option<f64> {
        let (column, cell) = self.next();
        let value = match &cell {
            Cell::Null => return None,
            Cell::Int(value) => Some(*value as f64),
            Cell::Real(value) => Some(*value),
            Cell::Text(text) => real_of_text(text).filter(|value| value.abs() < 1e300),
            Cell::Blob(_) => None,
        };
        if value.is_none() {
            self.note(column, "is not a number; read as NULL");
        }
        value
    }

    /// Reads a boolean, which VMS stores as 0 or 1; its models treat any other number as true, and its
    /// queries as neither.
    pub(super) fn boolean(&mut self) -> Option<bool> {
        let (column, cell) = self.next();
        let value = integer_of(&cell);
        match value {
            Some(0 | 1) => {}
            Some(_) => self.note(column, "is neither 0 nor 1; read as true"),
            None if cell == Cell::Null => {}
            None => self.note(column, "is neither 0 nor 1; read as NULL"),
        }
        value.map(|value| value != 0)
    }

    /// Reads text that mostly differs from row to row.
    pub(super) fn text(&mut self) -> Option<Text> {
        let (column, cell) = self.next();
        self.as_text(column, cell).map(|text| Arc::from(text.as_ref()))
    }

    /// Reads text that repeats over many rows: states, types.
    pub(super) fn symbol(&mut self) -> Option<Text> {
        let (column, cell) = self.next();
        let text = self.as_text(column, cell)?;
        Some(self.symbols.intern(&text))
    }

    /// Reads text by which rows are joined: bytes equal no text.
    pub(super) fn text_key(&mut self) -> Option<Text> {
        let (column, cell) = self.next();
        if matches!(cell, Cell::Blob(_)) {
            self.note(column, "is binary data, which equals no key; read as NULL");
            return None;
        }
        let text = self.as_text(column, cell)?;
        Some(self.symbols.intern(&text))
    }

    /// Reads the name of an enum member. VMS itself fails on any other word.
    pub(super) fn member(&mut self, is_declared: fn(&str) -> bool) -> Option<Text> {
        self.checked(is_declared, "is a word that VMS does not declare; used as it is")
    }

    /// Reads a date that is compared as text. VMS itself fails on anything else.
    pub(super) fn date(&mut self) -> Option<Text> {
        self.checked(time::is_date, "is not a date that VMS can read; used as it is")
    }

    /// Reads an instant that is compared as text. VMS itself fails on anything else.
    pub(super) fn instant_text(&mut self) -> Option<Text> {
        self.checked(|text| time::parse(text).is_some(), "is not a time that VMS can read; used as it is")
    }

    fn checked(&mut self, is_readable: fn(&str) -> bool, what: &'static str) -> Option<Text> {
        let (column, cell) = self.next();
        let (text, damage) = lossy(cell);
        let text = text?;
        if let Some(what) = if is_readable(&text) { damage } else { Some(what) } {
            self.note(column, what);
        }
        Some(self.symbols.intern(&text))
    }

    /// Reads an instant; `None` for NULL and for text that VMS could not read either.
    pub(super) fn instant(&mut self) -> Option<Stored> {
        let (column, cell) = self.next();
        let is_bytes = matches!(cell, Cell::Blob(_));
        let (text, _) = lossy(cell);
        let stored = Stored::read(&text?).filter(|_| !is_bytes);
        if stored.is_none() {
            self.note(column, "is not a time that VMS can read; read as NULL");
        }
        stored
    }

    /// Reads required text.
    pub(super) fn required_text(&mut self) -> Result<Text, InvalidValue> {
        let (column, cell) = self.next();
        let text = self.as_text(column, cell).ok_or(InvalidValue { column, what: "is NULL" })?;
        Ok(Arc::from(text.as_ref()))
    }

    /// Reads required text by which rows are joined.
    pub(super) fn required_text_key(&mut self) -> Result<Text, InvalidValue> {
        let (column, cell) = self.next();
        if matches!(cell, Cell::Blob(_)) {
            return Err(InvalidValue { column, what: "is binary data, which equals no key" });
        }
        let text = self.as_text(column, cell).ok_or(InvalidValue { column, what: "is NULL" })?;
        Ok(Arc::from(text.as_ref()))
    }

    fn as_text(&mut self, column: &'static str, cell: Cell<'a>) -> Option<Cow<'a, str>> {
        let (text, damage) = lossy(cell);
        if let Some(what) = damage {
            self.note(column, what);
        }
        text
    }
}

/// The text of a value, and the problem with it, if any.
fn lossy(cell: Cell<'_>) -> (Option<Cow<'_, str>>, Option<&'static str>) {
    const REPLACEMENT: &str = "\u{fffd}";
    match cell {
        Cell::Null => (None, None),
        Cell::Int(value) => (Some(value.to_string().into()), None),
        Cell::Real(value) => (Some(format!("{value:?}").into()), None),
        Cell::Text(text) if text.contains(DAMAGED) => (
            Some(text.replace(DAMAGED, REPLACEMENT).into()),
            Some("is not valid UTF-8, on which VMS fails; read with replacement characters"),
        ),
        Cell::Text(text) => (Some(text), None),
        Cell::Blob(text) => (
            Some(text.replace(DAMAGED, REPLACEMENT).into()),
            Some("is binary data, on which VMS fails; read as text"),
        ),
    }
}

/// The integer that a value equals.
fn integer_of(cell: &Cell<'_>) -> Option<i64> {
    match cell {
        Cell::Int(value) => Some(*value),
        Cell::Real(value) => integer_of_real(*value),
        Cell::Text(text) => integer_of_text(text),
        Cell::Null | Cell::Blob(_) => None,
    }
}

/// The distinct texts so far, each kept once.
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
