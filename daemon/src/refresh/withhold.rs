//! Removes entries that must not be shown.

use cached_proto::words::Table;

use super::RefreshError;
use crate::snapshot::{ExistingRow, KeyIndex};
use crate::state::State;
use crate::store::{Existing, SerializedGroup, Stamps, write_group};
use crate::vms::tables::{Key, spec};
use crate::vms::{LockMeter, Vms};

/// Removes the rows of a table that are unchanged since the daemon wrote them, and returns their number.
/// VMS's own rows stay.
pub(super) async fn remove_ours(
    vms: &Vms,
    state: &State,
    existing: &[ExistingRow],
    table: Table,
    meter: &mut LockMeter<'_>,
) -> Result<u64, RefreshError> {
    let stamps = Stamps(state.stamps().load(table).await?);
    let retire: Vec<Key> =
        existing.iter().filter(|row| stamps.is_ours(row)).map(|row| row.key.clone()).collect();
    let group = SerializedGroup { name: "withheld".to_owned(), entries: Vec::new(), retire };
    let rows = Existing { rows: existing, index: &KeyIndex::of(existing) };
    let outcome = write_group(vms, spec(table), &group, rows, |_| false, "", meter).await?;
    // Rows that another process has deleted are not to be brought back either.
    let gone = stamps.gone(existing).into_iter().map(str::to_owned);
    let removed: Vec<String> = group.retire.iter().map(ToString::to_string).chain(gone).collect();
    state.stamps().record(table, Vec::new(), &removed).await?;
    Ok(outcome.pruned)
}
