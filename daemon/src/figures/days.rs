//! The recent past by civil day, for the plots of the pages: what each table's jobs of a day came to, and whether
//! everything was there in the morning. However long the history is, one statement reads the jobs of all tables and
//! one the samples, and each returns at most one row for a table and a day.

use cached_proto::words::{Outcome, Table};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement, Value};

use super::HOLD;
use crate::civil::first_instant;
use crate::state::{ErrorContext, ReadinessSample, State, StateError, count, known, micros};

/// Number of days, with today.
pub const DAYS: u16 = 90;

/// The civil time at which people open their reports.
pub const MORNING: NaiveTime = match NaiveTime::from_hms_opt(8, 0, 0) {
    Some(time) => time,
    None => NaiveTime::MIN,
};

/// A civil day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Its date.
    pub date: NaiveDate,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    /// The instant at which everything should be there.
    pub morning: DateTime<Utc>,
}

/// What the jobs of one table that were queued on one day came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TableDay {
    /// Position among the days.
    pub day: u16,
    /// The table.
    pub table: Table,
    /// Bytes of payload, the most of a job that ended well.
    pub bytes: Option<u64>,
    /// Seconds of work, the most of a job that ended well.
    pub seconds: Option<f64>,
    /// Number of jobs that did not end well.
    pub failed: u64,
}

/// The last [`DAYS`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recent {
    /// The days, oldest first.
    pub days: Vec<Day>,
    /// By day; a table without jobs on a day has none.
    pub tables: Vec<TableDay>,
    /// For each day, the sample that was valid in the morning.
    pub mornings: Vec<Option<ReadinessSample>>,
}

/// Reads the days that end with the one of `now`.
pub async fn recent(state: &State, now: DateTime<Utc>, zone: Tz) -> Result<Recent, StateError> {
    let days = days(now, zone);
    let mornings: Vec<DateTime<Utc>> = days.iter().map(|day| day.morning).collect();
    let tables = table_days(state, &days).await?;
    Ok(Recent { tables, mornings: state.readiness_at(&mornings, HOLD).await?, days })
}

fn days(now: DateTime<Utc>, zone: Tz) -> Vec<Day> {
    let today = now.with_timezone(&zone).date_naive();
    let at = |date: NaiveDate, time| first_instant(date.and_time(time), zone).0;
    let day = |back: u16| {
        let date = today.checked_sub_days(Days::new(back.into()))?;
        let (since, until) = (at(date, NaiveTime::MIN), at(date.succ_opt()?, NaiveTime::MIN));
        Some(Day { date, since, until, morning: at(date, MORNING) })
    };
    (0..DAYS).rev().filter_map(day).collect()
}

async fn table_days(state: &State, days: &[Day]) -> Result<Vec<TableDay>, StateError> {
    let action = "read the jobs of the last days";
    if days.is_empty() {
        return Ok(Vec::new());
    }
    let rows = state.reader().query_all_raw(statement(days)).await.context(action)?;
    let mut read = Vec::with_capacity(rows.len());
    for row in rows {
        let day: i64 = row.try_get_by_index(0).context(action)?;
        let table: String = row.try_get_by_index(1).context(action)?;
        let bytes: Option<i64> = row.try_get_by_index(2).context(action)?;
        let seconds: Option<f64> = row.try_get_by_index(3).context(action)?;
        let failed: i64 = row.try_get_by_index(4).context(action)?;
        // A table of another version is left out.
        let (Ok(day), Some(table)) = (u16::try_from(day), known(table)) else { continue };
        let bytes = bytes.map(count).filter(|bytes| *bytes > 0);
        read.push(TableDay { day, table, bytes, seconds, failed: count(failed) });
    }
    Ok(read)
}

