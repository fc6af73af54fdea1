//! The judgement of a morning at 08:00, and the figures of the year.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use cached::daemon::Upkeep;
use cached::refresh::survey::survey;
use cached::reports::{Context, report};
use cached::snapshot::ReadDepth;
use cached::vms::Vms;
use cached::vms::tables::{Key, KeyValue, Table};
use cached_proto::words::{HealthLevel, TableState};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, QueryResult, Statement};

use super::plan::Lost;
use super::{LOGS, Year};
use crate::settled::{compare, payloads, source};
use crate::world::World;

/// Days for which rotated log files are kept by default.
const LOG_DAYS: u64 = 30;

/// What has happened since the last morning, and what is still wrong.
#[derive(Debug, Default)]
pub(super) struct Morning {
    /// The broken import, with the rows from before.
    pub(super) lost: Option<(Lost, Held)>,
    /// Number of transactions of VMS that the watch can react to.
    pub(super) written: u64,
    pub(super) boots: u64,
    pub(super) steps: u64,
    pub(super) reloads: u64,
    /// Days on which an import wiped cache rows.
    pub(super) wiped: BTreeSet<NaiveDate>,
    /// Number of instants at which events begin, or at which the calendar turns.
    turns: u64,
    /// The newest run of the last morning.
    run: i64,
}

/// The rows of all tables, which must not change while the source is not accepted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Held(BTreeMap<Table, BTreeMap<Key, Vec<String>>>);

/// The figures of the year.
#[derive(Debug, Default)]
pub(super) struct Figures {
    mornings: u64,
    nights: u64,
    runs: BTreeMap<String, u64>,
    most_runs: u64,
    guarded: u64,
    compared: u64,
    early: Option<Sizes>,
    late: Option<Sizes>,
}

/// Sizes of the daemon's state, of its log and of its process.
#[derive(Debug)]
struct Sizes {
    /// Rows by table of the state.
    rows: BTreeMap<String, u64>,
    /// Bytes of the state.
    state: u64,
    log_files: u64,
    log_bytes: u64,
    /// Memory of the process in bytes, with the office and this judgement in it.
    resident: u64,
}

impl Held {
    pub(super) async fn of(reader: &Vms, tables: &[Table], now: DateTime<Utc>) -> Self {
        let mut held = BTreeMap::new();
        for &table in tables {
            let snapshot = source(reader, &[table], now).await;
            let rows = payloads(reader, table, &snapshot).await;
            held.insert(table, rows.into_iter().map(|(key, (_, columns))| (key, columns)).collect());
        }
        Self(held)
    }
}

impl Morning {
    /// Begins the account of what has happened until the next morning.
    pub(super) async fn begin(&mut self, world: &World, day: NaiveDate, next: NaiveDate) {
        let starts = format!(
            "SELECT DISTINCT start_date FROM event WHERE start_date > '{day}' AND start_date < '{next} 24'"
        );
        self.turns = world.vms.texts(&starts).len() as u64;
        (self.written, self.boots, self.steps, self.reloads) = (0, 0, 0, 0);
        let newest = rows(&world.state, "SELECT coalesce(max(id), 0) FROM runs").await;
        self.run = newest[0].try_get_by_index(0).unwrap();
        self.wiped.retain(|wiped| *wiped + Days::new(10) > day);
    }
}

impl Year {
    /// Judges the morning of a day.
    pub(super) async fn judge(&mut self, day: NaiveDate) -> Result<(), String> {
        self.world.slots.check(&self.world.state).await?;
        self.world.slots.attended(self.world.now())?;
        self.world.jobs.ended(&self.world.state).await?;
        let held = self.tables().await?;
        self.leftovers().await?;
        self.health(day, held).await?;
        self.runs().await?;
        self.figures.mornings += 1;
        if self.figures.mornings == 100 {
            self.figures.early = Some(Sizes::of(&self.world).await);
        }
        Ok(())
    }

    /// Every table is fresh, whole and exact; a table that is held has the rows of before. Returns whether
    /// any is held.
    async fn tables(&mut self) -> Result<bool, String> {
        let world = &self.world;
        let surveys = survey(&world.refresh, &world.daemon.state, ReadDepth::Shape, world.now()).await;
        let (mut fresh, mut guarded) = (Vec::new(), Vec::new());
        for survey in surveys.map_err(|error| error.to_string())? {
            match survey.state {
                TableState::Fresh => fresh.push(survey.table),
                TableState::Guarded if self.morning.lost.is_some() => guarded.push(survey.table),
                TableState::Withheld if self.is_scoped() => {}
                state => return Err(format!("{} is {state} in the morning: {survey:?}", survey.table)),
            }
        }
        self.figures.compared += compare(&world.reader, &world.refresh, &fresh, world.now()).await?;
        if let Some((_, held)) = self.morning.lost.as_ref().filter(|_| !guarded.is_empty()) {
            let now = Held::of(&world.reader, &world.tables, world.now()).await;
            if let Some(table) = guarded.iter().find(|table| held.0.get(table) != now.0.get(table)) {
                return Err(format!("{table} is held, and its rows have changed"));
            }
        }
        Ok(!guarded.is_empty())
    }

