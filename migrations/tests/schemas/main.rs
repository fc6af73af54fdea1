//! The two schemas: a landed migration of the state never changes, since databases that it has created are in use; and
//! the schema created for demo and tests equals that of VMS.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test that called it")]

use std::collections::BTreeMap;
use std::path::Path;

use sea_orm_migration::sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use sha2::{Digest as _, Sha256};

/// `HASH  FILE` as `sha256sum` prints it, for each migration that has landed. Each new migration adds a line.
const LANDED: &str = include_str!("data/landed_migrations.txt");

#[test]
#[expect(clippy::disallowed_methods, reason = "sources of this crate")]
fn landed_migrations_are_unchanged() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/state");
    let mut there = BTreeMap::new();
    for file in std::fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            let hash: Vec<String> = Sha256::digest(std::fs::read(&path).unwrap())
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            there.insert(path.file_name().unwrap().to_string_lossy().into_owned(), hash.concat());
        }
    }
    let landed: BTreeMap<String, String> = LANDED
        .lines()
        .map(|line| line.split_once("  ").unwrap())
        .map(|(hash, file)| (file.to_owned(), hash.to_owned()))
        .collect();
    assert_eq!(
        there, landed,
        "append another migration instead; a new one adds its line to landed_migrations.txt"
    );
}

/// `table.column TYPE required|optional`, one line per column of a VMS database.
const VMS_COLUMNS: &str = include_str!("data/vms_columns.txt");

async fn created(with_engagement: bool) -> DatabaseConnection {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    cached_migrations::vms::create(&db, with_engagement).await.unwrap();
    db
}

async fn strings(db: &DatabaseConnection, sql: &str) -> Vec<String> {
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

#[tokio::test]
async fn every_column_has_vmss_name_type_and_nullability() {
    let db = created(true).await;
    let columns = strings(
        &db,
        r#"SELECT t.name || '.' || c.name || ' ' || c.type || IIF(c."notnull", ' required', ' optional')
           FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' ORDER BY 1"#,
    )
    .await;
    assert_eq!(columns.join("\n"), VMS_COLUMNS.trim_end());
}

#[tokio::test]
async fn engagement_reports_exist_only_if_requested() {
    let sql = "SELECT name FROM sqlite_schema WHERE name = 'district_engagement_reports'";
    assert_eq!(strings(&created(false).await, sql).await, Vec::<String>::new());
    assert_eq!(strings(&created(true).await, sql).await, ["district_engagement_reports"]);
}

#[tokio::test]
async fn only_vmss_tables_are_created() {
    let others = strings(
        &created(true).await,
        "SELECT name FROM sqlite_schema WHERE name LIKE 'seaql%' OR name LIKE 'sqlite_seq%'",
    )
    .await;
    assert_eq!(others, Vec::<String>::new());
}

/// An upsert names these columns, and SQLite refuses a conflict target without a matching constraint.
#[tokio::test]
async fn conflict_targets_of_the_cache_tables_are_unique() {
    let db = created(true).await;
    for (table, key) in [
        ("district_year_end_reports", "district_id,school_year,host_filter"),
        ("district_engagement_reports", "district_id,school_year"),
        ("organization_detail_cache", "organization_id,school_year"),
        ("organization_reports", "organization_id,school_year"),
        ("virtual_session_report_cache", "virtual_year,date_from,date_to"),
        ("virtual_session_district_cache", "district_name,virtual_year,date_from,date_to"),
        ("first_time_volunteer_report_cache", "school_year"),
        ("recruitment_candidates_cache", "event_id"),
    ] {
        let keys = strings(
            &db,
            &format!(
                r#"SELECT (SELECT group_concat(name) FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno))
                   FROM pragma_index_list('{table}') i WHERE i."unique""#
            ),
        )
        .await;
        assert!(keys.iter().any(|unique| unique == key), "{table} has {keys:?}, not {key}");
    }
}

/// Row ids are the primary keys of VMS: an INTEGER key that is not an alias would change the order of reads.
#[tokio::test]
async fn integer_ids_are_row_ids() {
    let db = created(false).await;
    db.execute_unprepared("INSERT INTO district (id, name) VALUES (41, 'A'), (NULL, 'B')").await.unwrap();
    assert_eq!(strings(&db, "SELECT id || '=' || rowid FROM district ORDER BY id").await, ["41=41", "42=42"]);
}
