//! The rows of a cache table, without their payload, with its digest or a check of its shape. Shapes of payloads that
//! have not changed since they were parsed are cached.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryStreamExt as _;
use sea_orm::sqlx::{self, Row as _};
use sea_orm::{DbBackend, DbErr, QueryResult, RuntimeErr, Statement, StreamTrait, Value};
use twox_hash::XxHash3_128;

use crate::vms::VmsError;
use crate::vms::tables::{Key, KeyValue, Table, TableSpec, by_ids, spec, stamp_sql};

/// A row of a cache table, without its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingRow {
    /// Its surrogate id.
    pub id: i64,
    /// Its key.
    pub key: Key,
    /// Its stamp, as stored.
    pub last_updated: Option<String>,
    /// Whether all its JSON can be parsed.
    pub valid: bool,
    /// Whether its reader would accept its shape.
    pub complete: bool,
    /// Bytes of payload; zero when only stamps were read.
    pub bytes: u64,
    /// The [digest] of its payload; `None` when payloads were not read, or a column is NULL, which no payload of the
    /// daemon's is.
    pub digest: Option<String>,
}

const ACTION: &str = "reading a cache table";

#[cfg(test)]
impl ExistingRow {
    /// A row that a reader accepts, without a stamp and without payload.
    pub(crate) fn of(id: i64, key: Key) -> Self {
        Self { id, key, last_updated: None, valid: true, complete: true, bytes: 0, digest: None }
    }
}

/// Returns the digest of a payload's columns, in the order of the table's description.
pub fn digest<'t>(columns: impl Iterator<Item = &'t [u8]>) -> String {
    let mut hasher = XxHash3_128::new();
    for text in columns {
        hasher.write(&text.len().to_le_bytes());
        hasher.write(text);
    }
    format!("{:032x}", hasher.finish_128())
}

/// The payload columns that a row has from a position on, as they lie in it; `None` if one is NULL.
pub(crate) fn payload<'r>(
    row: &'r QueryResult,
    spec: &TableSpec,
    from: usize,
) -> Result<Option<Vec<&'r [u8]>>, DbErr> {
    let row = row.try_as_sqlite_row().ok_or_else(|| DbErr::Type("not a row of SQLite".to_owned()))?;
    let column = |index| row.try_get::<Option<&[u8]>, _>(from + index);
    let columns: Result<_, sqlx::Error> = (0..spec.payload.len()).map(column).collect();
    columns.map_err(|error| DbErr::Query(RuntimeErr::SqlxError(Arc::new(error))))
}

/// Positions of a table's rows, ordered by key and id: finds the rows of a key without a copy of any key, and
/// is built once for a table, however many groups look rows up in it.
#[derive(Debug, Clone, Default)]
pub struct KeyIndex(Vec<usize>);

impl KeyIndex {
    /// Indexes `rows`.
    pub fn of(rows: &[ExistingRow]) -> Self {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        let by_key = |at: &usize| rows.get(*at).map(|row| (&row.key, row.id));
        order.sort_by(|one, other| by_key(one).cmp(&by_key(other)));
        Self(order)
    }

    /// Returns the keys of `rows`, each once, in their order.
    pub fn keys<'r>(&'r self, rows: &'r [ExistingRow]) -> impl Iterator<Item = &'r Key> {
        let mut last = None;
        let keys = self.0.iter().filter_map(|&at| rows.get(at)).map(|row| &row.key);
        keys.filter(move |key| last.replace(*key) != Some(*key))
    }

    /// Returns the rows of `key`, lowest id first: VMS's readers take the first one. `rows` are those that
    /// were indexed.
    pub fn rows<'r>(
        &'r self,
        rows: &'r [ExistingRow],
        key: &Key,
    ) -> impl Iterator<Item = &'r ExistingRow> + use<'r> {
        let first = self.0.partition_point(|&at| rows.get(at).is_some_and(|row| row.key < *key));
        let from = self.0.get(first..).unwrap_or_default();
        let count = from.partition_point(|&at| rows.get(at).is_some_and(|row| row.key == *key));
        from.iter().take(count).filter_map(|&at| rows.get(at))
    }
}

/// How closely rows are read.
#[derive(Debug, Clone, Copy)]
pub enum ReadDepth<'m> {
    /// Parse every payload and check its shape.
    Shape,
    /// The same, and read every payload for its digest: for a refresh that writes some of the rows.
    Whole,
    /// Read every payload for its digest, for a refresh that writes every row: all rows count as valid and complete.
    Digests,
    /// Check every shape, but parse only payloads that have changed since they were last parsed.
    Known(&'m Shapes),
    /// Read stamps only: all rows count as valid and complete.
    Stamps,
}

