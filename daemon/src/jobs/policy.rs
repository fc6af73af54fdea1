//! What each trigger means, in one table: how urgent its runs are, how much they regenerate, which run may do
//! the work of a request, and on whose behalf it is. Whoever needs to know asks here and matches on no
//! trigger itself.

use cached_proto::words::Trigger;

use super::NewRun;

/// Priority of the run of a slot that has waited for another run: it goes before everything else.
pub(super) const AFTER_ONE_RUN: i64 = -1;

/// How much of a table a run regenerates, the least first: each does all that those before it do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefreshScope {
    /// Only entries that are missing, unfit or no longer young.
    Due,
    /// Only entries that are missing, unfit, outdated by the passing of time, or pass their age limit before
    /// the next scheduled run has renewed them.
    Expiring,
    /// Every entry; a table whose inputs have not changed is stamped without being computed.
    Every,
    /// Every entry, computed and compared byte for byte.
    Thorough,
}

/// On whose behalf a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// A person, who waits for it and gets it also while the scheduler is stopped.
    Person,
    /// The daemon, which has noticed that something is to be done.
    Daemon,
    /// A slot of the schedule, in time.
    Slot,
    /// A slot that passed while the daemon was not running.
    LateSlot,
}

/// Which waiting run, whose snapshot is yet to be taken, may do the work of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joins {
    /// None: it is identified by its slot.
    None,
    /// One that was requested in the same words: the operator gets exactly what was requested.
    Same,
    /// Any that does at least as much.
    Broader,
}

/// What a trigger means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Smaller goes first. A person waits for a manual run; the nightly run is the least urgent, until it has
    /// waited for one run.
    pub priority: i64,
    /// On whose behalf it is.
    pub asker: Asker,
    /// Which waiting run may do its work.
    pub joins: Joins,
    /// How much of its tables it regenerates. A scheduled run computes and compares everything: a figure that
    /// was changed in place is corrected by the next night at the latest. A manual run follows the rule of
    /// VMS's own scripts, which leaves young entries alone, unless it is forced.
    pub scope: RefreshScope,
    /// Whether it is for all tables, so that its duration is that of a refresh of everything.
    pub all_tables: bool,
}

impl Policy {
    /// What a trigger means for a run that is forced or not.
    pub const fn of(trigger: Trigger, force: bool) -> Self {
        use RefreshScope::{Due, Every, Expiring, Thorough};
        let (priority, asker, joins, scope, all_tables) = match trigger {
            Trigger::Manual => (0, Asker::Person, Joins::Same, Due, false),
            Trigger::Startup => (1, Asker::Daemon, Joins::Broader, Due, true),
            Trigger::CatchUp => (2, Asker::LateSlot, Joins::None, Thorough, true),
            Trigger::Watch => (3, Asker::Daemon, Joins::Broader, Every, false),
            Trigger::TopUp => (4, Asker::Daemon, Joins::Broader, Expiring, false),
            Trigger::Schedule => (5, Asker::Slot, Joins::None, Thorough, true),
        };
        Self { priority, asker, joins, scope: if force { Thorough } else { scope }, all_tables }
    }

    /// Whether it is of a slot. Such a run waits for one other run at the most, an outside monitor expects
    /// it, and two in a row that see the same loss release what the guard holds.
    pub const fn is_of_slot(&self) -> bool {
        matches!(self.asker, Asker::Slot | Asker::LateSlot)
    }

    /// Whether it does not begin while the scheduler is stopped.
    pub fn is_automatic(&self) -> bool {
        self.asker != Asker::Person
    }

    /// The words of the triggers for whose unforced runs a condition holds.
    pub(super) fn words(is_meant: fn(&Self) -> bool) -> impl Iterator<Item = &'static str> {
        let meant = Trigger::ALL.iter().filter(move |&&trigger| is_meant(&Self::of(trigger, false)));
        meant.map(|trigger| trigger.as_str())
    }
}

/// Whether a run that waits does all of a request, so that the request needs no run of its own.
pub(super) fn covers(waiting: &NewRun, wanted: &NewRun) -> bool {
    if (waiting.exact, waiting.as_of) != (wanted.exact, wanted.as_of) {
        return false;
    }
    let policy = Policy::of(wanted.trigger, wanted.force);
    match policy.joins {
        Joins::None => false,
        Joins::Same => {
            let words = |run: &NewRun| (run.trigger, run.force, run.accept);
            words(waiting) == words(wanted) && waiting.tables == wanted.tables
        }
        Joins::Broader => {
            Policy::of(waiting.trigger, waiting.force).scope >= policy.scope
                && waiting.accept >= wanted.accept
                && wanted.tables.iter().all(|table| waiting.tables.contains(table))
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

    /// One row of the table: `priority joins scope | asker, in words`.
    fn row(trigger: Trigger, force: bool) -> String {
        let policy = Policy::of(trigger, force);
        let Policy { priority, asker, joins, scope, all_tables } = policy;
        let of = |is: bool, word: &'static str| if is { word } else { "" };
        let words = [
            of(policy.is_automatic(), " automatic"),
            of(policy.is_of_slot(), " of-slot"),
            of(all_tables, " all-tables"),
        ];
        format!("{priority} {joins:?} {scope:?} | {asker:?}{}", words.concat())
    }

    #[test]
    fn each_trigger_has_its_row() {
        for (trigger, unforced) in [
            (Manual, "0 Same Due | Person"),
            (Startup, "1 Broader Due | Daemon automatic all-tables"),
            (CatchUp, "2 None Thorough | LateSlot automatic of-slot all-tables"),
            (Watch, "3 Broader Every | Daemon automatic"),
            (TopUp, "4 Broader Expiring | Daemon automatic"),
            (Schedule, "5 None Thorough | Slot automatic of-slot all-tables"),
        ] {
            assert_eq!(row(trigger, false), unforced, "{trigger}");
            let scope = format!("{:?}", Policy::of(trigger, false).scope);
            assert_eq!(row(trigger, true), unforced.replacen(&scope, "Thorough", 1), "{trigger}, forced");
        }
    }

    #[test]
    fn each_scope_does_all_that_those_before_it_do() {
        assert!([Due, Expiring, Every, Thorough].is_sorted());
    }

    #[test]
    fn people_go_first_and_the_night_last() {
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
        for ((trigger, tables), (asked, wanted), covered) in cases {
            let found = covers(&run(*trigger, tables), &run(*asked, wanted));
            assert_eq!(found, *covered, "{trigger} {tables:?} for {asked} {wanted:?}");
        }
    }

    #[test]
    fn force_covers_everything_and_special_wishes_only_themselves() {
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
