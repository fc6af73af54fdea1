//! Reads a whole table in one statement, about a thousand rows per result row.
//!
//! The database driver copies every cell it hands out, so a row of twelve columns costs twelve copies. Here
//! SQLite packs windows of rows into JSON arrays: one cell per window. A recursive query walks the windows
//! by row id and jumps over gaps, so the number of windows is bounded by the number of rows and nothing is
//! sorted. Floating point columns are printed with 17 digits, because SQLite's own JSON writes 15 and most
//! values would not survive.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::pin::pin;

use futures_util::StreamExt;
use sea_orm::{DatabaseTransaction, DbBackend, DbErr, Statement, StreamTrait};
use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use twox_hash::XxHash3_128;

use super::cells::{Cell, Cells, Column, DAMAGED, InvalidValue, Row, Symbols};
use crate::sqlite::sqlite_code;

const WINDOW: u32 = 1000;

/// Size and hash of one source table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceFacts {
    /// Rows in the table.
    pub rows: u64,
    /// Hash over the columns that were read, in table order.
    pub hash: u128,
}

/// A source row that was skipped, or read with default values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The source table.
    pub table: &'static str,
    /// SQLite's row id, which is the id where the table has one.
    pub rowid: i64,
    /// Description of the problem.
    pub what: String,
}

/// Result of a scan.
pub(super) struct Scanned<R> {
    pub(super) rows: Vec<R>,
    pub(super) facts: SourceFacts,
}

/// Reads all rows of `R`'s table in row id order.
pub(super) async fn scan<R: Row>(
    db: &DatabaseTransaction,
    warnings: &mut Vec<Warning>,
) -> Result<Scanned<R>, DbErr> {
    let before = warnings.len();
    match scan_with::<R>(db, warnings, Packing::Fast).await {
        Err(error) if may_be_blob(&error) => {
            warnings.truncate(before);
            scan_with::<R>(db, warnings, Packing::Careful).await
        }
        result => result,
    }
}

async fn scan_with<R: Row>(
    db: &DatabaseTransaction,
    warnings: &mut Vec<Warning>,
    packing: Packing,
) -> Result<Scanned<R>, DbErr> {
    let mut rows = Vec::new();
    let mut symbols = Symbols::default();
    let mut hasher = XxHash3_128::new();
    let mut count = 0;
    windows(db, R::TABLE, R::COLUMNS, packing, |packed| {
        hasher.write(packed);
        let text = readable(packed);
        let mut sink = Sink::<R> { rows: &mut rows, symbols: &mut symbols, warnings, count: &mut count };
        let mut json = serde_json::Deserializer::from_str(&text);
        WindowSeed(&mut sink)
            .deserialize(&mut json)
            .map_err(|error| DbErr::Type(format!("rows of {} could not be unpacked: {error}", R::TABLE)))
    })
    .await?;
    Ok(Scanned { rows, facts: SourceFacts { rows: count, hash: hasher.finish_128() } })
}

/// A window as text. It is read as bytes, not as a string: text that is not UTF-8 must not cost the whole
/// window. Each damaged sequence becomes one mark, by which its cell is recognised.
fn readable(packed: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(packed) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(packed.len());
    for chunk in packed.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(DAMAGED);
        }
    }
    Cow::Owned(text)
}

/// The hash of a table that [`scan`] would report, without building rows.
pub(super) async fn hash(db: &impl StreamTrait, table: &str, columns: &[Column]) -> Result<u128, DbErr> {
    let hash = async |packing| {
        let mut hasher = XxHash3_128::new();
        windows(db, table, columns, packing, |packed| {
            hasher.write(packed);
            Ok(())
        })
        .await?;
        Ok(hasher.finish_128())
    };
    match hash(Packing::Fast).await {
        Err(error) if may_be_blob(&error) => hash(Packing::Careful).await,
        result => result,
    }
}

/// Reads a table and discards it. Returns the number of bytes that were read.
pub(super) async fn discard(db: &impl StreamTrait, table: &str, columns: &[Column]) -> Result<u64, DbErr> {
    let mut bytes = 0;
    windows(db, table, columns, Packing::Fast, |packed| {
        bytes += packed.len() as u64;
        Ok(())
    })
    .await?;
    Ok(bytes)
}

