//! Reads from VMS's database what a check compares: source hashes and cache rows.

use std::collections::{BTreeMap, HashSet};

use cached_proto::words::Table;

use crate::refresh::{Availability, RefreshConfig, RefreshError, availability};
use crate::reports::{REPORTS, Report};
use crate::snapshot::{ExistingRow, ReadDepth, Source, SourceSet, read_existing, source_hash};
use crate::state::{KeptSource, State};
use crate::store::Stamps;
use crate::vms::{Vms, VmsError};

/// A refreshed cache table: its current content, and the content as the daemon left it.
#[derive(Debug, Clone, Default)]
pub(super) struct ObservedTable {
    /// Its rows, ordered by id; their shape is not judged.
    pub(super) rows: Vec<ExistingRow>,
    /// The stamps of the rows as the daemon left them.
    pub(super) stamps: Stamps,
    /// The source it was last generated from, by table name.
    pub(super) kept: BTreeMap<String, KeptSource>,
    /// The current source hashes.
    pub(super) hashes: BTreeMap<Source, u128>,
}

impl ObservedTable {
    /// Forgets the stamps of missing rows that no report would generate again: rows that have expired are
    /// not lost.
    pub(super) fn forget_unexpected(&mut self, expected: &HashSet<String>) {
        let gone: HashSet<String> = self.stamps.gone(&self.rows).into_iter().map(str::to_owned).collect();
        self.stamps.0.retain(|key, _| !gone.contains(key) || expected.contains(key));
    }

    /// Whether the source is the one that the table was last generated from.
    pub(super) fn is_unchanged(&self) -> bool {
        self.changed().next().is_none()
    }

    /// The sources that have changed since the table was last generated.
    pub(super) fn changed(&self) -> impl Iterator<Item = Source> {
        let is_changed = |source: &Source, hash: &u128| {
            self.kept.get(source.table()).is_none_or(|kept| kept.facts.hash != *hash)
        };
        self.hashes.iter().filter(move |&(source, hash)| is_changed(source, hash)).map(|(source, _)| *source)
    }
}

/// The result of a check, by table.
pub(super) type Observation = BTreeMap<Table, ObservedTable>;

/// Reads the sources and rows of all refreshed tables. There is no common transaction: it would keep VMS
/// from writing during the whole check, and any change between two statements triggers the hint again.
pub(super) async fn observe(
    vms: &Vms,
    config: &RefreshConfig,
    state: &State,
) -> Result<Observation, RefreshError> {
    let schema = vms.schema().await?;
    let ready: Vec<&dyn Report> = REPORTS
        .iter()
        .copied()
        .filter(|report| availability(*report, &schema, &config.settings) == Availability::Ready)
        .collect();
    let mut hashes = BTreeMap::new();
    for source in ready.iter().flat_map(|report| report.sources()).copied().collect::<SourceSet>() {
        let view = vms.begin_read().await?;
        let hash = source_hash(&view, source).await.map_err(VmsError::of("looking for changes"))?;
        hashes.insert(source, hash);
    }
    let mut observed = Observation::new();
    for report in ready {
        let table = report.table();
        let of = |source: &Source| Some((*source, *hashes.get(source)?));
        let observed_table = ObservedTable {
            rows: read_existing(&vms.begin_read().await?, table, ReadDepth::Stamps).await?,
            stamps: Stamps(state.stamps().load(table).await?),
            kept: state.sources(table).await?,
            hashes: report.sources().iter().filter_map(of).collect(),
        };
        observed.insert(table, observed_table);
    }
    Ok(observed)
}
