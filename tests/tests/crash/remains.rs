//! State of the files after a kill: whether the kill interrupted anything, and whether both files are intact.

use std::collections::BTreeMap;
use std::fmt;

use cached_tests::inside::Sample;
use cached_tests::vms::Other;

/// Work that was in progress when the daemon died.
pub(crate) struct Remains {
    run: bool,
    /// The table that was being refreshed.
    table: Option<String>,
    /// Whether the daemon died within a transaction on VMS's file; visible in a rollback journal only.
    transaction: bool,
}

impl Remains {
    /// Returns whether the daemon died while a run was in progress.
    pub(crate) const fn is_of_a_run(&self) -> bool {
        self.run
    }
}

/// Inspects the files of a killed daemon.
pub(crate) fn remains(sample: &Sample) -> Remains {
    let journal = std::fs::metadata(sample.directory().join("vms.db-journal"));
    let transaction = journal.is_ok_and(|journal| journal.len() > 0);
    for database in [sample.database(), sample.state()] {
        assert_eq!(Other::open(&database).texts("PRAGMA integrity_check"), ["ok"], "{}", database.display());
    }
    let state = Other::open(&sample.state());
    let run = state.number("SELECT count(*) FROM runs WHERE phase = 'running'") > 0;
    let tables = state.texts(
        "SELECT jobs.table_name FROM attempts JOIN jobs ON jobs.id = attempts.job_id WHERE attempts.ended IS NULL",
    );
    assert!(tables.len() <= 1, "tables are worked on one after the other: {tables:?}");
    Remains { run, table: tables.into_iter().next(), transaction }
}

/// Counts of all kills.
#[derive(Default)]
pub(crate) struct Hits {
    kills: usize,
    /// Kills of a daemon that had answered.
    running: usize,
    /// Kills during a run.
    in_progress: usize,
    transactions: usize,
    tables: BTreeMap<String, usize>,
}

impl Hits {
    /// Returns the number of kills.
    pub(crate) const fn kills(&self) -> usize {
        self.kills
    }

    /// Counts a kill; `running` is whether the daemon had started.
    pub(crate) fn count(&mut self, running: bool, remains: &Remains) {
        self.kills += 1;
        self.transactions += usize::from(remains.transaction);
        if !running {
            return;
        }
        self.running += 1;
        self.in_progress += usize::from(remains.run);
        let at =
            remains.table.as_deref().unwrap_or(if remains.run { "reading the source" } else { "nothing" });
        *self.tables.entry(at.to_owned()).or_default() += 1;
    }

    /// Returns whether most kills came while a run was in progress.
    pub(crate) fn are_most(&self) -> bool {
        self.in_progress * 2 > self.running
    }
}

impl fmt::Display for Hits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, running, in_progress, transactions, tables } = self;
        write!(
            f,
            "{kills} kills, {} of a daemon that was still starting, {in_progress} of the others while a run was in \
             progress ({tables:?}); {transactions} left a hot journal",
            kills - running
        )
    }
}
