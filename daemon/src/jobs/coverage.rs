//! Priorities of runs, and whether a waiting run covers another request as well.

use cached_proto::words::{Table, Trigger};
use chrono::{DateTime, Utc};

use super::NewRun;

/// Priority of the run of a slot that has waited for another run: it goes before everything else.
pub(super) const AFTER_ONE_RUN: i64 = -1;

/// Whether a run is that of a slot.
pub(super) const fn is_of_slot(trigger: Trigger) -> bool {
    matches!(trigger, Trigger::Schedule | Trigger::CatchUp)
}

/// Priority of a run; smaller goes first. A person waits for a manual run; the nightly run is the least
/// urgent, until it has waited for one run.
pub(super) const fn priority(trigger: Trigger) -> i64 {
    match trigger {
        Trigger::Manual => 0,
        Trigger::Startup => 1,
        Trigger::CatchUp => 2,
        Trigger::Watch => 3,
        Trigger::TopUp => 4,
        Trigger::Schedule => 5,
    }
}

/// The work of a queued run that has not begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) trigger: Trigger,
    pub(super) tables: Vec<Table>,
    pub(super) force: bool,
    pub(super) accept: bool,
    pub(super) exact: bool,
    pub(super) as_of: Option<DateTime<Utc>>,
}

impl Waiting {
    /// Whether this run, whose snapshot is yet to be taken, does all of a request, so that the request needs
    /// no run of its own.
    ///
    /// A manual request joins only an identical one: the operator gets exactly what was requested. An
    /// automatic request may join any run that does at least as much. Scheduled and catch-up runs are
    /// identified by their slot and never join another run.
    pub(super) fn covers(&self, new: &NewRun) -> bool {
        if (self.exact, self.as_of) != (new.exact, new.as_of) {
            return false;
        }
        match new.trigger {
            Trigger::Manual => {
                self.trigger == Trigger::Manual
                    && (self.force, self.accept) == (new.force, new.accept)
                    && self.tables == new.tables
            }
            Trigger::Watch | Trigger::TopUp | Trigger::Startup => {
                thoroughness(self.trigger, self.force) >= thoroughness(new.trigger, new.force)
                    && self.accept >= new.accept
                    && new.tables.iter().all(|table| self.tables.contains(table))
            }
            Trigger::Schedule | Trigger::CatchUp => false,
        }
    }
}

/// How much of a table a run regenerates; a higher level includes every lower one.
const fn thoroughness(trigger: Trigger, force: bool) -> u8 {
    match trigger {
        _ if force => 3,
        Trigger::Schedule | Trigger::CatchUp | Trigger::Watch => 2,
        // Also entries that are young but would not last until the next scheduled run.
        Trigger::TopUp => 1,
        Trigger::Manual | Trigger::Startup => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Table::{DistrictYearEndReports as A, OrganizationDetailCache as B};
    use Trigger::{CatchUp, Manual, Schedule, Startup, TopUp, Watch};

    fn waiting(trigger: Trigger, tables: &[Table]) -> Waiting {
        let tables = tables.to_vec();
        Waiting { trigger, tables, force: false, accept: false, exact: false, as_of: None }
    }

    fn new(trigger: Trigger, tables: &[Table]) -> NewRun {
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
            let found = waiting(*trigger, tables).covers(&new(*asked, wanted));
            assert_eq!(found, *covered, "{trigger} {tables:?} for {asked} {wanted:?}");
        }
    }

    #[test]
    fn force_covers_everything_and_special_wishes_only_themselves() {
        let forced = Waiting { force: true, ..waiting(Manual, &[A]) };
        assert!(forced.covers(&new(Watch, &[A])));
        assert!(!waiting(Watch, &[A]).covers(&NewRun { accept: true, ..new(Watch, &[A]) }));
        assert!(Waiting { accept: true, ..waiting(Watch, &[A]) }.covers(&new(Watch, &[A])));
        assert!(!Waiting { exact: true, ..waiting(Watch, &[A]) }.covers(&new(Watch, &[A])));
        let at = Some(DateTime::UNIX_EPOCH);
        assert!(!Waiting { as_of: at, ..waiting(Watch, &[A]) }.covers(&new(Watch, &[A])));
    }

    #[test]
    fn people_go_first_and_the_night_last() {
        let mut all = Trigger::ALL.to_vec();
        all.sort_by_key(|trigger| priority(*trigger));
        assert_eq!(all, [Manual, Startup, CatchUp, Watch, TopUp, Schedule]);
    }
}
