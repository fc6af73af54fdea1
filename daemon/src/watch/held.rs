//! Tables that the guard holds, and whose source has come back.
//!
//! A source that is again as it was when a table was made is no change of it, and a held table is not topped up. So
//! the watch asks for its refresh: once, and once more each hour for as long as that comes to nothing.

use std::collections::{BTreeMap, HashSet};

use cached_proto::words::Table;

use super::look::{Looking, Seen};
use crate::refresh::{RefreshConfig, RefreshError, suspicion};
use crate::snapshot::SourceSet;
use crate::state::State;

/// Held tables whose refresh was asked for.
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
            // What is left of a list no count of rows tells. Another source than before is a change anyhow.
            held.list.is_none() || seen.is_unchanged()
        };
        Ok(held.keys().copied().filter(is_back).collect())
    }

    /// Whether the refresh of a table is yet to be asked for.
    pub(super) fn is_news(&self, released: &HashSet<Table>, table: Table) -> bool {
        released.contains(&table) && !self.asked.contains(&table)
    }

    /// All that may be refreshed was asked for. A table that is held anew may be asked for again.
    pub(super) fn learn(&mut self, released: HashSet<Table>) {
        self.asked = released;
    }

    /// What was asked for, and may have come to nothing, is asked for again. Says whether there is anything of the
    /// kind.
    pub(super) fn doubt(&mut self) -> bool {
        !std::mem::take(&mut self.asked).is_empty()
    }
}
