//! `get`

use cached_proto::fault::{Fault, FaultCode};
use cached_proto::text::one_line;
use cached_proto::verb::get::{Column, GetReply, GetRequest, KeyPart};
use cached_proto::words::{Table, TableState, Trigger};

use super::Service;
use super::fault::fault;
use crate::describe::describe;
use crate::jobs::NewRun;
use crate::refresh::find::{Found, Search, Stored, text_of};
use crate::store::audit::EntryState;
use crate::vms::tables::{Key, spec};

/// Counter of entries that were fresh.
pub(crate) const HITS: &str = "get_hits";
/// Counter of entries that existed but were not fresh.
pub(crate) const STALE: &str = "get_stale";
/// Counter of entries that were missing or unusable.
pub(crate) const MISSES: &str = "get_misses";

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
    let search = service.find(table, &wanted).await.map_err(|error| {
        fault(FaultCode::Unavailable, &describe(&error), "`cachectl health` says what is wrong")
    })?;
    let Found { key, stored, expected } = match search {
        Search::Found(found) => found,
        Search::Unknown => return missing(service, request, request.key.clone(), false).await,
        Search::NotKept(why) => {
            return Err(fault(FaultCode::BadRequest, &format!("{table} is not kept: {why}"), ""));
        }
        Search::Ambiguous { keys, more } => {
            let mut keys: Vec<String> = keys.iter().map(|key| arguments(table, key)).collect();
            if more > 0 {
                keys.push(format!("{more} more"));
            }
            let message = format!("several entries of {table} match: {}", keys.join("; "));
            let hint = "give more of the key; COLUMN= stands for an empty column";
            return Err(fault(FaultCode::BadRequest, &message, hint));
        }
    };
    let parts = spec(table).key.iter().zip(&key.0);
    let key = parts.map(|(&column, value)| KeyPart { column: column.to_owned(), value: text_of(value) });
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
        .map(|(column, value)| format!("{column}={}", one_line(&text_of(value))))
        .collect::<Vec<_>>()
        .join(" ")
}
