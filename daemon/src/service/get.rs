//! `get`: finds one entry by some of its key columns.

use std::sync::Arc;

use cached_proto::fault::{Fault, FaultCode};
use cached_proto::text::one_line;
use cached_proto::verb::get::{Column, GetReply, GetRequest, KeyPart};
use cached_proto::words::{Table, TableState, Trigger};
use chrono::{DateTime, Utc};

use super::Service;
use super::fault::fault;
use crate::describe::describe;
use crate::jobs::NewRun;
use crate::refresh::{RefreshConfig, RefreshError, availability, off_thread, recall};
use crate::reports::{Context, Report, report};
use crate::snapshot::{self, SourceSet};
use crate::store::audit::{EntryState, state as judge};
use crate::vms::Vms;
use crate::vms::tables::{Key, spec};

/// Counter of entries that were fresh.
pub(crate) const HITS: &str = "get_hits";
/// Counter of entries that existed but were not fresh.
pub(crate) const STALE: &str = "get_stale";
/// Counter of entries that were missing or unusable.
pub(crate) const MISSES: &str = "get_misses";

/// Number of keys that are listed when several match.
const NAMED: usize = 5;

/// How a missing entry that should exist is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// A refresh of its table is queued, as when a reader in VMS finds nothing.
    Make,
    /// The entry is only reported as missing: the caller has read access only.
    Tell,
}

pub(crate) async fn get(service: &Service, request: &GetRequest, then: Missing) -> Result<GetReply, Fault> {
    let table = request.table;
    let wanted = wanted(request)?;
    let search = find(service, table, &wanted).await.map_err(|error| {
        fault(FaultCode::Unavailable, &describe(&error), "`cachectl health` shows what is wrong")
    })?;
    let Found { key, stored, expected } = match search {
        Search::Found(found) => found,
        Search::Unknown => return missing(service, request, request.key.clone(), false).await,
        Search::NotKept(why) => {
            return Err(fault(FaultCode::BadRequest, &format!("{table} is not refreshed: {why}"), ""));
        }
        Search::Ambiguous { keys, more } => {
            let mut keys: Vec<String> = keys.iter().map(|key| arguments(table, key)).collect();
            if more > 0 {
                keys.push(format!("{more} more"));
            }
            let message = format!("several entries of {table} match: {}", keys.join("; "));
            let hint = "give more of the key; COLUMN= means an empty column";
            return Err(fault(FaultCode::BadRequest, &message, hint));
        }
    };
    let parts = spec(table).key.iter().zip(&key.0);
    let key = parts.map(|(&column, value)| KeyPart { column: column.to_owned(), value: value.to_string() });
    let Some(Stored { state, generated, payload }) = stored else {
        return missing(service, request, key.collect(), expected && then == Missing::Make).await;
    };
    let (state, counter) = match state {
        EntryState::Fresh => (TableState::Fresh, HITS),
        EntryState::Stale => (TableState::Stale, STALE),
        EntryState::Missing => (TableState::Missing, MISSES),
        EntryState::Incomplete => (TableState::Incomplete, MISSES),
        EntryState::Invalid => (TableState::Invalid, MISSES),
    };
    service.queue.state().bump(counter, 1).await?;
    let columns = spec(table).payload.iter().zip(payload);
    Ok(GetReply {
        cache_type: table.cache_type(),
        table,
        key: key.collect(),
        state,
        generated: generated.map(Into::into),
        age_seconds: generated.map(|at| (service.clock.now() - at).as_seconds_f64()),
        columns: columns
            .map(|(column, text)| Column { name: column.name.to_owned(), json: column.json, text })
            .collect(),
        run: None,
    })
}

/// Replies that the entry is missing; with `make`, also queues a refresh of the table.
async fn missing(
    service: &Service,
    request: &GetRequest,
    key: Vec<KeyPart>,
    make: bool,
) -> Result<GetReply, Fault> {
    let table = request.table;
    service.queue.state().bump(MISSES, 1).await?;
    let run = if make {
        Some(service.queue.enqueue(NewRun::new(Trigger::Manual, vec![table])).await?.run)
    } else {
        None
    };
    Ok(GetReply {
        cache_type: table.cache_type(),
        table,
        key,
        state: TableState::Missing,
        generated: None,
        age_seconds: None,
        columns: Vec::new(),
        run,
    })
}

/// Positions and values of the key columns in the request.
fn wanted(request: &GetRequest) -> Result<Vec<(usize, &str)>, Fault> {
    let known = spec(request.table).key;
    let mut wanted: Vec<(usize, &str)> = Vec::new();
    for KeyPart { column, value } in &request.key {
        let position = known.iter().position(|name| name == column);
        let refuse = |what: &str| {
            let message = format!("{what} {} of {}", one_line(column), request.table);
            let hint = match known {
                [] => "this table has a single entry and no key".to_owned(),
                known => format!("its key columns are: {}", known.join(", ")),
            };
            fault(FaultCode::BadRequest, &message, &hint)
        };
        let position = position.ok_or_else(|| refuse("unknown key column"))?;
        if wanted.iter().any(|(taken, _)| *taken == position) {
            return Err(refuse("two values for the key column"));
        }
        wanted.push((position, value));
    }
    Ok(wanted)
}

/// Formats a key the way it is given on the command line.
fn arguments(table: Table, key: &Key) -> String {
    let parts = spec(table).key.iter().zip(&key.0);
    parts
        .map(|(column, value)| format!("{column}={}", one_line(&value.to_string())))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Result of a search.
enum Search {
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
struct Found {
    /// Its key.
    key: Key,
    /// The stored entry; `None` when it is missing.
    stored: Option<Stored>,
    /// Whether a refresh generates it.
    expected: bool,
}

/// An entry as it is stored.
struct Stored {
    /// Result of its audit.
    state: EntryState,
    /// When it was generated.
    generated: Option<DateTime<Utc>>,
    /// Its payload columns, in the order of the table's description.
    payload: Vec<Option<String>>,
}

/// Finds the entry of `table` whose key columns at the given positions have the given values.
async fn find(service: &Service, table: Table, wanted: &[(usize, &str)]) -> Result<Search, RefreshError> {
    let _alone = service.surveys.alone().await;
    let config = Arc::clone(&service.refresh.borrow());
    let report = report(table).ok_or(RefreshError::NoReport(table))?;
    let found = config.vms.using(async |vms| {
        match availability(report, &vms.schema().await?, &config.settings).note() {
            Some(why) => Ok(Search::NotKept(why)),
            None => search(service, vms, &config, report, wanted).await,
        }
    });
    found.await
}

async fn search(
    service: &Service,
    vms: &Vms,
    config: &RefreshConfig,
    report: &'static dyn Report,
    wanted: &[(usize, &str)],
) -> Result<Search, RefreshError> {
    let (table, now) = (report.table(), service.clock.now());
    let sources: SourceSet = report.key_sources().iter().copied().collect();
    let depth = service.surveys.depth(now);
    let mut snapshot = snapshot::load(vms, &sources, &[table], depth, now).await?;
    let stamps = recall(&mut snapshot, service.queue.state()).await?.remove(&table).unwrap_or_default();
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
        Some(row) => vms.payload(spec(table), row.id).await?.map(|payload| {
            let freshness = config.freshness(table, now, &stamps);
            Stored { state: judge(Some(row), &freshness), generated: freshness.generated(row), payload }
        }),
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
    let is = |key: &Key, position, value: &str| key.get(position).is_some_and(|v| v.to_string() == value);
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
    use crate::vms::tables::KeyValue;

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
