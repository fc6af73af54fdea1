//! Tests of the sample that `cached demo` uses.

use cached::demo::{DemoError, DemoOptions, DemoSummary, MAX_SCALE, generate};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use std::path::Path;

use crate::directory::directory;

/// A weekday in the middle of a season.
const NOW: &str = "2026-11-20T15:04:05Z";

fn options(seed: u64) -> DemoOptions {
    DemoOptions { scale: 1, seed, now: NOW.parse().unwrap() }
}

struct Sample {
    _dir: tempfile::TempDir,
    db: DatabaseConnection,
    summary: DemoSummary,
}

impl Sample {
    async fn new(options: &DemoOptions) -> Self {
        let dir = directory();
        let path = dir.path().join("new/directory/vms.db");
        let summary = generate(&path, options).await.unwrap();
        Self { _dir: dir, db: open(&path).await, summary }
    }

    /// Returns the first column of a query.
    async fn texts(&self, sql: &str) -> Vec<String> {
        let rows = self.db.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await;
        let rows = rows.unwrap_or_else(|error| panic!("{error}: {sql}"));
        rows.iter()
            .map(|row| row.try_get_by_index::<Option<String>>(0).unwrap().unwrap_or_default())
            .collect()
    }

    async fn count(&self, of: &str) -> i64 {
        let sql = format!("SELECT CAST(count(*) AS TEXT) FROM {of}");
        self.texts(&sql).await[0].parse().unwrap()
    }

    /// Returns every row of every table as text, in row order.
    async fn dump(&self) -> Vec<String> {
        let mut dump = Vec::new();
        for table in self.texts("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").await {
            let columns = self.texts(&format!("SELECT quote(name) FROM pragma_table_info('{table}')")).await;
            let quoted: Vec<String> =
                columns.iter().map(|name| format!("quote(\"{}\")", name.trim_matches('\''))).collect();
            let sql = format!("SELECT {} FROM {table} ORDER BY rowid", quoted.join(" || ',' || "));
            dump.push(table);
            dump.extend(self.texts(&sql).await);
        }
        dump
    }
}

async fn open(path: &Path) -> DatabaseConnection {
    Database::connect(format!("sqlite://{}?mode=rw", path.display())).await.unwrap()
}

#[tokio::test]
async fn the_same_options_give_the_same_rows() {
    let (one, two) = (Sample::new(&options(7)).await, Sample::new(&options(7)).await);
    assert_eq!(one.summary, two.summary);
    assert!(one.dump().await == two.dump().await, "two samples of one seed differ");
    let other = Sample::new(&options(8)).await;
    assert!(one.dump().await != other.dump().await, "the seed has no effect");
}

#[tokio::test]
async fn sample_sizes_are_as_documented_and_grow_with_the_scale() {
    for scale in [1_u32, 3] {
        let sample = Sample::new(&DemoOptions { scale, ..options(1) }).await;
        let factor = scale as usize;
        assert_eq!(sample.summary.rows("event"), 300 * factor);
        assert_eq!(sample.summary.rows("volunteer"), 1_000 * factor);
        assert_eq!(sample.summary.rows("student"), 1_500 * factor);
        assert!((800 * factor..3_000 * factor).contains(&sample.summary.rows("event_participation")));
        for (table, rows) in &sample.summary.tables {
            assert_eq!(sample.count(table).await, i64::try_from(*rows).unwrap(), "{table}");
            assert!(*rows > 0, "{table} is empty");
        }
    }
}

