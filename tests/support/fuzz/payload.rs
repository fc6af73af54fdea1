//! What another program may have stored in a cache table.

use cached::snapshot::{ReadDepth, read_existing};
use cached::store::audit::audit;
use cached::store::{AgeLimits, Freshness, Stamps};
use cached::vms::tables::{Key, Table, spec};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement};
use serde::de::IgnoredAny;
use tokio::runtime::{Builder, Runtime};

const TABLE: Table = Table::DiaEventsReportCache;
const NOW: DateTime<Utc> = DateTime::from_timestamp(1_773_576_000, 0).unwrap();

/// Deeper JSON is read by nobody: serde's limit is lower than SQLite's.
const DEPTH: usize = 100;

thread_local! {
    static VMS: (Runtime, DatabaseConnection) = {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let db = runtime.block_on(async {
            let db = Database::connect("sqlite::memory:").await.unwrap();
            cached_migrations::vms::create(&db, false).await.unwrap();
            let row = "INSERT INTO dia_events_report_cache (id, report_data, last_updated) VALUES (1, '', '')";
            db.execute_unprepared(row).await.unwrap();
            db
        });
        (runtime, db)
    };
}

/// The first line is a row's stamp, the rest its payload. A row is judged, once, and what is no JSON is never
/// taken for a report.
pub(super) fn check(bytes: &[u8]) {
    let split = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (stamp, payload) = (&bytes[..split], bytes.get(split + 1..).unwrap_or_default());
    let rows = VMS.with(|(runtime, db)| runtime.block_on(stored(db, stamp, payload)));
    assert_eq!(rows.len(), 1, "{rows:?}");
    let row = &rows[0];
    if let Ok(text) = str::from_utf8(payload)
        // SQLite's text ends at a zero byte, and what reads as a number is stored as one in VMS's columns.
        && !text.contains('\0')
        && text.trim().parse::<f64>().is_err()
    {
        assert_eq!(row.bytes, payload.len() as u64);
        if text.matches(['[', '{']).count() < DEPTH {
            assert_eq!(row.valid, serde_json::from_str::<IgnoredAny>(text).is_ok(), "{text:?}");
        }
    }
    assert!(row.valid || !row.complete, "{row:?}");

    let stamps = Stamps::default();
    let hours = TimeDelta::hours;
    let limits = AgeLimits { max_age: hours(24), refresh_after: hours(20), tolerance: hours(1) };
    let zone = chrono_tz::America::Chicago;
    let freshness =
        Freshness { spec: spec(TABLE), limits, zone, now: NOW, stamps: &stamps, fingerprint: String::new() };
    let audit = audit(&[Key(Vec::new())], &rows, &freshness);
    assert_eq!(audit.fresh + audit.stale + audit.missing + audit.incomplete + audit.invalid, 1, "{audit:?}");
    assert_eq!(audit.invalid == 1, !row.valid || freshness.generated(row).is_none(), "{audit:?}");
    assert!(audit.fresh == 0 || row.complete, "{audit:?}");
    assert!(audit.accepted >= audit.fresh, "{audit:?}");
}

async fn stored(db: &DatabaseConnection, stamp: &[u8], payload: &[u8]) -> Vec<cached::snapshot::ExistingRow> {
    let update =
        "UPDATE dia_events_report_cache SET last_updated = CAST(? AS TEXT), report_data = CAST(? AS TEXT)";
    let values = [stamp.to_vec().into(), payload.to_vec().into()];
    db.execute_raw(Statement::from_sql_and_values(DbBackend::Sqlite, update, values)).await.unwrap();
    read_existing(db, TABLE, ReadDepth::Shape).await.unwrap()
}
