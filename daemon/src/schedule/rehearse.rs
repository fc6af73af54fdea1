//! Simulates the scheduler's decisions on future or past days: the same decisions as those of the ticker and
//! the planner, under a clock that jumps from one to the next.

use std::collections::{HashMap, HashSet};

use cached_proto::words::{SchedulerState, Table, Trigger};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::top_up::{Cause, Condition, plan};
use super::{Fire, Renewal, Schedule};
use crate::refresh::RenewalTimes;
use crate::reports::{Context, Report, ReportSettings};
use crate::snapshot::Snapshot;
use crate::vms::tables::Key;

/// Largest number of decisions; a longer list gives no further information.
const MAX_DECISIONS: usize = 10_000;

/// How far before the first day the simulation begins; earlier events do not affect that day.
const RUN_UP: TimeDelta = TimeDelta::days(2);

/// Input of a rehearsal. It assumes that the daemon is always running, that every run succeeds, that no other
/// process writes, and that the fire before the first day has renewed every entry.
#[derive(Clone, Copy)]
pub struct Stage<'a> {
    /// The schedule.
    pub schedule: &'a Schedule,
    /// Whether automatic triggers fire.
    pub scheduler: SchedulerState,
    /// How long a scheduled run is expected to take.
    pub expected: TimeDelta,
    /// How long an entry may be past its limit before that run has renewed it.
    pub tolerance: TimeDelta,
    /// The reports that are refreshed, with the age limits of their entries.
    pub reports: &'a [(&'static dyn Report, TimeDelta)],
    /// Source rows that the reports' keys depend on.
    pub snapshot: &'a Snapshot,
    /// Settings under which the reports are generated.
    pub settings: &'a ReportSettings,
}

/// One decision of the scheduler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsed {
    /// When the decision is taken.
    pub at: DateTime<Utc>,
    /// The trigger of the run.
    pub trigger: Trigger,
    /// The fire, for a scheduled run.
    pub fire: Option<Fire>,
    /// The tables that are topped up, and why; none for a scheduled run, which refreshes all.
    pub tables: Vec<(Table, Cause)>,
}

/// All decisions of a range of days, in chronological order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rehearsal {
    /// The decisions.
    pub decisions: Vec<Rehearsed>,
    /// Whether further decisions were left out.
    pub cut: bool,
}

/// The simulated state of one table.
struct Actor {
    report: &'static dyn Report,
    limit: TimeDelta,
    generated: DateTime<Utc>,
    keys: HashSet<Key>,
    next_keys: Option<DateTime<Utc>>,
}

impl Stage<'_> {
    /// Rehearses `days` civil dates in the schedule's zone.
    pub fn rehearse(&self, first: NaiveDate, days: u32) -> Rehearsal {
        let end = first.checked_add_days(chrono::Days::new(days.into())).unwrap_or(NaiveDate::MAX);
        let begin = self.schedule.resolve(first.and_time(NaiveTime::MIN)).at;
        let end = self.schedule.resolve(end.and_time(NaiveTime::MIN)).at;
        let mut rehearsal = Rehearsal::default();
        // The state on the first day depends on what happened since the fire before it.
        let mut now = self.schedule.due(begin - TimeDelta::seconds(1)).map_or(begin, |fire| fire.at);
        let mut actors = self.actors(now);
        now = now.max(begin - RUN_UP);
        while rehearsal.decisions.len() < MAX_DECISIONS {
            let fire = self.schedule.fires_after(now, 1).into_iter().next().filter(|fire| fire.at < end);
            let next = self.top_up(&mut actors, now, &mut rehearsal);
            match (fire, next) {
                (Some(fire), next) if next.is_none_or(|at| fire.at <= at) => {
                    now = fire.at;
                    self.fire(fire, &mut actors, &mut rehearsal);
                }
                (_, Some(at)) if at < end => now = at,
                _ => break,
            }
        }
        rehearsal.cut = rehearsal.decisions.len() >= MAX_DECISIONS;
        rehearsal.decisions.retain(|decision| decision.at >= begin);
        rehearsal
    }

    fn fire(&self, fire: Fire, actors: &mut [Actor], rehearsal: &mut Rehearsal) {
        if self.scheduler == SchedulerState::Running {
            for actor in actors.iter_mut() {
                self.refresh(actor, fire.at);
            }
        }
        let (at, trigger, tables) = (fire.at, Trigger::Schedule, Vec::new());
        rehearsal.decisions.push(Rehearsed { at, trigger, fire: Some(fire), tables });
    }

    /// Tops up the tables that cannot wait, and returns the instant of the next check.
    fn top_up(
        &self,
        actors: &mut [Actor],
        now: DateTime<Utc>,
        rehearsal: &mut Rehearsal,
    ) -> Option<DateTime<Utc>> {
        if self.scheduler == SchedulerState::Stopped {
            return None;
        }
        let renewal = Renewal::next(self.schedule, now, self.expected, self.tolerance);
        let decide = |actors: &[Actor]| {
            let conditions: Vec<_> = actors.iter().map(|actor| self.condition(actor, now)).collect();
            plan(&conditions, now, &renewal)
        };
        let tables = decide(actors).tables;
        let causes: HashMap<Table, Cause> = tables.iter().copied().collect();
        for actor in actors.iter_mut() {
            if causes.contains_key(&actor.report.table()) {
                self.refresh(actor, now);
            } else if actor.next_keys.is_some_and(|at| at <= now) {
                actor.next_keys = self.next_keys(actor.report, now);
            }
        }
        if !tables.is_empty() {
            rehearsal.decisions.push(Rehearsed { at: now, trigger: Trigger::TopUp, fire: None, tables });
        }
        decide(actors).next_decision
    }

    fn condition(&self, actor: &Actor, now: DateTime<Utc>) -> Condition {
        let keys_changed = actor.next_keys.filter(|at| *at <= now);
        let missing = keys_changed.is_some()
            && self.keys(actor.report, now).iter().any(|key| !actor.keys.contains(key));
        Condition {
            table: actor.report.table(),
            unfit: missing,
            outdated: false,
            renewal_times: RenewalTimes {
                next_keys: actor.next_keys,
                ..RenewalTimes::of(actor.report, self.context(now), Some(actor.generated), actor.limit)
            },
            keys_changed,
            tried: Some(actor.generated),
            busy: false,
        }
    }

    fn actors(&self, generated: DateTime<Utc>) -> Vec<Actor> {
        let actor = |&(report, limit): &(&'static dyn Report, TimeDelta)| {
            let keys = HashSet::new();
            let mut actor = Actor { report, limit, generated, keys, next_keys: None };
            self.refresh(&mut actor, generated);
            actor
        };
        self.reports.iter().map(actor).collect()
    }

    fn refresh(&self, actor: &mut Actor, at: DateTime<Utc>) {
        actor.generated = at;
        actor.next_keys = self.next_keys(actor.report, at);
        // Keys are compared only for reports whose keys change with time.
        if actor.next_keys.is_some() {
            actor.keys = self.keys(actor.report, at).into_iter().collect();
        }
    }

    fn context(&self, at: DateTime<Utc>) -> Context<'_> {
        Context::new(self.snapshot, self.settings, at)
    }

    fn keys(&self, report: &dyn Report, at: DateTime<Utc>) -> Vec<Key> {
        report.keys(self.context(at))
    }

    fn next_keys(&self, report: &dyn Report, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        report.next_keys(self.context(after))
    }
}

#[cfg(test)]
#[path = "rehearse_tests.rs"]
mod tests;
