//! What is measured, each in a process of its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use cached::clock::{Clock, SystemClock};
use cached::refresh::{
    BYTES_PER_WRITE, ENTRIES_PER_WRITE, RefreshScope, Selection, TableRefresh, refresh_table,
};
use cached::reports::district::DistrictMapping;
use cached::reports::recruitment::Keywords;
use cached::reports::{Mode, REPORTS, Report, ReportSettings, report};
use cached::snapshot::{SourceSet, bare_scan, load};
use cached::state::State;
use cached::store::AgeLimits;
use cached::vms::Vms;
use cached::vms::tables::{Table, spec};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use sea_orm::{ConnectionTrait, DbBackend, Statement, StreamTrait, Value as SqlValue};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// The pieces, in the order of the report.
pub(crate) const NAMES: &[&str] =
    &["bare scan", "bare write", "bare read", "bare stamp", "refresh", "unchanged", "next night"];

/// Whether a piece starts from a database that was refreshed before.
pub(crate) fn starts_refreshed(piece: &str) -> bool {
    matches!(piece, "bare read" | "bare stamp" | "unchanged" | "next night")
}

/// The instant of the golden databases.
pub(crate) fn now() -> DateTime<Utc> {
    "2026-03-15T02:00:00Z".parse().unwrap()
}

/// Measures one piece on the files in `directory`.
pub(crate) fn run(piece: &str, directory: &Path) -> Value {
    let mut figures = super::sample::runtime().block_on(async {
        match piece {
            "bare scan" => scan(directory).await,
            "bare write" => write(directory).await,
            "bare read" => read(directory).await,
            "bare stamp" => stamp(directory).await,
            "next night" => refresh(directory, now() + TimeDelta::days(1)).await,
            _ => refresh(directory, now()).await,
        }
    });
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    figures["peak_kb"] = peak.into();
    figures
}

