//! Releases tables that the guard holds once their source has been restored.
//!
//! If the source equals the one that a table was generated from, that is not a change, and a held table is
//! not topped up. The watch therefore queues its refresh: once, and then once an hour for as long as the
//! refresh does not succeed.

use std::collections::{BTreeMap, HashSet};

use cached_proto::words::Table;

use super::look::{Looking, Seen};
use crate::refresh::{RefreshConfig, RefreshError, suspicion};
use crate::snapshot::SourceSet;
use crate::state::State;

/// Held tables for which a refresh was queued.
#[derive(Debug, Default)]
pub(super) struct Held {
    asked: HashSet<Table>,
}

impl Held {
    /// The held tables that the guard would let through now.
    pub(super) async fn released(
        looking: &Looking,
        config: &RefreshConfig,
        state: &State,
        seen: &Seen,
    ) -> Result<HashSet<Table>, RefreshError> {
        let held = state.guarded().await?;
        if held.is_empty() {
            return Ok(HashSet::new());
        }
        let sources: SourceSet = seen.values().flat_map(|table| table.hashes.keys()).copied().collect();
        let mut rows = BTreeMap::new();
        for source in sources {
            rows.insert(source, looking.count(source).await?);
        }
        if suspicion(config.guard, state, &rows).await?.is_some() {
            return Ok(HashSet::new());
        }
        let is_back = |table: &Table| {
            let (Some(held), Some(seen)) = (held.get(table), seen.get(table)) else { return false };
            // Row counts do not show how much of a list remains, so the source itself must be unchanged. A
            // source that differs is reported as a change anyway.
            held.lists.is_empty() || seen.is_unchanged()
        };
        Ok(held.keys().copied().filter(is_back).collect())
    }

    /// Whether a refresh of a released table has not been queued yet.
    pub(super) fn is_news(&self, released: &HashSet<Table>, table: Table) -> bool {
        released.contains(&table) && !self.asked.contains(&table)
    }

    /// Records that a refresh of all released tables was queued. A table that is held again later may be
    /// queued again.
    pub(super) fn learn(&mut self, released: HashSet<Table>) {
        self.asked = released;
    }

    /// Forgets the queued refreshes, which may have failed, so that they are queued again. Returns whether
    /// there were any.
    pub(super) fn doubt(&mut self) -> bool {
        !std::mem::take(&mut self.asked).is_empty()
    }
}
