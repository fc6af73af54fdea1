//! Decides, as a pure function, which tables cannot wait for the next scheduled run.

use std::fmt;

use cached_proto::words::Table;
use chrono::{DateTime, TimeDelta, Utc};

use super::Renewal;
use crate::refresh::RenewalTimes;

/// How long a table is left alone after an attempt that did not help: the cause takes longer to fix than the
/// retries of a job last.
const PAUSE: TimeDelta = TimeDelta::hours(1);

/// Delay of the next check of a table that needs a top-up but is being worked on.
const BUSY: TimeDelta = TimeDelta::minutes(1);

/// Why a table is topped up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// An entry is missing, incomplete, invalid, or stale beyond the tolerance.
    Unfit,
    /// The settings have changed since an entry was made, or it was invalidated.
    Settings,
    /// The passing of time alone has changed the content or the keys of entries.
    Clock,
    /// An entry would be past its limit for longer than tolerated before the next scheduled run has ended.
    Expiring,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unfit => "an entry is missing or unfit",
            Self::Settings => "entries were made under other settings",
            Self::Clock => "the clock has changed what entries say, or which there are",
            Self::Expiring => {
                "entries would be past their limit for too long before the next scheduled run has ended"
            }
        })
    }
}

/// The state of a table that the decision is based on.
#[derive(Debug, Clone, Copy)]
pub struct Condition {
    /// The table.
    pub table: Table,
    /// Whether an entry is missing, incomplete, invalid, or stale beyond the tolerance.
    pub unfit: bool,
    /// Whether an entry is stale only because of changed settings, and no run was queued under the current
    /// settings yet.
    pub outdated: bool,
    /// When its entries need renewal.
    pub renewal_times: RenewalTimes,
    /// When time changed its keys, if that happened since the last survey.
    pub turned: Option<DateTime<Utc>>,
    /// When its last job was queued, whatever the outcome.
    pub tried: Option<DateTime<Utc>>,
    /// Whether one of its jobs is queued or running.
    pub busy: bool,
}

/// The tables to top up now, and the time of the next decision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The tables to top up.
    pub tables: Vec<(Table, Cause)>,
    /// The next instant at which the decision would differ; none if only an event can change it.
    pub look_at: Option<DateTime<Utc>>,
}

/// Decides for all tables at once, so that one run covers all tables that need a top-up at the same time.
pub fn plan(conditions: &[Condition], now: DateTime<Utc>, renewal: &Renewal<'_>) -> Plan {
    let mut plan = Plan::default();
    for condition in conditions {
        let (cause, look_at) = condition.decide(now, renewal);
        plan.tables.extend(cause.map(|cause| (condition.table, cause)));
        plan.look_at = [plan.look_at, look_at].into_iter().flatten().min();
    }
    plan
}

impl Condition {
    fn decide(&self, now: DateTime<Utc>, renewal: &Renewal<'_>) -> (Option<Cause>, Option<DateTime<Utc>>) {
        let RenewalTimes { next_keys, next_payloads, .. } = self.renewal_times;
        let ahead = |at: &DateTime<Utc>| *at > now;
        // Changed keys do not matter until an entry of one of them is missing.
        let turned = self.turned.filter(|_| self.unfit);
        let changed = next_payloads.filter(|at| !ahead(at)).max(turned);
        let top_up_at = self.top_up_at(renewal);
        let cause = if changed.is_some() {
            Some(Cause::Clock)
        } else if self.outdated {
            Some(Cause::Settings)
        } else if self.unfit {
            Some(Cause::Unfit)
        } else {
            top_up_at.filter(|at| !ahead(at)).map(|_| Cause::Expiring)
        };
        // A change by time after the last attempt is a new reason, and so are settings of no earlier attempt.
        let tried = self.tried.filter(|tried| changed.is_none_or(|at| *tried >= at) && !self.outdated);
        let pause_ends = tried.filter(|_| cause.is_some()).map(|at| at + PAUSE).filter(ahead);
        // The run in progress may have read the source before this cause arose.
        let free_at = cause.filter(|_| self.busy).map(|_| now + BUSY);
        let instants = [next_keys, next_payloads, top_up_at, pause_ends, free_at];
        let look_at = instants.into_iter().flatten().filter(ahead).min();
        (cause.filter(|_| !self.busy && pause_ends.is_none()), look_at)
    }

    /// When the oldest entry is topped up because of its age.
    fn top_up_at(&self, renewal: &Renewal<'_>) -> Option<DateTime<Utc>> {
        let RenewalTimes { oldest, expires, next_payloads, .. } = self.renewal_times;
        let expires = expires?;
        // An entry that a change by time renews early enough is not renewed twice.
        let by_clock = |top_up: DateTime<Utc>| {
            next_payloads.is_some_and(|at| top_up <= at && at + renewal.expected <= expires)
        };
        renewal.top_up_at(oldest, expires).filter(|&at| !by_clock(at))
    }
}

#[cfg(test)]
#[path = "top_up_tests.rs"]
mod tests;
