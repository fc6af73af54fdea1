//! Decides, as a pure function, which tables cannot wait for the next scheduled run, and when that run will have
//! renewed all entries.

use std::fmt;

use cached_proto::words::Table;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

use super::Schedule;
use crate::refresh::RenewalTimes;

/// How long a table is left alone after an attempt that did not help: the cause takes longer to fix than the
/// retries of a job last.
const RETRY_PAUSE: TimeDelta = TimeDelta::hours(1);

/// Delay of the next check of a table that needs a top-up but is being worked on.
const BUSY_RECHECK: TimeDelta = TimeDelta::minutes(1);

/// Lower bound for the expected duration of a scheduled run.
const MIN_DURATION: TimeDelta = TimeDelta::minutes(10);

/// Upper bound for the expected duration; a run that took longer must have been stuck.
const MAX_DURATION: TimeDelta = TimeDelta::hours(12);

/// How long before its limit an entry is topped up: time enough for a second attempt.
const MIN_LEAD: TimeDelta = TimeDelta::hours(1);

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
    pub keys_changed: Option<DateTime<Utc>>,
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
    pub next_decision: Option<DateTime<Utc>>,
}

/// Decides for all tables at once, so that one run covers all tables that need a top-up at the same time.
pub fn plan(conditions: &[Condition], now: DateTime<Utc>, renewal: &Renewal<'_>) -> Plan {
    let mut plan = Plan::default();
    for condition in conditions {
        let (cause, next_decision) = condition.decide(now, renewal);
        plan.tables.extend(cause.map(|cause| (condition.table, cause)));
        plan.next_decision = [plan.next_decision, next_decision].into_iter().flatten().min();
    }
    plan
}

impl Condition {
    fn decide(&self, now: DateTime<Utc>, renewal: &Renewal<'_>) -> (Option<Cause>, Option<DateTime<Utc>>) {
        let RenewalTimes { next_keys, next_payloads, .. } = self.renewal_times;
        let ahead = |at: &DateTime<Utc>| *at > now;
        // Changed keys do not matter until an entry of one of them is missing.
        let keys_changed = self.keys_changed.filter(|_| self.unfit);
        let changed = next_payloads.filter(|at| !ahead(at)).max(keys_changed);
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
        let pause_ends = tried.filter(|_| cause.is_some()).map(|at| at + RETRY_PAUSE).filter(ahead);
        // The run in progress may have read the source before this cause arose.
        let free_at = cause.filter(|_| self.busy).map(|_| now + BUSY_RECHECK);
        let instants = [next_keys, next_payloads, top_up_at, pause_ends, free_at];
        let next_decision = instants.into_iter().flatten().filter(ahead).min();
        (cause.filter(|_| !self.busy && pause_ends.is_none()), next_decision)
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

/// The next scheduled run and its expected end.
#[derive(Debug, Clone, Copy)]
pub struct Renewal<'s> {
    /// When that run will have renewed every entry; none if the schedule never fires again.
    pub ends: Option<DateTime<Utc>>,
    /// How long an entry may be past its limit before that run has renewed it.
    pub tolerance: TimeDelta,
    /// Expected duration of that run.
    pub expected: TimeDelta,
    /// How long before its limit an entry is topped up if the run does not reach it in time.
    pub lead: TimeDelta,
    /// The time of day at which the operator wants the work done.
    pub daily: Option<DailyTime<'s>>,
}

impl<'s> Renewal<'s> {
    /// Describes the next scheduled run after `now`, with the duration `expected`. An entry that lives as long
    /// as the schedule's period passes its limit when that run begins, so the tolerance is never below the
    /// duration: otherwise every night would refresh everything twice.
    pub fn next(
        schedule: &'s Schedule,
        now: DateTime<Utc>,
        expected: TimeDelta,
        tolerance: TimeDelta,
    ) -> Self {
        let fire = schedule.fires_after(now, 1).into_iter().next();
        let daily = fire.as_ref().map(|fire| DailyTime { schedule, time: fire.slot.time() });
        let ends = fire.and_then(|fire| fire.at.checked_add_signed(expected));
        Self { ends, tolerance: tolerance.max(expected), expected, lead: expected.max(MIN_LEAD), daily }
    }

    /// The end of that run, less the tolerance. Entries that last until then need no top-up.
    pub fn deadline(&self) -> DateTime<Utc> {
        let deadline = self.ends.and_then(|ends| ends.checked_sub_signed(self.tolerance));
        deadline.unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// When to top up an entry that was generated at `generated` and passes its limit at `expires`; none if
    /// the next run renews it in time, that is, within the tolerance.
    ///
    /// On consecutive days without a run, each top-up sets the limit of the next one, so they would move a
    /// lead earlier every day. They are therefore made at the schedule's time of day, as a run would be, or a
    /// lead before it where an entry does not last until then.
    pub fn top_up_at(
        &self,
        generated: Option<DateTime<Utc>>,
        expires: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        if expires >= self.deadline() {
            return None;
        }
        let in_time = expires.checked_sub_signed(self.expected)?.checked_add_signed(self.tolerance)?;
        let daily = self.daily.and_then(|daily| daily.latest(in_time, self.lead));
        let is_after = |at: &DateTime<Utc>| generated.is_some_and(|generated| *at > generated);
        daily.filter(is_after).or_else(|| expires.checked_sub_signed(self.lead))
    }
}

/// The time of day at which a schedule fires.
#[derive(Debug, Clone, Copy)]
pub struct DailyTime<'s> {
    schedule: &'s Schedule,
    time: NaiveTime,
}

impl DailyTime<'_> {
    /// The latest time until `until` intended for top-ups: the time of day on a day without a run, or
    /// a lead before that time on any day.
    fn latest(&self, until: DateTime<Utc>, lead: TimeDelta) -> Option<DateTime<Utc>> {
        let today = until.with_timezone(&self.schedule.zone()).date_naive();
        // The lead is at most half a day.
        let days = [-1, 0, 1].into_iter().filter_map(|days| today.checked_add_signed(TimeDelta::days(days)));
        let instants = days.flat_map(|day| {
            let at = self.schedule.resolve(day.and_time(self.time)).at;
            let is_run = self.schedule.due(at).is_some_and(|fire| fire.at == at);
            [(!is_run).then_some(at), at.checked_sub_signed(lead)]
        });
        instants.flatten().filter(|at| *at <= until).max()
    }
}

/// Estimates the duration of a run of all tables from the seconds that recent such runs took: twice the
/// longest, since an early top-up costs little and a late one leaves a page without its entry.
pub fn expected(seconds: impl IntoIterator<Item = f64>) -> TimeDelta {
    let longest = seconds.into_iter().filter(|seconds| seconds.is_finite()).fold(0.0, f64::max);
    #[expect(clippy::cast_possible_truncation, reason = "bounded by the line before")]
    let twice = (longest.min(86_400.0) * 2_000.0) as i64;
    TimeDelta::milliseconds(twice).clamp(MIN_DURATION, MAX_DURATION)
}

#[cfg(test)]
#[path = "top_up_tests.rs"]
mod tests;