fn sources() -> SourceSet {
    REPORTS.iter().copied().flat_map(Report::sources).copied().collect()
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn clocked() -> impl Fn() -> f64 {
    let began = Instant::now();
    move || began.elapsed().as_secs_f64()
}

async fn scan(directory: &Path) -> Value {
    let vms = Vms::open(&directory.join("vms.db")).await.unwrap();
    let elapsed = clocked();
    let transaction = vms.begin_read().await.unwrap();
    bare_scan(&transaction, sources()).await.unwrap();
    let seconds = elapsed();
    let mut rows = 0;
    for source in sources() {
        let sql = format!("SELECT count(*) FROM \"{}\"", source.table());
        let count =
            transaction.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap().unwrap();
        rows += count.try_get_by_index::<i64>(0).unwrap();
    }
    json!({ "seconds": seconds, "rows": rows })
}

/// Reads the payloads of a refreshed database through the connection that a refresh uses, and discards them.
async fn read(directory: &Path) -> Value {
    let vms = Vms::open(&directory.join("vms.db")).await.unwrap();
    let elapsed = clocked();
    let transaction = vms.begin_read().await.unwrap();
    let mut bytes = 0;
    for &table in Table::ALL {
        let sql = format!("SELECT {} FROM \"{table}\"", spec(table).payload_sql());
        let statement = Statement::from_string(DbBackend::Sqlite, sql);
        let Ok(mut rows) = transaction.stream_raw(statement).await else { continue };
        while let Some(Ok(row)) = rows.next().await {
            for column in 0..spec(table).payload.len() {
                let text: Option<Vec<u8>> = row.try_get_by_index(column).unwrap();
                bytes += text.map_or(0, |text| text.len());
            }
        }
    }
    json!({ "seconds": elapsed(), "bytes": bytes })
}

/// Stamps the rows of a refreshed database through the same connection, as many in a transaction as a refresh does.
async fn stamp(directory: &Path) -> Value {
    let vms = Vms::open(&directory.join("vms.db")).await.unwrap();
    let (mut seconds, mut rows) = (0.0, 0);
    for &table in Table::ALL {
        let select = Statement::from_string(DbBackend::Sqlite, format!("SELECT id FROM \"{table}\""));
        let Ok(ids) = vms.begin_read().await.unwrap().query_all_raw(select).await else { continue };
        let ids: Vec<i64> = ids.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        let elapsed = clocked();
        for chunk in ids.chunks(ENTRIES_PER_WRITE) {
            let places = vec!["?"; chunk.len()].join(", ");
            let sql = format!("UPDATE \"{table}\" SET last_updated = ? WHERE id IN ({places})");
            let values = std::iter::once(SqlValue::from("2026-03-15 02:00:00.000001"))
                .chain(chunk.iter().map(|&id| id.into()));
            let statement = Statement::from_sql_and_values(DbBackend::Sqlite, &sql, values);
            let transaction = vms.begin_write().await.unwrap();
            transaction.execute_raw(statement).await.unwrap();
            transaction.commit().await.unwrap();
        }
        seconds += elapsed();
        rows += ids.len();
    }
    json!({ "seconds": seconds, "rows": rows })
}

/// Writes the rows of a refreshed database into an empty one through the same connection, as many in a transaction as a
/// refresh does.
async fn write(directory: &Path) -> Value {
    let written = Vms::open(&directory.join("written.db")).await.unwrap();
    let vms = Vms::open(&directory.join("vms.db")).await.unwrap();
    let (mut seconds, mut bytes) = (0.0, 0);
    for &table in Table::ALL {
        let spec = spec(table);
        let columns: Vec<String> =
            spec.columns().filter(|name| *name != "id").map(|name| format!("\"{name}\"")).collect();
        let select = format!("SELECT {} FROM \"{table}\"", columns.join(", "));
        let Ok(rows) = written
            .begin_read()
            .await
            .unwrap()
            .query_all_raw(Statement::from_string(DbBackend::Sqlite, select))
            .await
        else {
            continue;
        };
        let rows: Vec<Vec<Option<String>>> = rows
            .iter()
            .map(|row| {
                (0..columns.len())
                    .map(|index| {
                        row.try_get_by_index(index).unwrap_or_else(|_| {
                            row.try_get_by_index::<Option<i64>>(index).unwrap().map(|n| n.to_string())
                        })
                    })
                    .collect()
            })
            .collect();
        let insert = format!(
            "INSERT INTO \"{table}\" ({}) VALUES ({})",
            columns.join(", "),
            vec!["?"; columns.len()].join(", ")
        );
        let elapsed = clocked();
        let (mut pending, mut entries) = (0, 0);
        let mut transaction = vms.begin_write().await.unwrap();
        for row in rows {
            let size = row.iter().flatten().map(|text| text.len() as u64).sum::<u64>();
            if entries > 0 && (pending + size > BYTES_PER_WRITE || entries == ENTRIES_PER_WRITE) {
                transaction.commit().await.unwrap();
                transaction = vms.begin_write().await.unwrap();
                (pending, entries) = (0, 0);
            }
            let values: Vec<SqlValue> = row.into_iter().map(Into::into).collect();
            let statement = Statement::from_sql_and_values(DbBackend::Sqlite, &insert, values);
            transaction.execute_raw(statement).await.unwrap();
            bytes += size;
            pending += size;
            entries += 1;
        }
        transaction.commit().await.unwrap();
        seconds += elapsed();
    }
    json!({ "seconds": seconds, "bytes": bytes })
}

async fn refresh(directory: &Path, now: DateTime<Utc>) -> Value {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let state = State::open(&directory.join("state.db"), now).await.unwrap();
    let vms = Vms::open(&directory.join("vms.db")).await.unwrap();
    let mapping = DistrictMapping::embedded().unwrap();
    let keywords = Keywords::embedded().unwrap();
    let settings = Arc::new(ReportSettings::new(Mode::Fixed, chrono_tz::Tz::UTC, mapping, keywords));
    let tables: Vec<Table> = REPORTS
        .iter()
        .map(|report| report.table())
        .filter(|&table| !matches!(table, Table::DistrictEngagementReports | Table::OrganizationReports))
        .collect();
    let elapsed = clocked();
    let snapshot =
        Arc::new(load(&vms, &sources(), &tables, RefreshScope::Every.read_depth(), now).await.unwrap());
    let scan = elapsed();
    let mut results = Vec::new();
    for table in tables {
        let job = TableRefresh {
            table,
            report: report(table).unwrap(),
            snapshot: Arc::clone(&snapshot),
            settings: Arc::clone(&settings),
            limits: AgeLimits {
                max_age: TimeDelta::hours(24),
                refresh_after: TimeDelta::hours(20),
                tolerance: TimeDelta::minutes(15),
            },
            guard: None,
            now,
            scope: RefreshScope::Every,
            renew_before: now,
            cancel: CancellationToken::new(),
            selection: Selection::all(),
        };
        let result = refresh_table(&vms, &state, &clock, &job).await;
        assert!(result.error.is_none(), "{table}: {:?}", result.error);
        results.push(result);
    }
    let seconds = elapsed();
    json!({
        "seconds": seconds,
        "scan": scan,
        "rows": snapshot.sources.values().map(|facts| facts.rows).sum::<u64>(),
        "bytes": results.iter().map(|result| result.report.figures.bytes).sum::<u64>(),
        "tables": results
            .iter()
            .map(|result| json!({
                "table": result.report.table.as_str(),
                "entries": result.report.figures.entries,
                "computed": result.report.computed,
                "bytes": result.report.figures.bytes,
                "build": result.timings.build.as_secs_f64(),
                "serialize": result.timings.serialize.as_secs_f64(),
                "write": result.timings.write.as_secs_f64(),
            }))
            .collect::<Vec<_>>(),
    })
}
