//! Invariants at rest: every expected entry exists, is fresh, and equals what a refresh from scratch produces
//! from the same database at the same instant.

use std::collections::HashMap;

use cached::refresh::RefreshConfig;
use cached::refresh::survey::survey;
use cached::reports::{Context, Report, ReportSettings, report};
use cached::snapshot::{ReadDepth, Snapshot, SourceSet, load};
use cached::store::GroupSerializer;
use cached::vms::tables::{Key, Table, spec};
use cached::vms::{Vms, time};
use cached_proto::words::TableState;
use chrono::{DateTime, Utc};
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

/// Payload columns by key.
pub(crate) type Rows = HashMap<Key, Vec<String>>;

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
        self.slots.check(&self.state).await?;
        self.slots.complete(self.now())?;
        if self.is_right().await.is_err() {
            self.rest(&LONGER).await?;
            self.is_right().await?;
        }
        let before = jobs::automatic(&self.state).await;
        self.rest(&[31]).await?;
        match jobs::automatic(&self.state).await - before {
            0 => Ok(()),
            runs => Err(format!("8: {runs} more runs although nothing changes any more")),
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
        let off = |table| table == Table::OrganizationReports;
        let tables: Vec<Table> = self.tables.iter().copied().filter(|&table| !off(table)).collect();
        compare(&self.reader, &self.refresh, &tables, self.now()).await.map(drop)
    }
}

/// Reads what the reports of some tables are built from.
pub(crate) async fn source(reader: &Vms, tables: &[Table], now: DateTime<Utc>) -> Snapshot {
    let reports = tables.iter().filter_map(|&table| report(table));
    let sources: SourceSet = reports.flat_map(Report::sources).copied().collect();
    load(reader, &sources, tables, ReadDepth::Stamps, now).await.unwrap()
}

/// Compares each row of some tables with a build from scratch at this instant, byte for byte; returns their
/// number.
///
/// A default window of recent volunteers ends at the instant of the run that wrote it, as VMS's own does. It
/// is compared with a build at that instant, which must be so recent that no renewal is due.
pub(crate) async fn compare(
    reader: &Vms,
    config: &RefreshConfig,
    tables: &[Table],
    now: DateTime<Utc>,
) -> Result<u64, String> {
    let snapshot = source(reader, tables, now).await;
    let mut compared = 0;
    for &table in tables {
        let report = report(table).unwrap();
        let stored = payloads(reader, table, &snapshot).await;
        let mut builds: HashMap<DateTime<Utc>, Rows> = HashMap::new();
        let cx = Context::new(&snapshot, &config.settings, now);
        for key in report.keys(cx) {
            let Some((stamp, stored)) = stored.get(&key) else {
                return Err(format!("2: {table} {key} is missing at rest"));
            };
            let at = stamp.filter(|_| table == Table::RecentVolunteersReportCache).unwrap_or(now);
            let renewal = report.next_payloads(Context { now: at, ..cx });
            if at > now || renewal.is_some_and(|renewal| renewal <= now) {
                return Err(format!("2: {table} {key} is from {at} and must be renewed"));
            }
            let build = || build(report, &snapshot, &config.settings, at);
            let payload = &builds.entry(at).or_insert_with(build)[&key];
            if stored != payload {
                return Err(format!(
                    "2: {table} {key} is not what a fresh refresh generates: {}",
                    difference(&stored.concat(), &payload.concat())
                ));
            }
            compared += 1;
        }
    }
    Ok(compared)
}

/// Returns the payload columns of each key, with the stamp.
pub(crate) async fn payloads(
    reader: &Vms,
    table: Table,
    snapshot: &Snapshot,
) -> HashMap<Key, (Option<DateTime<Utc>>, Vec<String>)> {
    let columns: Vec<String> = spec(table)
        .payload
        .iter()
        .map(|column| format!("coalesce(CAST({} AS TEXT), '')", column.name))
        .collect();
    let sql = format!("SELECT id, {} FROM {table}", columns.join(", "));
    let rows = reader
        .begin_read()
        .await
        .unwrap()
        .query_all_raw(Statement::from_string(DbBackend::Sqlite, sql))
        .await
        .unwrap();
    let mut by_id: HashMap<i64, Vec<String>> = rows
        .iter()
        .map(|row| {
            let texts = (1..=columns.len()).map(|at| row.try_get_by_index(at).unwrap()).collect();
            (row.try_get_by_index(0).unwrap(), texts)
        })
        .collect();
    let mut stored = HashMap::new();
    for row in snapshot.existing(table) {
        let stamp = row.last_updated.as_deref().and_then(time::parse).map(|at| at.and_utc());
        let payload = by_id.remove(&row.id).unwrap_or_default();
        // VMS's readers take the lowest id of a key.
        stored.entry(row.key.clone()).or_insert((stamp, payload));
    }
    stored
}

/// Builds a report from scratch.
pub(crate) fn build(
    report: &dyn Report,
    snapshot: &Snapshot,
    settings: &ReportSettings,
    at: DateTime<Utc>,
) -> Rows {
    let (mut rows, mut serializer) = (Rows::new(), GroupSerializer::default());
    for group in report.build(Context::new(snapshot, settings, at)) {
        let group = serializer.serialize(spec(report.table()), &group).unwrap();
        rows.extend(group.entries.into_iter().map(|entry| (entry.key, entry.columns)));
    }
    rows
}

/// Returns the position at which two payloads differ, with its context.
fn difference(stored: &str, built: &str) -> String {
    let same = stored.chars().zip(built.chars()).take_while(|(stored, built)| stored == built).count();
    let environment =
        |text: &str| -> String { text.chars().skip(same.saturating_sub(40)).take(80).collect() };
    format!("stored {:?}, fresh {:?}", environment(stored), environment(built))
}