async fn windows(
    db: &impl StreamTrait,
    table: &str,
    columns: &[Column],
    packing: Packing,
    mut take: impl FnMut(&[u8]) -> Result<(), DbErr>,
) -> Result<(), DbErr> {
    let sql = statement(table, columns, packing);
    let mut windows = pin!(db.stream_raw(Statement::from_string(DbBackend::Sqlite, sql)).await?);
    while let Some(window) = windows.next().await {
        let packed: Vec<u8> = window?.try_get_by_index(0)?;
        take(&packed)?;
    }
    Ok(())
}

/// Whether an error may have been caused by a BLOB: one in a text column makes SQLite reject the whole window,
/// and then every cell has to be checked. SQLite has no specific code for that; any other error of the
/// statement occurs again when it is read carefully.
fn may_be_blob(error: &DbErr) -> bool {
    sqlite_code(error) == Some(SQLITE_ERROR)
}

/// SQLite's code for an error of the statement.
const SQLITE_ERROR: i32 = 1;

#[derive(Clone, Copy)]
enum Packing {
    Fast,
    Careful,
}

fn statement(table: &str, columns: &[Column], packing: Packing) -> String {
    let mut cells = String::from("rowid");
    for Column { name, real } in columns {
        let _ = match (real, packing) {
            // Infinities have no JSON form, and neither would the sum of numbers near the largest one; they
            // are passed on as text that is not a number.
            (true, _) => write!(
                cells,
                ",CASE typeof(\"{name}\") WHEN 'real' THEN CASE WHEN abs(\"{name}\")<1e300 \
                 THEN json(printf('%!.17g',\"{name}\")) ELSE 'huge' END \
                 WHEN 'blob' THEN json_array(CAST(\"{name}\" AS TEXT)) ELSE \"{name}\" END"
            ),
            (false, Packing::Fast) => write!(cells, ",\"{name}\""),
            // An array of its own marks bytes, which equal no key.
            (false, Packing::Careful) => write!(
                cells,
                ",CASE WHEN typeof(\"{name}\")='blob' THEN json_array(CAST(\"{name}\" AS TEXT)) \
                 ELSE \"{name}\" END"
            ),
        };
    }
    // A damaged index of the row id would name the same window forever: only the table itself is read, and each window
    // must lie behind the one before.
    format!(
        "WITH RECURSIVE w(lo) AS (SELECT min(rowid) FROM \"{table}\" NOT INDEXED UNION ALL \
         SELECT (SELECT min(rowid) FROM \"{table}\" NOT INDEXED WHERE rowid >= w.lo + {WINDOW}) AS next \
         FROM w WHERE next > w.lo) \
         SELECT (SELECT json_group_array(json_array({cells})) FROM \"{table}\" NOT INDEXED \
         WHERE rowid >= w.lo AND rowid < w.lo + {WINDOW}) FROM w WHERE w.lo IS NOT NULL"
    )
}

struct Sink<'s, R> {
    rows: &'s mut Vec<R>,
    symbols: &'s mut Symbols,
    warnings: &'s mut Vec<Warning>,
    count: &'s mut u64,
}

impl<R: Row> Sink<'_, R> {
    fn accept(&mut self, packed: Vec<Cell<'_>>) {
        *self.count += 1;
        let mut cells = packed.into_iter();
        let Some(Cell::Int(rowid)) = cells.next() else { return };
        let mut reader = Cells::new(R::COLUMNS, &mut cells, self.symbols);
        let row = R::read(&mut reader);
        for InvalidValue { column, what } in reader.invalid_values {
            self.warnings.push(Warning { table: R::TABLE, rowid, what: format!("{column} {what}") });
        }
        match row {
            Ok(row) => self.rows.push(row),
            Err(InvalidValue { column, what }) => {
                self.warnings.push(Warning {
                    table: R::TABLE,
                    rowid,
                    what: format!("skipped: {column} {what}"),
                });
            }
        }
    }
}

struct WindowSeed<'a, 's, R>(&'a mut Sink<'s, R>);

impl<'de, R: Row> DeserializeSeed<'de> for WindowSeed<'_, '_, R> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, R: Row> Visitor<'de> for WindowSeed<'_, '_, R> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while let Some(row) = rows.next_element::<Vec<Cell<'de>>>()? {
            self.0.accept(row);
        }
        Ok(())
    }
}
