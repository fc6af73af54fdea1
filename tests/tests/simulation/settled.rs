//! Invariants at rest: every expected entry exists, is fresh, and equals what a refresh from scratch produces
//! from the same database at the same instant.

use std::collections::{BTreeMap, HashMap};

use cached::refresh::survey::survey;
use cached::reports::{REPORTS, Report, report};
use cached::snapshot::{ReadDepth, Snapshot, Source, SourceSet, load};
use cached::store::serialize;
use cached::vms::tables::{Key, Table, spec};
use cached_proto::words::TableState;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::jobs;
use crate::loss::is_lossy;
use crate::op::Op;
use crate::world::World;

/// Time spans in seconds after which everything must be at rest: the quiet period after a change, and the
/// planner's next check.
const REST: [u64; 2] = [31, 960];

/// Further time spans where that is not enough: the longest retry delay, and the pause after which a table is
/// tried again.
const LONGER: [u64; 3] = [330, 3660, 31];

impl World {
    /// Waits until everything is at rest, and checks it.
    pub(crate) async fn settle(&mut self) -> Result<(), String> {
        self.unlock();
        self.apply(Op::StartScheduler).await?;
        self.finish_rival().await?;
        self.idle().await?;
        if std::mem::take(&mut self.deferred) {
            self.pass(25 * 3600).await?;
            self.idle().await?;
        }
        self.rest(&REST).await?;
        if self.is_lossy().await? {
            self.apply(Op::Refresh { table: None, force: true, accept: true }).await?;
            self.idle().await?;
        }
        if self.jobs.ended(&self.state).await.is_err() {
            self.rest(&LONGER).await?;
            self.jobs.ended(&self.state).await?;
        }
        self.slots.look(&self.state).await?;
        self.slots.complete(self.now())?;
        if self.is_right().await.is_err() {
            self.rest(&LONGER).await?;
            self.is_right().await?;
        }
        let before = jobs::automatic(&self.state).await;
        self.rest(&[31]).await?;
        match jobs::automatic(&self.state).await - before {
            0 => Ok(()),
            runs => Err(format!("8: {runs} more runs although nothing happens any more")),
        }
    }

    async fn rest(&mut self, spans: &[u64]) -> Result<(), String> {
        for &span in spans {
            self.pass(span).await?;
            self.idle().await?;
        }
        Ok(())
    }

    /// Returns whether tables are held because of rows that are missing. Tables that are still held after the
    /// rows came back are not released by hand: the daemon has to notice.
    async fn is_lossy(&self) -> Result<bool, String> {
        let held = self.daemon.state.guarded().await.map_err(|error| error.to_string())?;
        let known = self.daemon.state.source_counts().await.map_err(|error| error.to_string())?;
        let mark = known.get("event_participation").map_or(0, |known| known.rows.cast_signed());
        let rows = self.vms.number("SELECT count(*) FROM event_participation");
        let lists = held.values().any(|held| !held.lists.is_empty());
        Ok(lists || (!held.is_empty() && is_lossy(mark, rows)))
    }

    async fn is_right(&self) -> Result<(), String> {
        self.is_fresh().await?;
        self.is_exact().await
    }

    async fn is_fresh(&self) -> Result<(), String> {
        let surveys = survey(&self.refresh, &self.daemon.state, ReadDepth::Shape, self.now()).await;
        for table in surveys.map_err(|error| error.to_string())? {
            match table.state {
                TableState::Fresh | TableState::Off | TableState::NotApplicable | TableState::Withheld => {}
                // This VMS does not have the table.
                TableState::Disabled if !self.tables.contains(&table.table) => {}
                state => return Err(format!("2: {} is {state} at rest: {table:?}", table.table)),
            }
        }
        Ok(())
    }

    /// Compares each row with a fresh build, byte for byte.
    async fn is_exact(&self) -> Result<(), String> {
        let (config, now) = (&self.refresh, self.now());
        let tables: Vec<Table> =
            self.tables.iter().copied().filter(|&t| t != Table::OrganizationReports).collect();
        let reports: Vec<&dyn Report> =
            REPORTS.iter().copied().filter(|r| tables.contains(&r.table())).collect();
        let sources: SourceSet =
            reports.iter().flat_map(|r| r.sources()).copied().collect::<Vec<Source>>().into_iter().collect();
        let snapshot = load(&self.reader, &sources, &tables, ReadDepth::Stamps, now).await;
        let snapshot: Snapshot = snapshot.map_err(|error| error.to_string())?;
        for table in tables {
            let report = report(table).unwrap();
            let stored = self.payloads(table, &snapshot).await;
            let mut built: BTreeMap<Key, Vec<String>> = BTreeMap::new();
            for group in report.build(&snapshot, &config.settings, now) {
                let group = serialize(spec(table), &group).map_err(|error| error.to_string())?;
                let texts =
                    |columns: Vec<std::sync::Arc<str>>| columns.iter().map(ToString::to_string).collect();
                built.extend(group.entries.into_iter().map(|entry| (entry.key, texts(entry.columns))));
            }
            for (key, payload) in &built {
                match stored.get(key) {
                    None => return Err(format!("2: {table} {key} is missing at rest")),
                    Some(stored) if stored == payload => {}
                    Some(stored) => {
                        return Err(format!(
                            "2: {table} {key} is not what a fresh refresh makes: {}",
                            difference(&stored.concat(), &payload.concat())
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    async fn payloads(&self, table: Table, snapshot: &Snapshot) -> HashMap<Key, Vec<String>> {
        let columns: Vec<String> = spec(table)
            .payload
            .iter()
            .map(|column| format!("coalesce(CAST({} AS TEXT), '')", column.name))
            .collect();
        let sql = format!("SELECT id, {} FROM {table}", columns.join(", "));
        let rows =
            self.reader.reader().query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
        let mut by_id: HashMap<i64, Vec<String>> = rows
            .iter()
            .map(|row| {
                let texts = (1..=columns.len()).map(|at| row.try_get_by_index(at).unwrap()).collect();
                (row.try_get_by_index(0).unwrap(), texts)
            })
            .collect();
        let mut stored = HashMap::new();
        for row in snapshot.existing(table) {
            // VMS's readers take the lowest id of a key.
            stored.entry(row.key.clone()).or_insert_with(|| by_id.remove(&row.id).unwrap_or_default());
        }
        stored
    }
}

/// Returns the position at which two payloads differ, with its context.
fn difference(stored: &str, built: &str) -> String {
    let same = stored.chars().zip(built.chars()).take_while(|(stored, built)| stored == built).count();
    let environment =
        |text: &str| -> String { text.chars().skip(same.saturating_sub(40)).take(80).collect() };
    format!("stored {:?}, fresh {:?}", environment(stored), environment(built))
}