impl ReadDepth<'_> {
    /// The same depth if it reads payloads.
    pub(super) const fn with_digests(self) -> Option<ReadDepth<'static>> {
        match self {
            Self::Whole => Some(ReadDepth::Whole),
            Self::Digests => Some(ReadDepth::Digests),
            Self::Shape | Self::Known(_) | Self::Stamps => None,
        }
    }
}

/// Reads all rows of `table`, ordered by id. SQLite itself examines the JSON; where digests are read, one payload at a
/// time is in memory.
pub async fn read_existing(
    db: &impl StreamTrait,
    table: Table,
    depth: ReadDepth<'_>,
) -> Result<Vec<ExistingRow>, VmsError> {
    let spec = spec(table);
    let shapes = match depth {
        ReadDepth::Known(shapes) => shapes,
        ReadDepth::Shape => return query(db, spec, Columns::Shapes, "", Vec::new()).await,
        ReadDepth::Whole => return query(db, spec, Columns::Whole, "", Vec::new()).await,
        ReadDepth::Digests => return query(db, spec, Columns::Digests, "", Vec::new()).await,
        ReadDepth::Stamps => return query(db, spec, Columns::Stamps, "", Vec::new()).await,
    };
    let mut rows = query(db, spec, Columns::Sizes, "", Vec::new()).await?;
    let unknown = shapes.apply(table, &mut rows);
    for (only, values) in by_ids(&unknown) {
        shapes.learn(table, &query(db, spec, Columns::Shapes, &only, values).await?);
    }
    if !unknown.is_empty() {
        shapes.apply(table, &mut rows);
    }
    Ok(rows)
}

/// The columns that a statement selects in addition to stamp and key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Columns {
    Stamps,
    Sizes,
    Shapes,
    Digests,
    Whole,
}

async fn query(
    db: &impl StreamTrait,
    spec: &TableSpec,
    columns: Columns,
    only: &str,
    values: Vec<Value>,
) -> Result<Vec<ExistingRow>, VmsError> {
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, statement(spec, columns, only), values);
    let rows = db.stream_raw(statement).await.map_err(VmsError::of(ACTION))?;
    let rows = rows.and_then(async |row| read(&row, spec, columns));
    rows.try_collect().await.map_err(VmsError::of(ACTION))
}

fn read(row: &QueryResult, spec: &TableSpec, columns: Columns) -> Result<ExistingRow, DbErr> {
    let mut key = Vec::with_capacity(spec.key.len());
    for position in 0..spec.key.len() {
        // Two columns per key column: its storage class and its text.
        let class: String = row.try_get_by_index(2 + 2 * position)?;
        // Bytes, not a string: a key that is not UTF-8 was written by another process, and must not cost the
        // whole run.
        let text: Option<Vec<u8>> = row.try_get_by_index(3 + 2 * position)?;
        let text = text.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        key.push(match (class.as_str(), text) {
            ("integer", Some(text)) => text.parse().map_or(KeyValue::Text(text), KeyValue::Int),
            (_, Some(text)) => KeyValue::Text(text),
            (_, None) => KeyValue::Null,
        });
    }
    let after = 2 + 2 * spec.key.len();
    let digest = match columns {
        Columns::Digests | Columns::Whole => {
            payload(row, spec, after + 3)?.map(|columns| digest(columns.into_iter()))
        }
        Columns::Stamps | Columns::Sizes | Columns::Shapes => None,
    };
    Ok(ExistingRow {
        id: row.try_get_by_index(0)?,
        last_updated: row.try_get_by_index(1)?,
        key: Key(key),
        valid: row.try_get_by_index(after)?,
        complete: row.try_get_by_index(after + 1)?,
        bytes: u64::try_from(row.try_get_by_index::<i64>(after + 2)?).unwrap_or_default(),
        digest,
    })
}

