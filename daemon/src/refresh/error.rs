//! Why a table, or a whole run, was not refreshed.

use crate::jobs::QueueError;
use crate::snapshot::SnapshotError;
use crate::state::StateError;
use crate::store::StoreError;
use crate::vms::VmsError;

/// Why a table was not refreshed; its old entries stay.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// VMS's database cannot be used.
    #[error(transparent)]
    Vms(#[from] VmsError),
    /// The source could not be read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// An entry could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The daemon's own database failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The report panicked; only this table is affected.
    #[error("the report panicked: {0}; this is a bug, and the old entries are kept")]
    Panicked(String),
    /// The job was cancelled; groups that were written before stay.
    #[error("cancelled")]
    Cancelled,
    /// Some of its groups would lose too much; the others were written.
    #[error("{}", held(.0))]
    Guarded(Vec<Loss>),
    /// No report generates the table.
    #[error("no report generates {0}")]
    NoReport(cached_proto::words::Table),
}

/// A loss of a group that exceeds the limits of the guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The list: entry and column, or the year whose entries are counted.
    pub list: String,
    /// The count before.
    pub before: u64,
    /// The count after.
    pub after: u64,
    /// What is counted, in plural.
    pub what: &'static str,
}

/// Number of losses that a message names.
const NAMED: usize = 3;

fn held(losses: &[Loss]) -> String {
    let named = losses
        .iter()
        .take(NAMED)
        .map(|Loss { list, before, after, what }| format!("{list} would go from {before} to {after} {what}"));
    let more = match losses.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" (and {more} more lists)"),
    };
    format!(
        "{}; the old entries are kept until `cachectl refresh --accept`, or until two scheduled runs in a row find \
         the same{more}",
        named.collect::<Vec<_>>().join(", ")
    )
}

/// What to do with a job whose attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The cause may disappear by itself.
    Retry,
    /// The daemon's own database was busy, through no fault of the job: it continues after a pause, and
    /// the attempt does not count.
    Starved,
    /// Another attempt would fail the same way until the operator intervenes.
    Fail,
}

impl RefreshError {
    /// Whether another attempt may succeed without an intervention.
    pub fn decision(&self) -> Decision {
        if let Self::State(StateError::Busy { .. })
        | Self::Queue(QueueError::State(StateError::Busy { .. })) = self
        {
            return Decision::Starved;
        }
        let may_pass = match self {
            Self::Vms(error)
            | Self::Snapshot(SnapshotError(error))
            | Self::Store(StoreError::Database(error)) => error.is_retryable(),
            Self::State(error) | Self::Queue(QueueError::State(error)) => error.may_pass(),
            // A bug does not disappear by itself. Any other failure of the store is one of the report.
            Self::Store(_)
            | Self::Queue(_)
            | Self::Panicked(_)
            | Self::Cancelled
            | Self::Guarded(_)
            | Self::NoReport(_) => false,
        };
        if may_pass { Decision::Retry } else { Decision::Fail }
    }

    /// Whether another process kept VMS's database locked.
    pub fn is_locked(&self) -> bool {
        matches!(self.of_vms(), Some(VmsError::Locked { .. }))
    }

    /// Whether VMS's database is damaged.
    pub fn is_damage(&self) -> bool {
        self.of_vms().is_some_and(VmsError::is_damage)
    }

    /// The error of VMS's database, if it is one.
    const fn of_vms(&self) -> Option<&VmsError> {
        match self {
            Self::Vms(error)
            | Self::Snapshot(SnapshotError(error))
            | Self::Store(StoreError::Database(error)) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use cached_proto::words::Table;
    use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};

    use super::*;

    const TABLE: Table = Table::DiaEventsReportCache;

    fn lost() -> DbErr {
        DbErr::Conn(RuntimeErr::Internal("gone".into()))
    }

    fn no_connection() -> DbErr {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)
    }

    fn loss(n: u64) -> Loss {
        Loss { list: format!("list {n}"), before: 10, after: n, what: "records" }
    }

    #[test]
    fn a_loss_message_names_the_first_three_lists_and_counts_the_others() {
        let message = |lists: u64| RefreshError::Guarded((1..=lists).map(loss).collect()).to_string();
        let rest = "; the old entries are kept until `cachectl refresh --accept`, or until two scheduled runs in a \
                    row find the same";
        assert_eq!(message(1), format!("list 1 would go from 10 to 1 records{rest}"));
        let three = "list 1 would go from 10 to 1 records, list 2 would go from 10 to 2 records, list 3 would go from \
                     10 to 3 records";
        assert_eq!(message(3), format!("{three}{rest}"));
        assert_eq!(message(5), format!("{three}{rest} (and 2 more lists)"));
    }

    #[test]
    fn a_transient_failure_is_retried_and_one_that_needs_an_operator_is_not() {
        let action = "writing a group";
        let key = || "a".to_owned();
        let syntax = serde_json::from_str::<i32>("x").unwrap_err();
        let cases: Vec<(RefreshError, Decision)> = vec![
            (VmsError::Locked { action, seconds: 20, source: lost() }.into(), Decision::Retry),
            (VmsError::Full { action, source: lost() }.into(), Decision::Retry),
            (VmsError::Query { action, source: lost() }.into(), Decision::Retry),
            (SnapshotError(VmsError::Query { action, source: lost() }).into(), Decision::Retry),
            (StoreError::from(VmsError::Query { action, source: lost() }).into(), Decision::Retry),
            (StateError::Statement { action, source: lost() }.into(), Decision::Retry),
            (StateError::Busy { action, source: no_connection() }.into(), Decision::Starved),
            (
                QueueError::from(StateError::Busy { action, source: no_connection() }).into(),
                Decision::Starved,
            ),
            (VmsError::Query { action, source: DbErr::Type("no text".into()) }.into(), Decision::Fail),
            (VmsError::Missing { path: "/x".into() }.into(), Decision::Fail),
            (VmsError::NoVmsTables { path: "/x".into() }.into(), Decision::Fail),
            (
                StoreError::Incomplete { table: TABLE, key: key(), column: "c", member: "m" }.into(),
                Decision::Fail,
            ),
            (
                StoreError::Serialize { table: TABLE, key: key(), column: "c", source: syntax }.into(),
                Decision::Fail,
            ),
            (RefreshError::Panicked("bug".into()), Decision::Fail),
            (RefreshError::NoReport(TABLE), Decision::Fail),
            (RefreshError::Cancelled, Decision::Fail),
            (RefreshError::Guarded(vec![loss(1)]), Decision::Fail),
        ];
        for (error, decision) in cases {
            assert_eq!(error.decision(), decision, "{error}");
        }
    }
}
