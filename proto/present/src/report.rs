//! The JSON form of a run's result: what `cached refresh --json` and `cachectl refresh --json` print.
//!
//! Keys are stable and only ever added. Times are RFC 3339 in UTC, seconds are numbers.

use cached_proto::lock::WriteLock;
use cached_proto::time::Timestamp;
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::{Job, JobFigures};
use cached_proto::words::{CacheType, Outcome, Phase, Table, Trigger};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// A run that has ended.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunReport {
    /// The run: text, so that scripts do not count with it.
    pub run: String,
    /// Its trigger.
    pub trigger: Trigger,
    /// When work began; none when the run was cancelled before.
    pub started: Option<Timestamp>,
    /// Seconds of work.
    pub seconds: f64,
    /// The verdict: that of its worst table, where a cancelled one counts as failed.
    pub outcome: Option<Outcome>,
    /// Its tables, in the order in which they were processed.
    pub tables: Vec<TableReport>,
    /// How long VMS's write lock was held, by all its tables.
    pub write_lock: WriteLock,
}

/// One table of a run.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TableReport {
    /// Its type.
    #[cfg_attr(feature = "openapi", schema(rename = "type"))]
    pub cache_type: CacheType,
    /// Its name.
    pub table: Table,
    /// How it ended; `failed`, with an error that says so, when it was cancelled.
    pub outcome: Option<Outcome>,
    /// What was done about it.
    pub figures: JobFigures,
    /// The last error, one line.
    pub error: Option<String>,
    /// How long VMS's write lock was held.
    pub write_lock: WriteLock,
}

impl Serialize for TableReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("TableReport", 5 + JobFigures::COUNT)?;
        fields.serialize_field("type", &self.cache_type)?;
        fields.serialize_field("table", &self.table)?;
        fields.serialize_field("outcome", &self.outcome)?;
        self.figures.serialize_into(&mut fields)?;
        fields.serialize_field("error", &self.error)?;
        fields.serialize_field("write_lock", &self.write_lock)?;
        fields.end()
    }
}

impl From<&Run> for RunReport {
    fn from(run: &Run) -> Self {
        Self {
            run: run.id.to_string(),
            trigger: run.trigger,
            started: run.started,
            seconds: run.seconds,
            outcome: if run.phase == Phase::Cancelled || run.jobs.iter().any(is_cancelled) {
                Some(Outcome::Failed)
            } else {
                run.outcome
            },
            tables: run.jobs.iter().map(TableReport::from).collect(),
            write_lock: run.write_lock,
        }
    }
}

impl From<&Job> for TableReport {
    fn from(job: &Job) -> Self {
        Self {
            cache_type: job.cache_type,
            table: job.table,
            outcome: if is_cancelled(job) { Some(Outcome::Failed) } else { job.outcome },
            figures: job.figures,
            error: job.error.clone().or_else(|| is_cancelled(job).then(|| "cancelled".to_owned())),
            write_lock: job.write_lock,
        }
    }
}

fn is_cancelled(job: &Job) -> bool {
    job.phase == Phase::Cancelled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Run {
        let at = |seconds: i64| Timestamp::from_micros(1_795_392_000_000_000 + seconds * 1_000_000);
        let job = Job {
            id: 7,
            run: 12,
            trigger: Trigger::Manual,
            cache_type: CacheType::VirtualSession,
            table: Table::VirtualSessionDistrictCache,
            phase: Phase::Done,
            outcome: Some(Outcome::Failed),
            queued: at(0),
            attempts: Vec::new(),
            figures: JobFigures {
                entries: 21,
                rebuilt: 17,
                verified: 1,
                skipped: 2,
                pruned: 3,
                failed: 1,
                warnings: 4,
                bytes: 12_345,
                seconds: 0.5,
            },
            error: Some("the database is locked".into()),
            write_lock: WriteLock { count: 3, seconds: 0.02, longest: 0.012 },
        };
        Run {
            id: 12,
            trigger: Trigger::Manual,
            slot: None,
            phase: Phase::Done,
            queued: at(0),
            started: Some(at(1)),
            ended: Some(at(2)),
            seconds: 1.0,
            outcome: Some(Outcome::Failed),
            jobs: vec![job],
            write_lock: WriteLock { count: 3, seconds: 0.02, longest: 0.012 },
        }
    }

    #[test]
    fn the_json_of_a_run_has_these_keys() {
        let json = serde_json::to_string_pretty(&RunReport::from(&run())).unwrap();
        insta::assert_snapshot!(json, @r#"
        {
          "run": "12",
          "trigger": "manual",
          "started": "2026-11-23T00:00:01Z",
          "seconds": 1.0,
          "outcome": "failed",
          "tables": [
            {
              "type": "virtual_session",
              "table": "virtual_session_district_cache",
              "outcome": "failed",
              "entries": 21,
              "rebuilt": 17,
              "verified": 1,
              "skipped": 2,
              "pruned": 3,
              "failed": 1,
              "warnings": 4,
              "bytes": 12345,
              "seconds": 0.5,
              "error": "the database is locked",
              "write_lock": {
                "count": 3,
                "seconds": 0.02,
                "longest": 0.012
              }
            }
          ],
          "write_lock": {
            "count": 3,
            "seconds": 0.02,
            "longest": 0.012
          }
        }
        "#);
    }

    #[test]
    fn a_cancelled_table_counts_as_failed_and_says_why() {
        let cancelled = |error: Option<&str>| {
            let job = Job {
                phase: Phase::Cancelled,
                outcome: None,
                error: error.map(str::to_owned),
                ..run().jobs.remove(0)
            };
            Job { id: 8, ..job }
        };
        let done = Job { outcome: Some(Outcome::Rebuilt), error: None, ..run().jobs.remove(0) };
        let whole = Run {
            phase: Phase::Cancelled,
            started: None,
            outcome: None,
            jobs: vec![cancelled(None)],
            ..run()
        };
        let half = Run { jobs: vec![done, cancelled(Some("cancelled by user 0"))], ..run() };
        for (run, expected) in [
            (whole, vec![(Some(Outcome::Failed), Some("cancelled"))]),
            (
                half,
                vec![(Some(Outcome::Rebuilt), None), (Some(Outcome::Failed), Some("cancelled by user 0"))],
            ),
        ] {
            let report = RunReport::from(&run);
            assert_eq!(report.outcome, Some(Outcome::Failed));
            let tables: Vec<_> =
                report.tables.iter().map(|table| (table.outcome, table.error.as_deref())).collect();
            assert_eq!(tables, expected);
        }
    }
}