fn statement(spec: &TableSpec, columns: Columns, only: &str) -> String {
    let keys: Vec<String> =
        spec.key.iter().map(|key| format!(", typeof(\"{key}\"), CAST(\"{key}\" AS TEXT)")).collect();
    let keys = keys.concat();
    let json = || spec.payload.iter().filter(|column| column.json);
    let all = |conditions: Vec<String>| {
        if conditions.is_empty() { "1".to_owned() } else { conditions.join(" AND ") }
    };
    let valid = all(json().map(|column| format!("coalesce(json_valid(\"{}\"), 1)", column.name)).collect());
    let complete = all(spec
        .required
        .iter()
        .map(|required| match required.member {
            "" => format!("coalesce(json_type(\"{}\") IN ('array', 'object'), 0)", required.column),
            // A member may be JSON null only where no reader accesses its content; those are not listed.
            member => {
                format!("coalesce(json_type(\"{}\", '$.{member}') <> 'null', 0)", required.column)
            }
        })
        .collect());
    let unjudged = || ("1".to_owned(), "1".to_owned());
    let ((valid, complete), bytes) = match columns {
        Columns::Stamps => (unjudged(), "0".to_owned()),
        Columns::Sizes | Columns::Digests => (unjudged(), spec.bytes_sql()),
        Columns::Shapes | Columns::Whole => ((valid, complete), spec.bytes_sql()),
    };
    let payload = match columns {
        Columns::Digests | Columns::Whole => format!(", {}", spec.payload_sql()),
        Columns::Stamps | Columns::Sizes | Columns::Shapes => String::new(),
    };
    format!(
        "SELECT id, {stamp}{keys}, ({valid}) <> 0, \
         CASE WHEN {valid} THEN ({complete}) <> 0 ELSE 0 END, {bytes}{payload} FROM \"{}\" {only} ORDER BY id",
        spec.table,
        stamp = stamp_sql("last_updated"),
    )
}

/// Age after which everything is parsed again: a payload can be damaged without a change of its stamp or its
/// length.
const TRUSTED: TimeDelta = TimeDelta::hours(1);

/// The shapes of rows, as of when they were parsed.
#[derive(Debug, Default)]
pub struct Shapes(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    since: DateTime<Utc>,
    tables: HashMap<Table, HashMap<i64, Shape>>,
}

#[derive(Debug)]
struct Shape {
    last_updated: Option<String>,
    bytes: u64,
    valid: bool,
    complete: bool,
}

impl Shape {
    fn is_of(&self, row: &ExistingRow) -> bool {
        self.last_updated == row.last_updated && self.bytes == row.bytes
    }
}

impl Shapes {
    /// Returns a depth that uses the shapes known at `now`.
    pub fn depth(&self, now: DateTime<Utc>) -> ReadDepth<'_> {
        let mut known = self.known();
        // If the clock was set back, `since` lies in the future.
        if now < known.since || now - known.since >= TRUSTED {
            *known = Known { since: now, tables: HashMap::new() };
        }
        ReadDepth::Known(self)
    }

    /// Applies known shapes to the `rows` of a table, and returns the ids of the rows whose shape is unknown.
    /// Drops the shapes of rows that no longer exist.
    fn apply(&self, table: Table, rows: &mut [ExistingRow]) -> Vec<i64> {
        let mut known = self.known();
        let mut old = known.tables.remove(&table).unwrap_or_default();
        let shapes = known.tables.entry(table).or_default();
        let mut unknown = Vec::new();
        for row in rows {
            match old.remove(&row.id).filter(|shape| shape.is_of(row)) {
                Some(shape) => {
                    (row.valid, row.complete) = (shape.valid, shape.complete);
                    shapes.insert(row.id, shape);
                }
                None => unknown.push(row.id),
            }
        }
        unknown
    }

    /// Stores the shapes of rows that were parsed.
    fn learn(&self, table: Table, rows: &[ExistingRow]) {
        let mut known = self.known();
        let shapes = known.tables.entry(table).or_default();
        for row in rows {
            let ExistingRow { valid, complete, bytes, .. } = *row;
            shapes.insert(row.id, Shape { last_updated: row.last_updated.clone(), bytes, valid, complete });
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_key_are_found_lowest_id_first() {
        let row = |id: i64, key: &str| ExistingRow::of(id, Key(vec![key.into()]));
        let rows = [row(1, "b"), row(9, "a"), row(3, "c"), row(4, "a"), row(5, "b")];
        let index = KeyIndex::of(&rows);
        let ids = |key: &str| {
            let key = Key(vec![key.into()]);
            index.rows(&rows, &key).map(|row| row.id).collect::<Vec<_>>()
        };
        assert_eq!(
            ["a", "b", "c", "", "bb", "d"].map(ids),
            [vec![4, 9], vec![1, 5], vec![3], vec![], vec![], vec![]]
        );
        let keys: Vec<String> = index.keys(&rows).map(ToString::to_string).collect();
        assert_eq!(keys, ["a", "b", "c"]);
    }
}