    fn is_scoped(&self) -> bool {
        self.world.vms.number("SELECT count(*) FROM users WHERE scope_type <> 'global'") > 0
    }

    /// No row is left that no report has, except expiring windows and ranges that a user has typed in; no
    /// key has two rows.
    async fn leftovers(&self) -> Result<(), String> {
        if self.morning.lost.is_some() {
            return Ok(());
        }
        let (world, now) = (&self.world, self.world.now());
        let settings = &world.refresh.settings;
        let snapshot = source(&world.reader, &world.tables, now).await;
        // What expires by time alone is removed by the next night.
        let instants = [now, world.slots.last_fire(now).unwrap_or(now)];
        for &table in &world.tables {
            let Some(report) = report(table)
                .filter(|report| report.withheld(Context::new(&snapshot, settings, now)).is_none())
            else {
                continue;
            };
            let expected = instants.iter().flat_map(|&at| report.keys(Context::new(&snapshot, settings, at)));
            let expected: BTreeSet<Key> = expected.collect();
            let mut seen = BTreeSet::new();
            for row in snapshot.existing(table) {
                let is_spared = is_spared(table, &row.key, settings.recent_window_keep_days, now);
                if !expected.contains(&row.key) && !is_spared {
                    return Err(format!("{table} {} is left over", row.key));
                }
                if !seen.insert(&row.key) {
                    return Err(format!("{table} {} has two rows", row.key));
                }
            }
        }
        Ok(())
    }

    async fn health(&self, day: NaiveDate, held: bool) -> Result<(), String> {
        let upkeep = Upkeep::of(&self.world.daemon.components, self.world.clock.clone());
        let health = upkeep.health().await;
        let wiped = self.morning.wiped.range(day - Days::new(3)..=day).count();
        let mut found = BTreeSet::new();
        for reason in &health.reasons {
            let is_planned = match reason.code.as_str() {
                "tables_guarded" => held,
                "second_refresher" => wiped > 1,
                "tables_withheld" => self.is_scoped(),
                _ => false,
            };
            if !is_planned {
                return Err(format!(
                    "the health is {:?}: {}: {}",
                    health.health, reason.code, reason.message
                ));
            }
            found.insert(reason.code.as_str());
        }
        for (code, planned) in
            [("tables_guarded", held), ("second_refresher", wiped > 1), ("tables_withheld", self.is_scoped())]
        {
            if planned && !found.contains(code) {
                return Err(format!("the health does not name {code}: {health:?}"));
            }
        }
        if !held && wiped < 2 && health.health != HealthLevel::Healthy {
            return Err(format!("the health is {health:?}"));
        }
        Ok(())
    }

    /// The runs since the last morning are one scheduled one, and no more others than have a cause.
    async fn runs(&mut self) -> Result<(), String> {
        let sql = format!(
            "SELECT r.\"trigger\", count(DISTINCT r.id), coalesce(sum(j.outcome = 'guarded'), 0) FROM runs r \
             LEFT JOIN jobs j ON j.run_id = r.id WHERE r.id > {} GROUP BY 1",
            self.morning.run
        );
        let mut runs: BTreeMap<String, u64> = BTreeMap::new();
        for row in rows(&self.world.state, &sql).await {
            let trigger: String = row.try_get_by_index(0).unwrap();
            let count: i64 = row.try_get_by_index(1).unwrap();
            let guarded: i64 = row.try_get_by_index(2).unwrap();
            self.figures.guarded += guarded.cast_unsigned();
            runs.insert(trigger, count.cast_unsigned());
        }
        let number = |trigger: &str| runs.get(trigger).copied().unwrap_or_default();
        let nightly = number("schedule") + number("catch_up");
        if nightly != 1 {
            return Err(format!("{nightly} scheduled runs since the last morning: {runs:?}"));
        }
        let Morning { written, boots, steps, reloads, turns, .. } = self.morning;
        // The watch reacts to what was written; after a start and after a step of the clock it checks as well.
        let watch = written + boots + steps;
        // Before the nightly run, at midnight UTC and at the turn of a year; as each event begins (the list
        // of upcoming events changes at that instant, the list of recent ones right after); and for what the
        // watch would have noticed a moment later.
        let top_up = 3 + 2 * turns + written + boots + 2 * (steps + reloads);
        if number("watch") > watch || number("top_up") > top_up || number("startup") > boots + 1 {
            return Err(format!(
                "more runs than causes ({watch} for the watch, {top_up} for top-ups): {runs:?}"
            ));
        }
        self.figures.nights += nightly;
        self.figures.most_runs = self.figures.most_runs.max(runs.values().sum());
        for (trigger, count) in runs {
            *self.figures.runs.entry(trigger).or_default() += count;
        }
        Ok(())
    }

