//! Compares stored payloads with those of the daemon: with one that is to be written, byte for byte, or with
//! one that was written earlier, by its digest.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use futures_util::TryStreamExt;
use sea_orm::{DbBackend, DbErr, QueryResult, Statement, StreamTrait};
use twox_hash::XxHash3_128;

use super::SerializedEntry;
use crate::vms::tables::{TableSpec, by_ids};
use crate::vms::{Vms, VmsError};

const ACTION: &str = "comparing stored payloads";

/// Returns those of the rows named by id whose stored payload equals the entry's, byte for byte.
pub(super) async fn unchanged(
    vms: &Vms,
    spec: &TableSpec,
    entries: &HashMap<i64, &SerializedEntry>,
) -> Result<HashSet<i64>, VmsError> {
    let mut same = HashSet::new();
    let visit = |id, row: &QueryResult| {
        if let Some(entry) = entries.get(&id)
            && equals(row, entry)?
        {
            same.insert(id);
        }
        Ok(ControlFlow::Continue(()))
    };
    for_each_row(vms, spec, entries.keys(), visit).await?;
    Ok(same)
}

/// Returns the bytes of payload of those of the rows named by id whose stored payload has the given digest, byte for
/// byte.
pub(crate) async fn intact(
    vms: &Vms,
    spec: &TableSpec,
    digests: &HashMap<i64, String>,
) -> Result<HashMap<i64, u64>, VmsError> {
    let mut intact = HashMap::new();
    let visit = |id, row: &QueryResult| {
        let stored = stored(row, spec)?;
        if digests.get(&id) == Some(&digest(stored.iter().map(Vec::as_slice))) {
            intact.insert(id, stored.iter().map(|text| text.len() as u64).sum());
        }
        Ok(ControlFlow::Continue(()))
    };
    for_each_row(vms, spec, digests.keys(), visit).await?;
    Ok(intact)
}

/// Calls `visit` with the id and the payload columns of each stored row until it breaks off. One row is in
/// memory at a time.
async fn for_each_row(
    vms: &Vms,
    spec: &TableSpec,
    ids: impl Iterator<Item = &i64>,
    mut visit: impl FnMut(i64, &QueryResult) -> Result<ControlFlow<()>, DbErr>,
) -> Result<(), VmsError> {
    let ids: Vec<i64> = ids.copied().collect();
    if ids.is_empty() {
        return Ok(());
    }
    let (columns, view) = (spec.payload_sql(), vms.begin_read().await?);
    for (rows, values) in by_ids(&ids) {
        let sql = format!("SELECT id, {columns} FROM \"{}\" {rows}", spec.table);
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
        let mut rows = view.stream_raw(statement).await.map_err(VmsError::of(ACTION))?;
        while let Some(row) = rows.try_next().await.map_err(VmsError::of(ACTION))? {
            let visited = row.try_get_by_index(0).and_then(|id| visit(id, &row));
            if visited.map_err(VmsError::of(ACTION))?.is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn equals(row: &QueryResult, entry: &SerializedEntry) -> Result<bool, DbErr> {
    for (index, text) in (1..).zip(&entry.columns) {
        let stored: Option<Vec<u8>> = row.try_get_by_index(index)?;
        if stored.as_deref() != Some(text.as_bytes()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the digest of a payload's columns, in the order of the table's description.
pub(crate) fn digest<'t>(columns: impl Iterator<Item = &'t [u8]>) -> String {
    let mut hasher = XxHash3_128::new();
    for text in columns {
        hasher.write(&text.len().to_le_bytes());
        hasher.write(text);
    }
    format!("{:032x}", hasher.finish_128())
}

/// Whether any of the rows, which another process has written since, holds another payload than the daemon's.
/// `left` has the digest of the daemon's payload for each row id; a row without a digest counts as
/// changed. JSON that differs only in formatting is the same: VMS puts blanks between values and escapes
/// letters.
pub(crate) async fn is_changed(
    vms: &Vms,
    spec: &TableSpec,
    left: &HashMap<i64, Option<String>>,
) -> Result<bool, VmsError> {
    let mut changed = false;
    let visit = |id, row: &QueryResult| {
        let (stored, left) = (stored(row, spec)?, left.get(&id).and_then(Option::as_deref));
        changed = left.is_none_or(|left| !is_same(&stored, left));
        Ok(if changed { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    };
    for_each_row(vms, spec, left.keys(), visit).await?;
    Ok(changed)
}

/// The payload columns of a row; NULL becomes the empty text, which is never a payload.
fn stored(row: &QueryResult, spec: &TableSpec) -> Result<Vec<Vec<u8>>, DbErr> {
    let column = |index| Ok(row.try_get_by_index::<Option<Vec<u8>>>(index)?.unwrap_or_default());
    (1..=spec.payload.len()).map(column).collect()
}

fn is_same(stored: &[Vec<u8>], left: &str) -> bool {
    let respelled = || stored.iter().map(|text| respelled(text)).collect::<Vec<_>>();
    digest(stored.iter().map(Vec::as_slice)) == left || digest(respelled().iter().map(AsRef::as_ref)) == left
}

/// A JSON text in the daemon's formatting; any other text unchanged.
fn respelled(text: &[u8]) -> Cow<'_, [u8]> {
    let json = serde_json::from_slice::<serde_json::Value>(text).and_then(|json| serde_json::to_vec(&json));
    json.map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_the_same_in_any_json_formatting_and_differs_with_other_values() {
        let ours = r#"[{"name":"Zoë","score":0.5,"hours":2.0},null]"#;
        let left = digest([ours.as_bytes(), b"plain"].into_iter());
        let same = |json: &str, text: &str| is_same(&[json.into(), text.into()], &left);
        assert!(same(ours, "plain"));
        assert!(same(r#"[{"name": "Zo\u00eb", "score": 0.5, "hours": 2.0}, null]"#, "plain"));
        for (json, text) in [
            (r#"[{"name": "Zoë", "score": 0.5, "hours": 2}, null]"#, "plain"),
            (r#"[{"name": "Zoë", "score": 0.25, "hours": 2.0}, null]"#, "plain"),
            (r#"[{"name": "Zoë", "score": 0.5, "hours": 2.0}]"#, "plain"),
            (ours, "other"),
            ("", "plain"),
        ] {
            assert!(!same(json, text), "{json} {text}");
        }
    }
}
