//! Finds one entry by some of its key columns.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use cached_proto::words::Table;

use super::compute::off_thread;
use super::lost::recall;
use super::{RefreshConfig, RefreshError, availability};
use crate::reports::{Context, Report, report};
use crate::snapshot::{self, ReadDepth, SourceSet};
use crate::state::State;
use crate::store::audit::{EntryState, state as judge};
use crate::vms::Vms;
use crate::vms::tables::{Key, KeyValue, spec};

/// Number of keys that are listed when several match.
const NAMED: usize = 5;

/// Result of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// One entry.
    Found(Found),
    /// There is no such entry, and none is expected.
    Unknown,
    /// Several entries.
    Ambiguous {
        /// The first of them.
        keys: Vec<Key>,
        /// How many more there are.
        more: usize,
    },
    /// The table does not exist or is not refreshed, for this reason.
    NotKept(String),
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its key.
    pub key: Key,
    /// The stored entry; `None` when it is missing.
    pub stored: Option<Stored>,
    /// Whether a refresh generates it.
    pub expected: bool,
}

/// An entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Result of its audit.
    pub state: EntryState,
    /// When it was generated.
    pub generated: Option<DateTime<Utc>>,
    /// Its payload columns, in the order of the table's description.
    pub payload: Vec<Option<String>>,
}

/// The text form of a key column in a search; NULL is the empty string.
pub fn text_of(value: &KeyValue) -> String {
    match value {
        KeyValue::Null => String::new(),
        KeyValue::Int(value) => value.to_string(),
        KeyValue::Text(text) => text.clone(),
    }
}

/// Finds the entry of `table` whose key columns at the given positions have the given values. `depth` is how
/// closely all rows of the table are read.
pub async fn find(
    config: &RefreshConfig,
    state: &State,
    table: Table,
    wanted: &[(usize, &str)],
    depth: ReadDepth<'_>,
    now: DateTime<Utc>,
) -> Result<Search, RefreshError> {
    let report = report(table).ok_or(RefreshError::NoReport(table))?;
    let found = config.vms.using(async |vms| {
        match availability(report, &vms.schema().await?, &config.settings).note() {
            Some(why) => Ok(Search::NotKept(why)),
            None => search(vms, config, state, report, wanted, depth, now).await,
        }
    });
    found.await
}

async fn search(
    vms: &Vms,
    config: &RefreshConfig,
    state: &State,
    report: &'static dyn Report,
    wanted: &[(usize, &str)],
    depth: ReadDepth<'_>,
    now: DateTime<Utc>,
) -> Result<Search, RefreshError> {
    let table = report.table();
    let sources: SourceSet = report.key_sources().iter().copied().collect();
    let mut snapshot = snapshot::load(vms, &sources, &[table], depth, now).await?;
    let stamps = recall(&mut snapshot, state).await?.remove(&table).unwrap_or_default();
    let snapshot = Arc::new(snapshot);
    let (expected, withheld) = off_thread({
        let (snapshot, settings) = (Arc::clone(&snapshot), config.settings.clone());
        move || {
            let cx = Context::new(&snapshot, &settings, now);
            (report.keys(cx), report.withheld(cx))
        }
    })
    .await?;
    let existing = snapshot.existing(table);
    let key = match choose(expected.iter().chain(existing.iter().map(|row| &row.key)), wanted) {
        Choice::One(key) => key.clone(),
        Choice::None => return Ok(Search::Unknown),
        Choice::Several(keys) => {
            let more = keys.len().saturating_sub(NAMED);
            return Ok(Search::Ambiguous { keys: keys.into_iter().take(NAMED).cloned().collect(), more });
        }
    };
    // Rows are ordered by id, and VMS's readers take the lowest one of a key.
    let stored = match existing.iter().find(|row| row.key == key) {
        None => None,
        Some(row) => match vms.payload(spec(table), row.id).await? {
            None => None,
            Some(payload) => {
                let freshness = config.freshness(table, now, &stamps);
                let state = judge(Some(row), &freshness);
                Some(Stored { state, generated: freshness.generated(row), payload })
            }
        },
    };
    let expected = expected.contains(&key) && withheld.is_none();
    Ok(Search::Found(Found { key, stored, expected }))
}

enum Choice<'k> {
    One(&'k Key),
    None,
    Several(Vec<&'k Key>),
}

/// Chooses among the keys that match. Columns that are not given match any value; if several keys match,
/// those columns are taken to be NULL.
fn choose<'k>(keys: impl Iterator<Item = &'k Key>, wanted: &[(usize, &str)]) -> Choice<'k> {
    let given = |position: usize| wanted.iter().any(|(column, _)| *column == position);
    let is = |key: &Key, position, value: &str| key.get(position).is_some_and(|v| text_of(v) == value);
    let mut matching: Vec<&Key> =
        keys.filter(|key| wanted.iter().all(|&(position, value)| is(key, position, value))).collect();
    matching.sort_unstable();
    matching.dedup();
    let bare: Vec<&Key> = matching
        .iter()
        .copied()
        .filter(|key| (0..key.0.len()).all(|column| given(column) || is(key, column, "")))
        .collect();
    match (matching.as_slice(), bare.as_slice()) {
        ([], _) => Choice::None,
        ([one], _) | (_, [one]) => Choice::One(one),
        _ => Choice::Several(matching),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_are_not_given_are_any_value_or_else_null() {
        let key = |year: &str, window: KeyValue, n: i64| Key(vec![year.into(), window, n.into()]);
        let keys = [
            key("2526", KeyValue::Null, 1),
            key("2526", "2026-01-01".into(), 1),
            key("2526", "2026-01-01".into(), 2),
            key("2627", KeyValue::Null, 1),
        ];
        for (wanted, expected) in [
            (&[(0, "2627")][..], Some(3)),
            (&[(0, "2526"), (2, "2")], Some(2)),
            (&[(0, "2526"), (2, "1")], Some(0)),
            (&[(0, "2526"), (1, "2026-01-01"), (2, "1")], Some(1)),
            (&[(1, ""), (0, "2526")], Some(0)),
            (&[(0, "2526")], None),
            (&[(0, "1819")], None),
        ] {
            let chosen = match choose(keys.iter().chain(&keys), wanted) {
                Choice::One(key) => keys.iter().position(|known| known == key),
                Choice::None | Choice::Several(_) => None,
            };
            assert_eq!(chosen, expected, "{wanted:?}");
        }
    }
}
