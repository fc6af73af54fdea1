//! Recorded rows that another process has deleted.
//!
//! Which entries a report has depends in part on which rows exist: a year, a name or an event that had a row
//! has one again after a wipe. Rows recorded in the state therefore count as much as existing ones. A record
//! is deleted when a complete generation does not bring its row back, since none ever will.

use std::collections::{HashMap, HashSet};

use cached_proto::words::Table;
use chrono::NaiveDateTime;

use crate::snapshot::{ExistingRow, Snapshot};
use crate::state::{State, StateError};
use crate::store::Stamps;
use crate::vms::tables::{Key, spec};

/// Adds the keys of deleted rows to a snapshot; returns the recorded stamps of its tables.
pub(super) async fn recall(
    snapshot: &mut Snapshot,
    state: &State,
) -> Result<HashMap<Table, Stamps>, StateError> {
    let mut recalled = HashMap::new();
    for (&table, rows) in &snapshot.existing {
        let stamps = Stamps(state.stamps().load(table).await?);
        let gone = stamps.gone(rows).into_iter();
        snapshot.lost.insert(table, gone.filter_map(|key| Key::from_text(key, spec(table))).collect());
        recalled.insert(table, stamps);
    }
    Ok(recalled)
}

/// Records which tables another process has wiped shortly before a scheduled run read them. The run refills
/// them, so that the watch would not notice.
pub(super) async fn keep_wipes(
    state: &State,
    snapshot: &Snapshot,
    stamps: &HashMap<Table, Stamps>,
    at: NaiveDateTime,
) -> Result<(), StateError> {
    let wiped = stamps.iter().filter(|(table, stamps)| stamps.is_wiped(snapshot.existing(**table)));
    let wiped: Vec<Table> = wiped.map(|(&table, _)| table).collect();
    state.keep_wipes(at, &wiped).await
}

/// The keys that are known only by their stamp and that no generation fills any more.
pub(crate) fn forgotten(stamps: &Stamps, keys: &[Key], rows: &[ExistingRow]) -> Vec<String> {
    let wanted: HashSet<String> = keys.iter().map(ToString::to_string).collect();
    stamps.gone(rows).into_iter().filter(|key| !wanted.contains(*key)).map(str::to_owned).collect()
}
