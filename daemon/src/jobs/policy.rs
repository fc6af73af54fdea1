//! What each trigger means, in one table: the priority of its runs, how much they regenerate, which run may do
//! the work of a request, and who requested it. Code elsewhere uses this table and never matches on a
//! trigger.

use cached_proto::words::Trigger;

use super::NewRun;

/// Priority of the run of a slot that has waited for another run: higher than that of all others.
pub(super) const AFTER_ONE_RUN: i64 = -1;

/// How much of a table a run regenerates, in ascending order: each scope includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefreshScope {
    /// Only entries that are missing, unfit or no longer young.
    Due,
    /// Only entries that are missing, unfit, outdated by the passing of time, or pass their age limit before
    /// the next scheduled run has renewed them.
    Expiring,
    /// Every entry; a section of a report whose inputs have not changed, and whose rows hold what the daemon wrote, is
    /// stamped without being computed.
    Every,
    /// Every entry, computed and compared with the digest of what is stored.
    Thorough,
}

/// Who requested a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requester {
    /// A person, who waits for it; it runs even while the scheduler is stopped.
    Person,
    /// The daemon, which has noticed that a refresh is needed.
    Daemon,
    /// A slot of the schedule, on time.
    Slot,
    /// A slot that passed while the daemon was not running.
    LateSlot,
}

/// Which queued run, whose snapshot is yet to be taken, may do the work of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joins {
    /// None: it is identified by its slot.
    None,
    /// One that was requested with the same options: the operator gets exactly what was requested.
    Same,
    /// Any that does at least as much.
    Broader,
}

/// What a trigger means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Lower numbers go first. A person waits for a manual run; the nightly run has the lowest priority until it has
    /// waited for one run.
    pub priority: i64,
    /// Who requested it.
    pub requester: Requester,
    /// Which queued run may do its work.
    pub joins: Joins,
    /// How much of its tables it regenerates. A scheduled run proves or computes everything: a figure that was changed
    /// in place is corrected by the next night at the latest. A manual run follows the rule of
    /// VMS's own scripts, which leaves young entries alone, unless it is forced.
    pub scope: RefreshScope,
    /// Whether it covers all tables, so that its duration is that of a full refresh.
    pub all_tables: bool,
}

impl Policy {
    /// The policy of a trigger, for a forced or an ordinary run.
    pub const fn of(trigger: Trigger, force: bool) -> Self {
        use RefreshScope::{Due, Every, Expiring, Thorough};
        let (priority, requester, joins, scope, all_tables) = match trigger {
            Trigger::Manual => (0, Requester::Person, Joins::Same, Due, false),
            Trigger::Startup => (1, Requester::Daemon, Joins::Broader, Due, true),
            Trigger::CatchUp => (2, Requester::LateSlot, Joins::None, Every, true),
            Trigger::Watch => (3, Requester::Daemon, Joins::Broader, Every, false),
            Trigger::TopUp => (4, Requester::Daemon, Joins::Broader, Expiring, false),
            Trigger::Schedule => (5, Requester::Slot, Joins::None, Every, true),
        };
        Self { priority, requester, joins, scope: if force { Thorough } else { scope }, all_tables }
    }

    /// Whether it belongs to a slot. Such a run waits for at most one other run, an external monitor expects
    /// it, and two in a row that see the same loss release what the guard holds.
    pub const fn is_of_slot(&self) -> bool {
        matches!(self.requester, Requester::Slot | Requester::LateSlot)
    }

    /// Whether it does not begin while the scheduler is stopped.
    pub fn is_automatic(&self) -> bool {
        self.requester != Requester::Person
    }

    /// The words of the triggers for whose unforced runs a condition holds.
    pub(super) fn words(is_meant: fn(&Self) -> bool) -> impl Iterator<Item = &'static str> {
        let meant = Trigger::ALL.iter().filter(move |&&trigger| is_meant(&Self::of(trigger, false)));
        meant.map(|trigger| trigger.as_str())
    }
}

/// Whether a queued run does everything that a request asks for, so that the request needs no run of its own.
pub(super) fn covers(waiting: &NewRun, request: &NewRun) -> bool {
    if (waiting.exact, waiting.as_of) != (request.exact, request.as_of) {
        return false;
    }
    let policy = Policy::of(request.trigger, request.force);
    match policy.joins {
        Joins::None => false,
        Joins::Same => {
            let words = |run: &NewRun| (run.trigger, run.force, run.accept);
            words(waiting) == words(request) && waiting.tables == request.tables
        }
        Joins::Broader => {
            Policy::of(waiting.trigger, waiting.force).scope >= policy.scope
                && waiting.accept >= request.accept
                && request.tables.iter().all(|table| waiting.tables.contains(table))
        }
    }
}