    /// Checks what holds at the end of the year: nothing grows without limit.
    pub(super) async fn end(&mut self) -> Result<(), String> {
        if self.figures.guarded == 0 {
            return Err("the broken imports were not noticed".to_owned());
        }
        let late = Sizes::of(&self.world).await;
        // Files of the days that are kept, that of today, and that of the day which has begun meanwhile.
        if !(2..=LOG_DAYS + 2).contains(&late.log_files) {
            return Err(format!("the log has {} files", late.log_files));
        }
        if let Some(early) = &self.figures.early {
            for (table, &rows) in &late.rows {
                let before = early.rows.get(table).copied().unwrap_or_default();
                // Slots are kept for 400 days.
                let allowed = if table == "slots" { 401 } else { before * 3 / 2 + 20 };
                if rows > allowed {
                    return Err(format!("{table} of the state has grown from {before} to {rows} rows"));
                }
            }
            for (what, before, after) in [
                ("state", early.state, late.state),
                ("log", early.log_bytes, late.log_bytes),
                ("memory", early.resident, late.resident),
            ] {
                if after > before * 3 / 2 {
                    return Err(format!("the {what} has grown from {before} to {after} bytes"));
                }
            }
        }
        self.figures.late = Some(late);
        Ok(())
    }
}

/// Whether a row that no report has is left alone: a default window of the last days, or a range.
fn is_spared(table: Table, key: &Key, keep_days: i64, now: DateTime<Utc>) -> bool {
    let date = |at| key.text(at).and_then(|text| text.parse::<NaiveDate>().ok());
    match table {
        Table::RecentVolunteersReportCache => {
            let is_titled = key.get(4) != Some(&KeyValue::Null);
            let (Some(from), Some(to)) = (date(1), date(2)) else { return is_titled };
            is_titled
                || to - from != TimeDelta::days(365)
                || to >= now.date_naive() - TimeDelta::days(keep_days)
        }
        Table::VirtualSessionReportCache => date(1).is_some(),
        _ => false,
    }
}

impl Sizes {
    async fn of(world: &World) -> Self {
        let tables = rows(
            &world.state,
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
        )
        .await;
        let mut counts = BTreeMap::new();
        for table in tables {
            let table: String = table.try_get_by_index(0).unwrap();
            let count = rows(&world.state, &format!("SELECT count(*) FROM {table}")).await;
            let count: i64 = count[0].try_get_by_index(0).unwrap();
            counts.insert(table, count.cast_unsigned());
        }
        let pages =
            rows(&world.state, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
                .await;
        let state: i64 = pages[0].try_get_by_index(0).unwrap();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        let (mut log_files, mut log_bytes) = (0, 0);
        for entry in std::fs::read_dir(world.directory.path().join(LOGS)).unwrap() {
            log_files += 1;
            log_bytes += entry.unwrap().metadata().unwrap().len();
        }
        let (state, resident) = (state.cast_unsigned(), resident.unwrap() << 10);
        Self { rows: counts, state, log_files, log_bytes, resident }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mornings, nights, runs, most_runs, guarded, compared, .. } = self;
        let all: u64 = runs.values().sum();
        let triggers: Vec<String> =
            runs.iter().map(|(trigger, count)| format!("{count} {trigger}")).collect();
        write!(
            f,
            "{nights} nights, {mornings} mornings judged, {all} runs ({}; at most {most_runs} in a day), \
             {guarded} tables guarded, {compared} rows compared",
            triggers.join(", ")
        )?;
        for (when, sizes) in [("after 100 mornings", &self.early), ("at the end", &self.late)] {
            let Some(Sizes { rows, state, log_files, log_bytes, resident }) = sizes else { continue };
            write!(
                f,
                "\n{when}: state {} KB, log {} KB in {log_files} files, memory {} MB, rows {rows:?}",
                state >> 10,
                log_bytes >> 10,
                resident >> 20
            )?;
        }
        Ok(())
    }
}

async fn rows(db: &DatabaseConnection, sql: &str) -> Vec<QueryResult> {
    db.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap()
}
