//! A look at VMS's database: what the reports are made of, and which cache rows are there.

use std::collections::BTreeMap;

use cached_proto::words::Table;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::refresh::{Availability, RefreshConfig, RefreshError, availability};
use crate::reports::{REPORTS, Report};
use crate::snapshot::{ExistingRow, ReadDepth, Source, SourceSet, read_existing, source_hash};
use crate::state::{KeptSource, State};
use crate::store::Stamps;
use crate::vms::{Vms, VmsError};

/// One cache table that is refreshed: how it is, and how we left it.
#[derive(Debug, Clone, Default)]
pub(super) struct SeenTable {
    /// Its rows, by id, not judged by shape.
    pub(super) rows: Vec<ExistingRow>,
    /// How we left them.
    pub(super) stamps: Stamps,
    /// The source it was last generated from, by table name.
    pub(super) kept: BTreeMap<String, KeptSource>,
    /// The source as it is.
    pub(super) hashes: BTreeMap<Source, u128>,
}

impl SeenTable {
    /// Whether the source is the one that the table was last generated from.
    pub(super) fn is_unchanged(&self) -> bool {
        self.changed().next().is_none()
    }

    /// The sources that are not as they were when the table was last generated.
    pub(super) fn changed(&self) -> impl Iterator<Item = Source> {
        let is_changed = |source: &Source, hash: &u128| {
            self.kept.get(source.table()).is_none_or(|kept| kept.facts.hash != *hash)
        };
        self.hashes.iter().filter(move |&(source, hash)| is_changed(source, hash)).map(|(source, _)| *source)
    }
}

/// Everything that a look has seen.
pub(super) type Seen = BTreeMap<Table, SeenTable>;

/// An open database that is looked at.
#[derive(Debug)]
pub(super) struct Looking(Vms);

impl Looking {
    pub(super) async fn open(config: &RefreshConfig) -> Result<Self, VmsError> {
        Ok(Self(Vms::open_with(&config.database, config.patience).await?))
    }

    /// Looks at everything that is refreshed. There is no common transaction: one would keep VMS from writing for
    /// as long as the whole look takes, and whatever changes between two statements moves the hint again.
    pub(super) async fn look(&self, config: &RefreshConfig, state: &State) -> Result<Seen, RefreshError> {
        let db = self.0.reader();
        let schema = self.0.schema().await?;
        let ready: Vec<&dyn Report> = REPORTS
            .iter()
            .copied()
            .filter(|report| availability(*report, &schema, &config.settings) == Availability::Ready)
            .collect();
        let mut hashes = BTreeMap::new();
        for source in ready.iter().flat_map(|report| report.sources()).copied().collect::<SourceSet>() {
            let hash = source_hash(db, source).await.map_err(VmsError::of("looking for changes"))?;
            hashes.insert(source, hash);
        }
        let mut seen = Seen::new();
        for report in ready {
            let table = report.table();
            let of = |source: &Source| Some((*source, *hashes.get(source)?));
            let table_seen = SeenTable {
                rows: read_existing(db, table, ReadDepth::Stamps).await?,
                stamps: Stamps(state.stamps().load(table).await?),
                kept: state.sources(table).await?,
                hashes: report.sources().iter().filter_map(of).collect(),
            };
            seen.insert(table, table_seen);
        }
        Ok(seen)
    }

    /// The rows of a table, judged by shape.
    pub(super) async fn shapes(&self, table: Table) -> Result<Vec<ExistingRow>, VmsError> {
        read_existing(self.0.reader(), table, ReadDepth::Shape).await
    }

    /// The rows of a source table.
    pub(super) async fn count(&self, source: Source) -> Result<u64, VmsError> {
        let doing = "counting the rows of the source";
        let sql = format!("SELECT count(*) FROM \"{}\"", source.table());
        let statement = Statement::from_string(DbBackend::Sqlite, sql);
        let row = self.0.reader().query_one_raw(statement).await.map_err(VmsError::of(doing))?;
        let rows: Option<i64> =
            row.map(|row| row.try_get_by_index(0)).transpose().map_err(VmsError::of(doing))?;
        Ok(rows.and_then(|rows| u64::try_from(rows).ok()).unwrap_or_default())
    }

    pub(super) async fn close(self) {
        self.0.close().await;
    }
}