/// The joins are `CROSS` so that SQLite keeps their order whatever its statistics say: each day finds its runs, and
/// each run its jobs, by an index.
fn statement(days: &[Day]) -> Statement {
    let is = |which: fn(Outcome) -> bool| {
        let words = Outcome::ALL.iter().filter(|outcome| which(**outcome));
        let words: Vec<String> = words.map(|outcome| format!("'{outcome}'")).collect();
        format!("jobs.outcome IN ({})", words.join(", "))
    };
    let (good, bad) =
        (is(|outcome| outcome.is_good() && outcome.is_tried()), is(|outcome| !outcome.is_good()));
    let sql = format!(
        "WITH days (day, since, until) AS (VALUES {}) \
         SELECT days.day, jobs.table_name, max(CASE WHEN {good} THEN jobs.bytes END), \
         max(CASE WHEN {good} THEN jobs.seconds END), sum({bad}) \
         FROM days CROSS JOIN runs ON runs.queued >= days.since AND runs.queued < days.until \
         CROSS JOIN jobs ON jobs.run_id = runs.id \
         WHERE jobs.outcome IS NOT NULL GROUP BY days.day, jobs.table_name ORDER BY days.day",
        vec!["(?, ?, ?)"; days.len()].join(", ")
    );
    let values = (0_i64..)
        .zip(days)
        .flat_map(|(number, day)| [number, micros(day.since), micros(day.until)].map(Value::from));
    Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use sea_orm::QueryResult;

    use super::*;
    use crate::directory::directory;

    const ZONE: Tz = Tz::America__Chicago;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// A state with a run for each of `nights` until `now`. In every seventh run the first table failed, the second one is
    /// switched off, the third one is of another version. There is a sample for every ten minutes; more than 200 samples
    /// ago an entry was missing.
    async fn lived(nights: i64, now: DateTime<Utc>) -> (tempfile::TempDir, State) {
        let dir = directory();
        let state = State::open(&dir.path().join("state.db"), now).await.unwrap();
        let tx = state.begin().await.unwrap();
        let day = TimeDelta::days(1).num_microseconds().unwrap();
        let until = micros(now);
        for sql in [
            format!(
                "WITH RECURSIVE night (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM night WHERE n < {nights}) \
                 INSERT INTO runs (id, \"trigger\", priority, force, accept, exact, phase, queued, ended, outcome) \
                 SELECT n, 'schedule', 1, 0, 0, 0, 'done', {until} - ({nights} - n) * {day}, {until}, 'rebuilt' \
                 FROM night WHERE {nights} > 0"
            ),
            "INSERT INTO jobs (run_id, table_name, ordinal, phase, outcome, bytes, seconds) \
             SELECT id, 'dia_events_report_cache', 0, 'done', iif(id % 7, 'rebuilt', 'failed'), 1000 + id, 0.5 FROM runs \
             UNION ALL SELECT id, 'organization_reports', 1, 'done', 'off', 0, 0 FROM runs \
             UNION ALL SELECT id, 'table_of_tomorrow', 2, 'done', 'rebuilt', 5, 1 FROM runs"
                .to_owned(),
            format!(
                "WITH RECURSIVE sample (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM sample WHERE n < {}) \
                 INSERT INTO readiness SELECT {until} - n * 600000000, 21, 21 - (n > 200) FROM sample",
                nights * 144
            ),
        ] {
            tx.execute_unprepared(&sql).await.unwrap();
        }
        tx.commit().await.unwrap();
        (dir, state)
    }

    #[test]
    fn days_are_civil_and_may_have_23_or_25_hours() {
        for (now, date, hours, morning) in [
            ("2026-03-09T04:00:00Z", "2026-03-08", 23, "2026-03-08T13:00:00Z"),
            ("2026-11-02T04:00:00Z", "2026-11-01", 25, "2026-11-01T14:00:00Z"),
            ("2026-07-02T04:59:59Z", "2026-07-01", 24, "2026-07-01T13:00:00Z"),
        ] {
            let days = days(at(now), ZONE);
            let last = days.last().unwrap();
            assert_eq!((days.len(), last.date.to_string().as_str()), (DAYS.into(), date));
            assert_eq!(((last.until - last.since).num_hours(), last.morning), (hours, at(morning)), "{date}");
            assert!(days.windows(2).all(|pair| pair[0].until == pair[1].since), "{date}: a gap between days");
        }
    }

    #[tokio::test]
    async fn a_day_has_the_largest_good_job_and_the_number_of_bad_ones() {
        let now = at("2026-03-10T08:00:00Z");
        for (nights, days) in [(0, 0), (1, 1), (8, 8), (200, usize::from(DAYS))] {
            let (_dir, state) = lived(nights, now).await;
            let recent = recent(&state, now, ZONE).await.unwrap();
            let of = |table| recent.tables.iter().filter(move |day| day.table == table);
            assert_eq!(of(Table::DiaEventsReportCache).count(), days, "{nights} nights");
            for (back, found) in (0..).zip(of(Table::DiaEventsReportCache).rev()) {
                let id = nights - back;
                let (bytes, seconds) =
                    if id % 7 == 0 { (None, None) } else { (Some(1000 + id.unsigned_abs()), Some(0.5)) };
                let expected = TableDay {
                    day: DAYS - 1 - u16::try_from(back).unwrap(),
                    table: Table::DiaEventsReportCache,
                    bytes,
                    seconds,
                    failed: u64::from(id % 7 == 0),
                };
                assert_eq!(*found, expected, "{nights} nights");
            }
            let off = |day: &TableDay| (day.bytes, day.seconds, day.failed) == (None, None, 0);
            assert!(of(Table::OrganizationReports).all(off), "{nights} nights: {recent:?}");
        }
    }

    #[tokio::test]
    async fn the_sample_of_a_morning_is_the_last_one_that_was_still_valid() {
        // 03:00 in Chicago: the morning of this day is yet to come.
        let now = at("2026-03-10T08:00:00Z");
        let (_dir, state) = lived(2, now).await;
        let mornings = recent(&state, now, ZONE).await.unwrap().mornings;
        let [before, first, yesterday, today] = mornings[usize::from(DAYS) - 4..] else {
            panic!("{mornings:?}")
        };
        assert_eq!((before, today), (None, None));
        let accepted = |sample: Option<ReadinessSample>| sample.map(|sample| (sample.at, sample.accepted));
        assert_eq!(accepted(yesterday), Some((at("2026-03-09T13:00:00Z"), 21)));
        assert_eq!(accepted(first), Some((at("2026-03-08T13:00:00Z"), 20)));
        let around = [at("2026-03-10T08:29:59Z"), at("2026-03-10T08:30:00Z")];
        let held = state.readiness_at(&around, HOLD).await.unwrap();
        assert_eq!(held.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false]);
    }

    /// With three years of nights, each statement searches every table by the index that is expected, whatever SQLite's
    /// statistics say, and returns no more rows than there are days for each of the three tables.
    #[tokio::test]
    async fn a_history_of_three_years_is_neither_scanned_nor_returned() {
        let now = at("2026-03-10T08:00:00Z");
        let (_dir, state) = lived(3 * 365, now).await;
        let days = days(now, ZONE);
        let mornings: Vec<DateTime<Utc>> = days.iter().map(|day| day.morning).collect();
        let of_jobs = [
            "SEARCH runs USING COVERING INDEX runs_queued (queued>? AND queued<?)",
            "SEARCH jobs USING INDEX ",
        ];
        let of_samples =
            ["SEARCH sample USING PRIMARY KEY (at=?)", "SEARCH readiness USING PRIMARY KEY (at>? AND at<?)"];
        for statistics in [None, Some("ANALYZE")] {
            if let Some(sql) = statistics {
                let tx = state.begin().await.unwrap();
                tx.execute_unprepared(sql).await.unwrap();
                tx.commit().await.unwrap();
            }
            for (read, searches) in
                [(statement(&days), of_jobs), (State::readiness_statement(&mornings, HOLD), of_samples)]
            {
                let rows = state.reader().query_all_raw(read.clone()).await.unwrap();
                assert!(rows.len() <= 3 * usize::from(DAYS), "{} rows of {}", rows.len(), read.sql);
                let plan = Statement { sql: format!("EXPLAIN QUERY PLAN {}", read.sql), ..read };
                let plan = state.reader().query_all_raw(plan).await.unwrap();
                let steps: Vec<String> =
                    plan.iter().map(|row: &QueryResult| row.try_get("", "detail").unwrap()).collect();
                for search in searches {
                    assert!(steps.iter().any(|step| step.starts_with(search)), "{search}: {steps:#?}");
                }
                let history = |step: &&String| {
                    ["runs", "jobs", "sample", "readiness"].iter().any(|table| step.contains(table))
                };
                let scans = steps.iter().filter(|step| step.starts_with("SCAN")).filter(history);
                assert_eq!(scans.count(), 0, "{steps:#?}");
            }
        }
    }
}