#[cfg(test)]
mod tests {
    use cached_proto::words::Table;
    use chrono::DateTime;

    use super::*;
    use RefreshScope::{Due, Every, Expiring, Thorough};
    use Table::{DistrictYearEndReports as A, OrganizationDetailCache as B};
    use Trigger::{CatchUp, Manual, Schedule, Startup, TopUp, Watch};

    /// One row of the table: `priority joins scope | requester, in words`.
    fn row(trigger: Trigger, force: bool) -> String {
        let policy = Policy::of(trigger, force);
        let Policy { priority, requester, joins, scope, all_tables } = policy;
        let of = |is: bool, word: &'static str| if is { word } else { "" };
        let words = [
            of(policy.is_automatic(), " automatic"),
            of(policy.is_of_slot(), " of-slot"),
            of(all_tables, " all-tables"),
        ];
        format!("{priority} {joins:?} {scope:?} | {requester:?}{}", words.concat())
    }

    #[test]
    fn each_trigger_has_its_policy() {
        for (trigger, unforced) in [
            (Manual, "0 Same Due | Person"),
            (Startup, "1 Broader Due | Daemon automatic all-tables"),
            (CatchUp, "2 None Every | LateSlot automatic of-slot all-tables"),
            (Watch, "3 Broader Every | Daemon automatic"),
            (TopUp, "4 Broader Expiring | Daemon automatic"),
            (Schedule, "5 None Every | Slot automatic of-slot all-tables"),
        ] {
            assert_eq!(row(trigger, false), unforced, "{trigger}");
            let scope = format!("{:?}", Policy::of(trigger, false).scope);
            assert_eq!(row(trigger, true), unforced.replacen(&scope, "Thorough", 1), "{trigger}, forced");
        }
    }

    #[test]
    fn each_scope_includes_the_ones_before_it() {
        assert!([Due, Expiring, Every, Thorough].is_sorted());
    }

    #[test]
    fn manual_runs_have_the_highest_priority_and_scheduled_ones_the_lowest() {
        let mut all = Trigger::ALL.to_vec();
        all.sort_by_key(|trigger| Policy::of(*trigger, false).priority);
        assert_eq!(all, [Manual, Startup, CatchUp, Watch, TopUp, Schedule]);
    }

    fn run(trigger: Trigger, tables: &[Table]) -> NewRun {
        NewRun::new(trigger, tables.to_vec())
    }

    #[test]
    fn a_broader_run_covers_a_narrower_automatic_one() {
        type Asked = (Trigger, &'static [Table]);
        let cases: &[(Asked, Asked, bool)] = &[
            ((Watch, &[A, B]), (Watch, &[B]), true),
            ((Watch, &[A]), (Watch, &[A, B]), false),
            ((Schedule, &[A, B]), (Watch, &[B]), true),
            ((CatchUp, &[A, B]), (TopUp, &[A]), true),
            ((TopUp, &[A]), (Startup, &[A]), true),
            ((Startup, &[A]), (TopUp, &[A]), false),
            ((TopUp, &[A]), (Watch, &[A]), false),
            ((Manual, &[A, B]), (Startup, &[A]), true),
            ((Manual, &[A]), (Watch, &[A]), false),
            ((Manual, &[A]), (Manual, &[A]), true),
            ((Manual, &[A, B]), (Manual, &[A]), false),
            ((Schedule, &[A]), (Manual, &[A]), false),
            ((Schedule, &[A]), (Schedule, &[A]), false),
            ((Schedule, &[A]), (CatchUp, &[A]), false),
        ];
        for ((trigger, tables), (asked, their_tables), covered) in cases {
            let found = covers(&run(*trigger, tables), &run(*asked, their_tables));
            assert_eq!(found, *covered, "{trigger} {tables:?} for {asked} {their_tables:?}");
        }
    }

    #[test]
    fn a_forced_run_covers_any_request_but_special_options_only_equal_ones() {
        let forced = NewRun { force: true, ..run(Manual, &[A]) };
        assert!(covers(&forced, &run(Watch, &[A])));
        let watched = || run(Watch, &[A]);
        assert!(!covers(&watched(), &NewRun { accept: true, ..watched() }));
        assert!(covers(&NewRun { accept: true, ..watched() }, &watched()));
        assert!(!covers(&NewRun { exact: true, ..watched() }, &watched()));
        let at = Some(DateTime::UNIX_EPOCH);
        assert!(!covers(&NewRun { as_of: at, ..watched() }, &watched()));
    }
}
