//! Checks of runs and jobs: none is lost, none has two workers, none runs for ever.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

/// Number of attempts of a job, as configured by default.
const ATTEMPTS: i64 = 3;
/// Number of times that a job may kill its worker.
const KILLS: i64 = 2;

/// Externally observed state of runs and jobs.
#[derive(Debug, Default)]
pub(crate) struct JobWatch {
    /// Jobs that were in progress when their worker died, and how often.
    killed: BTreeMap<i64, i64>,
    /// Runs that were requested.
    asked: BTreeSet<i64>,
    /// Runs that have begun, and the worker that claimed them last.
    begun: BTreeMap<i64, usize>,
}

impl JobWatch {
    pub(crate) fn asked(&mut self, run: i64) -> Result<(), String> {
        if self.begun.contains_key(&run) {
            return Err(format!("5: a request was given to run {run}, which had read the source before"));
        }
        self.asked.insert(run);
        Ok(())
    }

    pub(crate) fn has_begun(&self, run: i64) -> bool {
        self.begun.contains_key(&run)
    }

    pub(crate) fn begun(&mut self, run: i64, worker: usize) {
        self.begun.insert(run, worker);
    }

    /// Checks that a worker that has recorded a result holds the run.
    pub(crate) fn worked(&self, run: i64, worker: usize) -> Result<(), String> {
        match self.begun.get(&run) {
            Some(&holder) if holder != worker => Err(format!("4: run {run} has two workers")),
            _ => Ok(()),
        }
    }

    /// Records that the worker of these jobs has died.
    pub(crate) fn died(&mut self, jobs: Vec<i64>) {
        for job in jobs {
            *self.killed.entry(job).or_default() += 1;
        }
    }

    /// Checks that after a start no job is in progress, and that only jobs that killed twice were set aside.
    pub(crate) async fn recovered(&self, db: &DatabaseConnection) -> Result<(), String> {
        if let Some(job) = running(db).await.first() {
            return Err(format!("4: job {job} is running without a worker"));
        }
        let sql = "SELECT id, kills, coalesce(error, '') LIKE 'the daemon died twice%', phase FROM jobs \
                   WHERE kills > 0 OR error LIKE 'the daemon died twice%'";
        for row in rows(db, sql).await {
            let (job, kills, aside): (i64, i64, bool) =
                (number(&row, 0), number(&row, 1), number(&row, 2) != 0);
            let counted = self.killed.get(&job).copied().unwrap_or_default();
            if kills != counted {
                return Err(format!("4: job {job} died {counted} times and {kills} are counted"));
            }
            if aside != (kills >= KILLS) {
                return Err(format!("4: job {job} died {kills} times and is set aside: {aside}"));
            }
        }
        Ok(())
    }

    /// Checks what holds at any time.
    pub(crate) async fn check(&self, db: &DatabaseConnection) -> Result<(), String> {
        let twice =
            "SELECT job_id, count(*) FROM attempts WHERE ended IS NULL GROUP BY job_id HAVING count(*) > 1";
        if let Some(row) = rows(db, twice).await.first() {
            return Err(format!("4: job {} has {} attempts at once", number(row, 0), number(row, 1)));
        }
        let sql = format!(
            "SELECT job_id, count(*) FROM attempts WHERE coalesce(error, '') NOT LIKE 'interrupted by%' \
             AND coalesce(error, '') NOT LIKE '%left to VMS%' \
             GROUP BY job_id HAVING count(*) > {ATTEMPTS}"
        );
        if let Some(row) = rows(db, &sql).await.first() {
            return Err(format!("8: job {} had {} attempts", number(row, 0), number(row, 1)));
        }
        Ok(())
    }

    /// Checks what holds when everything is at rest.
    pub(crate) async fn ended(&self, db: &DatabaseConnection) -> Result<(), String> {
        let sql = "SELECT id, phase FROM runs WHERE phase NOT IN ('done', 'cancelled')";
        if let Some(row) = rows(db, sql).await.first() {
            return Err(format!("4: run {} never ends: {}", number(row, 0), text(row, 1)));
        }
        let sql = "SELECT id, phase FROM jobs \
                   WHERE phase NOT IN ('done', 'cancelled') OR (phase = 'done') <> (outcome IS NOT NULL)";
        if let Some(row) = rows(db, sql).await.first() {
            return Err(format!("4: job {} never ends: {}", number(row, 0), text(row, 1)));
        }
        let kept: BTreeSet<i64> =
            rows(db, "SELECT id FROM runs").await.iter().map(|row| number(row, 0)).collect();
        match self.asked.difference(&kept).next() {
            Some(run) => Err(format!("4: run {run} is lost")),
            None => Ok(()),
        }
    }
}

/// Returns the jobs in progress.
pub(crate) async fn running(db: &DatabaseConnection) -> Vec<i64> {
    let sql = "SELECT id FROM jobs WHERE phase = 'running'";
    rows(db, sql).await.iter().map(|row| number(row, 0)).collect()
}

/// Returns the number of runs that the watch or the top-up triggered.
pub(crate) async fn automatic(db: &DatabaseConnection) -> i64 {
    let sql = "SELECT count(*) FROM runs WHERE \"trigger\" IN ('watch', 'top_up')";
    number(&rows(db, sql).await[0], 0)
}

/// Returns the newest run that has not ended.
pub(crate) async fn newest_open(db: &DatabaseConnection) -> Option<i64> {
    let sql = "SELECT id FROM runs WHERE phase NOT IN ('done', 'cancelled') ORDER BY id DESC LIMIT 1";
    rows(db, sql).await.first().map(|row| number(row, 0))
}

async fn rows(db: &DatabaseConnection, sql: &str) -> Vec<sea_orm::QueryResult> {
    db.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap()
}

fn number(row: &sea_orm::QueryResult, at: usize) -> i64 {
    row.try_get_by_index(at).unwrap()
}

fn text(row: &sea_orm::QueryResult, at: usize) -> String {
    row.try_get_by_index(at).unwrap()
}
