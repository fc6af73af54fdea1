//! Compares rows that another process has written with the daemon's own, whose digests the state has.

use std::borrow::Cow;
use std::collections::HashMap;

use futures_util::TryStreamExt;
use sea_orm::{DbBackend, Statement, StreamTrait};

use crate::snapshot::{digest, payload};
use crate::vms::tables::{TableSpec, by_ids};
use crate::vms::{Vms, VmsError};

/// Whether any of the rows, which another process has written since, holds another payload than the daemon's.
/// `left` has the digest of the daemon's payload for each row id; a row without a digest counts as
/// changed. JSON that differs only in formatting is the same: VMS puts blanks between values and escapes
/// letters.
pub(crate) async fn is_changed(
    vms: &Vms,
    spec: &TableSpec,
    left: &HashMap<i64, Option<String>>,
) -> Result<bool, VmsError> {
    let failed = VmsError::of("comparing stored payloads");
    let ids: Vec<i64> = left.keys().copied().collect();
    let (columns, view) = (spec.payload_sql(), vms.begin_read().await?);
    for (rows, values) in by_ids(&ids) {
        let sql = format!("SELECT id, {columns} FROM \"{}\" {rows}", spec.table);
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
        let mut rows = view.stream_raw(statement).await.map_err(failed)?;
        // One row is in memory at a time.
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            let id: i64 = row.try_get_by_index(0).map_err(failed)?;
            let stored = payload(&row, spec, 1).map_err(failed)?;
            let left = left.get(&id).and_then(Option::as_deref);
            if !stored.zip(left).is_some_and(|(stored, left)| is_same(&stored, left)) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn is_same(stored: &[&[u8]], left: &str) -> bool {
    let respelled = || stored.iter().map(|text| respelled(text)).collect::<Vec<_>>();
    digest(stored.iter().copied()) == left || digest(respelled().iter().map(AsRef::as_ref)) == left
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
        let same = |json: &str, text: &str| is_same(&[json.as_bytes(), text.as_bytes()], &left);
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
