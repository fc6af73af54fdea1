//! The schema that is created is the one that VMS has.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test that called it")]

use sea_orm_migration::sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};

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
async fn engagement_reports_exist_only_where_they_were_asked_for() {
    let sql = "SELECT name FROM sqlite_schema WHERE name = 'district_engagement_reports'";
    assert_eq!(strings(&created(false).await, sql).await, Vec::<String>::new());
    assert_eq!(strings(&created(true).await, sql).await, ["district_engagement_reports"]);
}

#[tokio::test]
async fn nothing_but_vmss_tables_is_left_behind() {
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

/// Row ids are the primary keys of VMS: an INTEGER key that is no alias would change the order of reads.
#[tokio::test]
async fn integer_ids_are_row_ids() {
    let db = created(false).await;
    db.execute_unprepared("INSERT INTO district (id, name) VALUES (41, 'A'), (NULL, 'B')").await.unwrap();
    assert_eq!(strings(&db, "SELECT id || '=' || rowid FROM district ORDER BY id").await, ["41=41", "42=42"]);
}
