//! Which tables cannot wait for the next scheduled run: a pure decision.

use std::fmt;

use cached_proto::words::Table;
use chrono::{DateTime, TimeDelta, Utc};

use super::Renewal;
use crate::refresh::RenewalTimes;

/// A table that was tried and still wants something is let alone so long: whatever is wrong takes longer to put right
/// than the retries of a job last.
const PAUSE: TimeDelta = TimeDelta::hours(1);

/// A table that wants something while it is being worked on is looked at again so soon.
const BUSY: TimeDelta = TimeDelta::minutes(1);

/// Why a table is topped up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// An entry is missing, incomplete, invalid or stale.
    Unfit,
    /// The settings have changed since an entry was made, or it was invalidated.
    Settings,
    /// The clock alone has changed what entries say, or which there are.
    Clock,
    /// An entry would pass its limit before the next scheduled run has ended.
    Expiring,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unfit => "an entry is missing or unfit",
            Self::Settings => "entries were made under other settings",
            Self::Clock => "the clock has changed what entries say, or which there are",
            Self::Expiring => "entries would pass their limit before the next scheduled run has ended",
        })
    }
}

/// A table as the decision sees it.
#[derive(Debug, Clone, Copy)]
pub struct Condition {
    /// The table.
    pub table: Table,
    /// Whether an entry is missing, incomplete, invalid or stale.
    pub unfit: bool,
    /// Whether an entry is stale for the settings alone, and none was asked for under today's before.
    pub outdated: bool,
    /// When its entries want renewal.
    pub renewal_times: RenewalTimes,
    /// When the clock changed its keys, if it did since the table was last looked at.
    pub turned: Option<DateTime<Utc>>,
    /// When a job of it was queued last, however that ended.
    pub tried: Option<DateTime<Utc>>,
    /// Whether a job of it waits or is being worked on.
    pub busy: bool,
}

/// What to do now, and when there may be something to do next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The tables to top up.
    pub tables: Vec<(Table, Cause)>,
    /// The next instant at which the decision would be another one; none while only events can change it.
    pub look_at: Option<DateTime<Utc>>,
}

/// Decides for all tables at once, so that one run serves those that want something at the same time.
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
        // Other keys are of no consequence until one of them is missing.
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
        // What the clock did after the table was tried is a reason of its own, and so are settings it was not tried under.
        let tried = self.tried.filter(|tried| changed.is_none_or(|at| *tried >= at) && !self.outdated);
        let pause_ends = tried.filter(|_| cause.is_some()).map(|at| at + PAUSE).filter(ahead);
        // The run at work may have read the source before the reason came up.
        let free_at = cause.filter(|_| self.busy).map(|_| now + BUSY);
        let instants = [next_keys, next_payloads, top_up_at, pause_ends, free_at];
        let look_at = instants.into_iter().flatten().filter(ahead).min();
        (cause.filter(|_| !self.busy && pause_ends.is_none()), look_at)
    }

    /// When the oldest entry is topped up for its age.
    fn top_up_at(&self, renewal: &Renewal<'_>) -> Option<DateTime<Utc>> {
        let RenewalTimes { oldest, expires, next_payloads, .. } = self.renewal_times;
        let expires = expires?;
        // What the clock renews in time anyway is not renewed twice.
        let by_clock = |top_up: DateTime<Utc>| {
            next_payloads.is_some_and(|at| top_up <= at && at + renewal.expected <= expires)
        };
        renewal.top_up_at(oldest, expires).filter(|&at| !by_clock(at))
    }
}

#[cfg(test)]
#[path = "top_up_tests.rs"]
mod tests;
