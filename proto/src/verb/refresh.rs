//! `refresh`: requests a run, and follows it.
//!
//! The answer is sent as soon as the run is durably queued. With `wait`, events follow: first a
//! [`Progress::Snapshot`] with all that is known of the run, then one event per change, and
//! [`Progress::RunDone`] as the last.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::verb::history::Run;
use crate::verb::jobs::Job;
use crate::verb::maintenance::{MaintenanceReport, MaintenanceStep};
use crate::words::{CacheType, SchedulerState, Table, UnknownWord};

/// Request for a refresh. No types and no tables means everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshRequest {
    /// Types to refresh.
    pub types: Vec<CacheType>,
    /// Single tables to refresh.
    pub tables: Vec<Table>,
    /// Also refresh entries that are young enough.
    pub force: bool,
    /// Accept a source that lost suspiciously many rows.
    pub accept: bool,
    /// Stream the progress until the run has ended.
    pub wait: bool,
}

/// One word of a person who says what to refresh. Only its types and tables are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// `all`: everything.
    All,
    /// A type: all of its tables.
    Type(CacheType),
    /// A single table.
    Table(Table),
}

impl Choice {
    const ALL: &str = "all";

    /// Every word that is a choice.
    pub fn words() -> impl Iterator<Item = &'static str> {
        let types = CacheType::ALL.iter().copied().map(CacheType::as_str);
        types.chain([Self::ALL]).chain(Table::ALL.iter().copied().map(Table::as_str))
    }

    /// The types and the tables of a request for these choices, without duplicates and in the order of the vocabulary,
    /// so that equivalent requests are equal. Both are empty for everything.
    pub fn request(choices: impl IntoIterator<Item = Self>) -> (Vec<CacheType>, Vec<Table>) {
        let (mut types, mut tables) = (Vec::new(), Vec::new());
        for choice in choices {
            match choice {
                Self::All => return (Vec::new(), Vec::new()),
                Self::Type(cache_type) => types.push(cache_type),
                Self::Table(table) => tables.push(table),
            }
        }
        types.sort_unstable();
        types.dedup();
        tables.sort_unstable();
        tables.dedup();
        (types, tables)
    }
}

impl FromStr for Choice {
    type Err = UnknownWord;

    fn from_str(given: &str) -> Result<Self, UnknownWord> {
        if given.eq_ignore_ascii_case(Self::ALL) {
            return Ok(Self::All);
        }
        given.parse().map(Self::Table).or_else(|_| given.parse().map(Self::Type))
    }
}

/// Answer to `refresh`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshReply {
    /// Number of the run that does the work.
    pub run: i64,
    /// True when an identical request was queued already and this one joined it.
    pub joined: bool,
}

/// An event of a run, of a maintenance task, or of the scheduler.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Progress {
    /// All that is known of the run when the stream begins.
    Snapshot(Run),
    /// Work on a table began.
    JobStarted(Job),
    /// Work on a table ended, or was cancelled.
    JobDone(Job),
    /// The run ended; nothing follows.
    RunDone(Run),
    /// An attempt at a table failed; the table waits for its next one.
    JobWaits(Job),
    /// The current step of a maintenance task.
    Step(MaintenanceStep),
    /// The maintenance task ended; nothing follows.
    MaintenanceDone(MaintenanceReport),
    /// The scheduler was started or stopped. Not sent to a client that follows a run or a task.
    Scheduler(SchedulerState),
}

impl Progress {
    /// The run that the event is about, if any.
    pub const fn run(&self) -> Option<i64> {
        match self {
            Self::Snapshot(run) | Self::RunDone(run) => Some(run.id),
            Self::JobStarted(job) | Self::JobWaits(job) | Self::JobDone(job) => Some(job.run),
            Self::Step(_) | Self::MaintenanceDone(_) | Self::Scheduler(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_a_type_a_table_or_all_and_all_is_everything() {
        let (district, dia) = (CacheType::District, Table::DiaEventsReportCache);
        for (given, types, tables) in [
            (&["District"][..], vec![district], vec![]),
            (&["dia-events-report-cache", "district", "district"], vec![district], vec![dia]),
            (&["district", "ALL", "dia_events_report_cache"], vec![], vec![]),
            (&[], vec![], vec![]),
        ] {
            let choices = given.iter().map(|word| word.parse::<Choice>().unwrap());
            assert_eq!(Choice::request(choices), (types, tables), "{given:?}");
        }
        assert!(Choice::words().all(|word| word.parse::<Choice>().is_ok()));
        assert!("districts".parse::<Choice>().is_err());
    }
}