#[tokio::test]
async fn foreign_keys_hold() {
    let sample = Sample::new(&options(1)).await;
    let broken = sample.texts(r#"SELECT "table" || ' to ' || "parent" FROM pragma_foreign_key_check"#).await;
    assert_eq!(broken, Vec::<String>::new());
}

/// VMS fails on a whole page when one enum column holds a name that it does not know.
#[tokio::test]
async fn enum_columns_hold_member_names_of_vms() {
    let sample = Sample::new(&DemoOptions { scale: 3, ..options(2) }).await;
    for (column, names) in [
        ("event.status", "COMPLETED CONFIRMED CANCELLED REQUESTED DRAFT PUBLISHED NO_SHOW SIMULCAST COUNT"),
        ("event.format", "IN_PERSON VIRTUAL"),
        (
            "event.cancellation_reason",
            "WEATHER PRESENTER_CANCELLED TEACHER_CANCELLED SCHOOL_CONFLICT TECHNICAL_ISSUES LOW_ENROLLMENT \
             SCHEDULING_ERROR OTHER",
        ),
        ("volunteer.status", "NONE ACTIVE INACTIVE ON_HOLD"),
        ("volunteer.local_status", "local partial non_local unknown"),
        (
            "volunteer.education",
            "UNKNOWN HIGH_SCHOOL SOME_COLLEGE ASSOCIATES BACHELORS_DEGREE MASTERS DOCTORATE PROFESSIONAL OTHER",
        ),
        (
            "contact.education_level",
            "UNKNOWN HIGH_SCHOOL SOME_COLLEGE ASSOCIATES BACHELORS_DEGREE MASTERS DOCTORATE PROFESSIONAL OTHER",
        ),
        (
            "contact.age_group",
            "UNKNOWN UNDER_18 AGE_18_24 AGE_25_34 AGE_35_44 AGE_45_54 AGE_55_64 AGE_65_PLUS",
        ),
        ("contact.salutation", "none mr ms mrs dr"),
        (
            "contact.race_ethnicity",
            "unknown american_indian asian black hispanic native_hawaiian white multi_racial bi_racial \
             two_or_more prefer_not_to_say other other_poc",
        ),
        ("contact.type", "volunteer teacher student"),
        ("email.type", "personal professional"),
        ("teacher.status", "ACTIVE INACTIVE ON_LEAVE RETIRED"),
        (
            "volunteer_skills.source",
            "job organization interest previous_engagement user_selected admin_selected",
        ),
    ] {
        let (table, field) = column.split_once('.').unwrap();
        let used =
            sample.texts(&format!("SELECT DISTINCT {field} FROM {table} WHERE {field} IS NOT NULL")).await;
        let known: Vec<&str> = names.split_whitespace().collect();
        assert!(used.iter().all(|name| known.contains(&name.as_str())), "{column} has {used:?}");
        assert!(!used.is_empty(), "{column} is never set");
    }
}

/// VMS compares times as text: one in another form would be missing from every report.
#[tokio::test]
async fn times_have_vmss_form() {
    let sample = Sample::new(&options(1)).await;
    let time = "'____-__-__ __:__:__.______'";
    for column in
        ["event.start_date", "event.end_date", "volunteer_organization.start_date", "sync_logs.started_at"]
    {
        let (table, field) = column.split_once('.').unwrap();
        assert_eq!(sample.count(&format!("{table} WHERE {field} NOT LIKE {time}")).await, 0, "{column}");
    }
    assert_eq!(sample.count("volunteer WHERE first_volunteer_date NOT LIKE '____-__-__'").await, 0);
}

#[tokio::test]
async fn the_sample_has_data_for_every_report() {
    for seed in 1..=4 {
        let sample = Sample::new(&options(seed)).await;
        for (what, least) in [
            (
                "district WHERE salesforce_id IN ('0015f00000JU4opAAD', '0015f00000JU4pVAAT', '0015f00000JU9ZEAA1', \
              '0015f00000JU9ZFAA1', '0015f00000JVaPKAA1', '0015f00000KvuZTAAZ', '0015f00000KxHwVAAV')",
                7,
            ),
            ("event WHERE district_partner LIKE '%,%'", 5),
            (
                "event WHERE district_partner IN ('Grandview', 'Hickman Mills', 'KCPS (MO)', 'KANSAS CITY USD 500')",
                5,
            ),
            ("event WHERE district_partner IS NULL", 5),
            ("event WHERE type = 'VIRTUAL_SESSION' AND status = 'COMPLETED'", 20),
            ("event WHERE type = 'VIRTUAL_SESSION' AND status = 'SIMULCAST'", 1),
            ("event WHERE start_date > '2026-11-20 15:04:05.000000'", 20),
            (
                "event WHERE type LIKE 'DIA%' AND start_date > '2026-11-20 15:04:05.000000' \
              AND id IN (SELECT event_id FROM event_participation)",
                2,
            ),
            (
                "event WHERE type LIKE 'DIA%' AND start_date > '2026-11-20 15:04:05.000000' \
              AND volunteers_needed > 0 AND id NOT IN (SELECT event_id FROM event_participation)",
                2,
            ),
            ("event_teacher WHERE status = 'attended' AND attendance_confirmed_at IS NOT NULL", 20),
            ("event_teacher WHERE status = 'no_show'", 2),
            ("event_attendance_detail WHERE total_students > 0 AND rotations > 0 AND num_classrooms > 0", 15),
            ("event_student_participation WHERE status = 'Attended'", 300),
            ("volunteer WHERE first_volunteer_date > '2026-08-01'", 10),
            ("volunteer WHERE first_volunteer_date BETWEEN '2025-08-02' AND '2026-07-31'", 50),
            ("volunteer WHERE last_volunteer_date >= '2026-08-22'", 30),
            ("volunteer_organization WHERE status = 'Past' AND end_date IS NOT NULL", 20),
            ("contact WHERE type = 'volunteer' AND exclude_from_reports", 5),
            ("users WHERE scope_type = 'global' AND security_level = 3", 1),
        ] {
            let found = sample.count(what).await;
            assert!(found >= least, "seed {seed}: {found} of {what}");
        }
        for year in ["2024-08", "2025-08", "2026-08"] {
            let held = format!("event WHERE status = 'COMPLETED' AND start_date >= '{year}'");
            assert!(sample.count(&held).await > 10, "seed {seed}: nothing since {year}");
        }
        assert_eq!(sample.count("users WHERE scope_type <> 'global'").await, 0);
    }
}

#[tokio::test]
async fn events_happen_on_school_days_and_are_only_completed_afterwards() {
    let sample = Sample::new(&options(3)).await;
    let out_of_season = "event WHERE strftime('%w', start_date) IN ('0', '6') \
         OR strftime('%m', start_date) IN ('06', '07')";
    assert_eq!(sample.count(out_of_season).await, 0);
    let too_early = "event WHERE start_date > '2026-11-20 15:04:05' AND status IN ('COMPLETED', 'SIMULCAST')";
    assert_eq!(sample.count(too_early).await, 0);
    let at_night = "event WHERE strftime('%H', start_date) NOT BETWEEN '07' AND '19' \
         AND strftime('%H:%M', start_date) <> '00:00'";
    assert_eq!(sample.count(at_night).await, 0);
    let before_joining = "event_participation p JOIN event e ON e.id = p.event_id \
         JOIN volunteer v ON v.id = p.volunteer_id \
         WHERE p.status = 'Attended' AND date(e.start_date) < v.first_volunteer_date";
    assert_eq!(sample.count(before_joining).await, 0);
    assert_eq!(sample.count("event WHERE title LIKE '%{%' OR title LIKE '%}%'").await, 0);
}

#[tokio::test]
async fn a_sample_is_in_vmss_journal_mode_and_leaves_no_other_file() {
    let dir = directory();
    let path = dir.path().join("vms.db");
    generate(&path, &options(1)).await.unwrap();
    let names: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["vms.db"]);
    let header = std::fs::read(&path).unwrap();
    // Bytes 18 and 19 of the header are the write and read versions: 2 stands for WAL.
    assert_eq!(header[18..20], [2, 2]);
}

