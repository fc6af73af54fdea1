//! Finds lists that would lose most of their records.
//!
//! A payload that did not get shorter did not lose most of its records, and SQLite knows the length of a column
//! without reading it. So only rows that shrink are read and counted; on most nights there are none.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::SerializedEntry;
use crate::snapshot::ExistingRow;
use crate::vms::tables::{TableSpec, by_ids};
use crate::vms::{Vms, VmsError};

const ACTION: &str = "counting the records of an entry";

/// Limits of a loss above which a group is held until the loss is confirmed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossLimits {
    /// Share of the records that may vanish, 0 to 1.
    pub max_loss: f64,
    /// Counts below this are not judged.
    pub min_rows: u64,
}

impl LossLimits {
    /// Whether the loss from `before` to `after` exceeds the limits.
    #[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
    pub fn are_exceeded(&self, before: u64, after: u64) -> bool {
        let lost = before.saturating_sub(after) as f64;
        before >= self.min_rows && lost > before as f64 * self.max_loss
    }
}

/// A list that would lose too much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shrunk {
    /// The entry.
    pub key: String,
    /// The column.
    pub column: &'static str,
    /// Records in the stored list.
    pub before: u64,
    /// Records in the new list.
    pub after: u64,
}

/// Returns the lists among `entries` that would lose too much.
pub async fn shrunk(
    vms: &Vms,
    spec: &TableSpec,
    entries: &[(&ExistingRow, &SerializedEntry)],
    limits: LossLimits,
) -> Result<Vec<Shrunk>, VmsError> {
    let mut lists = Vec::new();
    let lengths = lengths(vms, spec, entries.iter().map(|(row, _)| row.id).collect()).await?;
    for &(row, entry) in entries {
        let length: u64 = entry.columns.iter().map(|text| text.len() as u64).sum();
        if lengths.get(&row.id).is_none_or(|stored| length >= *stored) {
            continue;
        }
        let Some(stored) = vms.payload_bytes(spec, row.id, ACTION).await? else { continue };
        for ((column, before), after) in spec.payload.iter().zip(&stored).zip(&entry.columns) {
            let Some(before) = before.as_deref().filter(|_| column.json).and_then(records) else { continue };
            let after = records(after.as_bytes()).unwrap_or_default();
            if limits.are_exceeded(before, after) {
                lists.push(Shrunk { key: entry.key.to_string(), column: column.name, before, after });
            }
        }
    }
    Ok(lists)
}

/// Bytes of payload of the rows with these ids.
async fn lengths(vms: &Vms, spec: &TableSpec, ids: Vec<i64>) -> Result<HashMap<i64, u64>, VmsError> {
    let bytes = spec.bytes_sql();
    let mut lengths = HashMap::with_capacity(ids.len());
    let view = vms.begin_read().await?;
    for (rows, values) in by_ids(&ids) {
        let sql = format!("SELECT id, {bytes} FROM \"{}\" {rows}", spec.table);
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
        for row in view.query_all_raw(statement).await.map_err(VmsError::of(ACTION))? {
            let id = row.try_get_by_index(0).map_err(VmsError::of(ACTION))?;
            let length: i64 = row.try_get_by_index(1).map_err(VmsError::of(ACTION))?;
            lengths.insert(id, u64::try_from(length).unwrap_or_default());
        }
    }
    Ok(lengths)
}

/// Counts the objects in lists, at any depth, which a report shows as rows. `None` if `json` is not JSON.
fn records(json: &[u8]) -> Option<u64> {
    serde_json::from_slice::<Counted>(json).ok().map(|counted| counted.inside)
}

/// Counts of a JSON value, without its content.
#[derive(Default)]
struct Counted {
    is_object: bool,
    /// Objects in lists within it.
    inside: u64,
}

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Counting)
    }
}

struct Counting;

impl<'de> Visitor<'de> for Counting {
    type Value = Counted;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Counted, A::Error> {
        let mut counted = Counted::default();
        while let Some(element) = list.next_element::<Counted>()? {
            counted.inside += element.inside + u64::from(element.is_object);
        }
        Ok(counted)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Counted, A::Error> {
        let mut counted = Counted { is_object: true, inside: 0 };
        while let Some((_, value)) = object.next_entry::<IgnoredAny, Counted>()? {
            counted.inside += value.inside;
        }
        Ok(counted)
    }

    fn visit_unit<E>(self) -> Result<Counted, E> {
        Ok(Counted::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Counted, E> {
        Ok(Counted::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Counted, E> {
        Ok(Counted::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Counted, E> {
        Ok(Counted::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Counted, E> {
        Ok(Counted::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Counted, E> {
        Ok(Counted::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_objects_in_lists_at_any_depth() {
        for (json, count) in [
            ("null", Some(0)),
            ("[]", Some(0)),
            (r#"[1, "two", null, 3.5, true, -1]"#, Some(0)),
            (r#"{"a": {"b": {}}}"#, Some(0)),
            (r#"[{}, {"skills": ["x", "y"]}]"#, Some(2)),
            (r#"{"2026-01": {"events": [{}, {}]}, "2026-02": {"events": [{"who": [{}]}]}}"#, Some(4)),
            ("[NaN]", None),
            ("", None),
        ] {
            assert_eq!(records(json.as_bytes()), count, "{json}");
        }
    }
}
