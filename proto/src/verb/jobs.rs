//! `jobs`: the jobs the daemon knows, newest first, whole or in pages.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::lock::WriteLock;
use crate::time::Timestamp;
use crate::words::{CacheType, Outcome, Phase, Table, Trigger};

/// Which jobs to return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobFilter {
    /// All of them.
    All,
    /// Jobs whose outcome is not a good one.
    Failed,
    /// Jobs that are queued or running.
    Running,
}

/// Request for jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobsRequest {
    /// Which ones.
    pub filter: JobFilter,
    /// How many at most; the daemon may return fewer.
    pub limit: u32,
}

/// One attempt at a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attempt {
    /// Counted from 1.
    pub number: u32,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; none while it runs.
    pub ended: Option<Timestamp>,
    /// The instant of the snapshot it was computed from.
    pub snapshot: Option<Timestamp>,
    /// Seconds of work; 0 while it runs, and after the daemon died in it.
    pub seconds: f64,
    /// How it ended; none while it runs, and when it was cancelled.
    pub outcome: Option<Outcome>,
    /// The error, one line.
    pub error: Option<String>,
}

impl Attempt {
    /// Where it is; one that ended without an outcome was cancelled.
    pub const fn phase(&self) -> Phase {
        match (self.outcome, self.ended) {
            (Some(_), _) => Phase::Done,
            (None, Some(_)) => Phase::Cancelled,
            (None, None) => Phase::Running,
        }
    }
}

/// What was done about a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobFigures {
    /// Entries that the report has.
    pub entries: u64,
    /// Entries written because they had changed.
    pub rebuilt: u64,
    /// Entries stamped because they had not.
    pub verified: u64,
    /// Entries left alone because they were young.
    pub skipped: u64,
    /// Entries removed because their key is no longer part of the report.
    pub pruned: u64,
    /// Entries that could not be written.
    pub failed: u64,
    /// Source rows that were left out or read with a substitute.
    pub warnings: u64,
    /// Bytes of payload generated.
    pub bytes: u64,
    /// Seconds of work.
    pub seconds: f64,
}

impl JobFigures {
    /// Number of figures.
    pub const COUNT: usize = 9;

    /// Adds each figure to the fields of what carries them. On the wire that makes the bytes of a struct within, in
    /// JSON keys beside the others; `serde`'s `flatten` makes a map of everything, which the wire cannot carry.
    pub fn serialize_into<S: SerializeStruct>(&self, fields: &mut S) -> Result<(), S::Error> {
        let Self { entries, rebuilt, verified, skipped, pruned, failed, warnings, bytes, seconds } = self;
        fields.serialize_field("entries", entries)?;
        fields.serialize_field("rebuilt", rebuilt)?;
        fields.serialize_field("verified", verified)?;
        fields.serialize_field("skipped", skipped)?;
        fields.serialize_field("pruned", pruned)?;
        fields.serialize_field("failed", failed)?;
        fields.serialize_field("warnings", warnings)?;
        fields.serialize_field("bytes", bytes)?;
        fields.serialize_field("seconds", seconds)
    }
}

/// One table of one run. Its JSON, which has the figures beside the other keys, is written and never read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(description = "One table of one run."))]
pub struct Job {
    /// Number of the job.
    pub id: i64,
    /// Number of its run.
    pub run: i64,
    /// The trigger of the run.
    pub trigger: Trigger,
    /// Type of the table.
    #[serde(rename = "type")]
    pub cache_type: CacheType,
    /// The table.
    pub table: Table,
    /// Where it is in its life.
    pub phase: Phase,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// When it was queued.
    pub queued: Timestamp,
    /// Its attempts, oldest first; empty in a list.
    pub attempts: Vec<Attempt>,
    /// What its last attempt has done.
    pub figures: JobFigures,
    /// The last error, one line.
    pub error: Option<String>,
    /// How long VMS's write lock was held, by all attempts; what an attempt held that died with the daemon is
    /// not known.
    pub write_lock: WriteLock,
}

impl Serialize for Job {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Job", 11 + JobFigures::COUNT)?;
        fields.serialize_field("id", &self.id)?;
        fields.serialize_field("run", &self.run)?;
        fields.serialize_field("trigger", &self.trigger)?;
        fields.serialize_field("type", &self.cache_type)?;
        fields.serialize_field("table", &self.table)?;
        fields.serialize_field("phase", &self.phase)?;
        fields.serialize_field("outcome", &self.outcome)?;
        fields.serialize_field("queued", &self.queued)?;
        fields.serialize_field("attempts", &self.attempts)?;
        self.figures.serialize_into(&mut fields)?;
        fields.serialize_field("error", &self.error)?;
        fields.serialize_field("write_lock", &self.write_lock)?;
        fields.end()
    }
}

/// Answer to `jobs`, without attempts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobsReply {
    /// The jobs, newest first.
    pub jobs: Vec<Job>,
}

/// Request for a page of jobs, from protocol 2 on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobsPageRequest {
    /// Which ones.
    pub filter: JobFilter,
    /// Only jobs with a lower number than this; the [`next`](JobsPage::next) of the page before.
    pub before: Option<i64>,
    /// How many at most; the daemon may return fewer.
    pub limit: u32,
}

/// A page of jobs, without their attempts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobsPage {
    /// The jobs, newest first.
    pub jobs: Vec<Job>,
    /// Jobs in the range of the page that cannot be listed as such.
    pub unknown: Vec<UnknownRow>,
    /// Where the next page begins; none on the last one.
    pub next: Option<i64>,
}

/// A run or a job with a word that this daemon does not know, written by another version. It is kept, but not
/// processed. The words are those that are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnknownRow {
    /// Number of the run.
    pub run: i64,
    /// Number of the job; none when the run itself is meant.
    pub job: Option<i64>,
    /// The trigger of the run.
    pub trigger: String,
    /// The table of the job.
    pub table: Option<String>,
    /// Where it is in its life.
    pub phase: String,
    /// How it ended.
    pub outcome: Option<String>,
}