/// There are upcoming events also in summer and in the holidays.
#[tokio::test]
async fn every_time_of_the_year_has_a_past_and_a_future() {
    for now in
        ["2026-07-04T12:00:00Z", "2026-08-01T00:00:00Z", "2026-12-31T23:59:59Z", "2027-01-04T06:00:00Z"]
    {
        let sample = Sample::new(&DemoOptions { now: now.parse().unwrap(), ..options(1) }).await;
        let written = now.replace('T', " ").replace('Z', ".000000");
        assert!(sample.count(&format!("event WHERE start_date > '{written}'")).await > 20, "{now}");
        assert!(sample.count(&format!("event WHERE start_date < '{written}'")).await > 200, "{now}");
        let recorded_later = format!("volunteer WHERE last_volunteer_date > '{written}'");
        assert_eq!(sample.count(&recorded_later).await, 0, "{now}");
        assert_eq!(sample.count(&format!("event WHERE created_at > '{written}'")).await, 0, "{now}");
    }
}

#[tokio::test]
async fn impossible_scales_are_refused_before_anything_is_written() {
    let dir = directory();
    for scale in [0, MAX_SCALE + 1, u32::MAX] {
        let path = dir.path().join("vms.db");
        let error = generate(&path, &DemoOptions { scale, ..options(1) }).await.unwrap_err();
        assert!(matches!(error, DemoError::Scale { .. }), "{error}");
        assert!(!path.exists());
    }
}

#[tokio::test]
async fn an_existing_database_is_not_overwritten() {
    let dir = directory();
    let path = dir.path().join("vms.db");
    std::fs::write(&path, "precious").unwrap();
    let error = generate(&path, &options(1)).await.unwrap_err();
    assert!(matches!(error, DemoError::Exists { .. }), "{error}");
    assert!(error.to_string().contains("vms.db exists already"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");

    std::fs::write(&path, "").unwrap();
    generate(&path, &options(1)).await.unwrap();
}

#[tokio::test]
async fn an_unwritable_path_is_named_in_the_error() {
    let dir = directory();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = generate(&file.join("vms.db"), &options(1)).await.unwrap_err();
    assert!(matches!(error, DemoError::File { .. }), "{error}");
    assert!(error.to_string().contains("file"), "{error}");
}
