//! A daemon whose tables are all fresh, and the state that is compared before, during and after a fault.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use cached::vms::tables::{Table, spec};
use cached_tests::daemon::{Daemon, socket};
use cached_tests::golden::Golden;
use cached_tests::vms::Other;
use cached_tests::wait;
use serde_json::Value;

/// Every cell of every row of every cache table, by the row's id.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Rows(pub(crate) BTreeMap<Table, BTreeMap<i64, String>>);

impl Rows {
    /// Returns the number of rows.
    pub(crate) fn count(&self, table: Table) -> usize {
        self.0.get(&table).map_or(0, BTreeMap::len)
    }

    /// Checks that no row is missing; rows may have been renewed meanwhile.
    pub(crate) fn none_lost(&self, after: &Self) {
        let ids = |rows: &Self| -> Vec<(Table, Vec<i64>)> {
            rows.0.iter().map(|(table, rows)| (*table, rows.keys().copied().collect())).collect()
        };
        assert_eq!(ids(self), ids(after));
    }
}

/// Shows counts only: the rows themselves are too long to read.
impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(table, rows)| (table, rows.len()))).finish()
    }
}

/// Reads every existing cache table.
pub(crate) fn rows(vms: &Other) -> Rows {
    let mut rows = BTreeMap::new();
    for &table in Table::ALL {
        let there = format!("SELECT count(*) FROM sqlite_schema WHERE name = '{table}'");
        if vms.number(&there) > 0 {
            let cells: Vec<String> = spec(table).columns().map(|name| format!("quote(\"{name}\")")).collect();
            let sql = format!("SELECT {} FROM \"{table}\" ORDER BY id", cells.join(" || '|' || "));
            let row = |text: String| (text.split('|').next().unwrap().parse().unwrap(), text);
            rows.insert(table, vms.texts(&sql).into_iter().map(row).collect());
        }
    }
    assert!(rows.values().map(BTreeMap::len).sum::<usize>() > 50, "there is nothing to lose");
    Rows(rows)
}

/// Checkpoints and truncates VMS's write-ahead log, so that it has no free space within itself.
pub(crate) fn fold_in(vms: &Other) {
    assert_eq!(vms.number("PRAGMA wal_checkpoint(TRUNCATE)"), 0, "another process holds the log");
}

/// Changes source data that every larger report is built from.
pub(crate) fn change_source(vms: &Other) {
    vms.execute("UPDATE event_participation SET delivery_hours = coalesce(delivery_hours, 0) + 100");
}

/// Disables automatic work; failed jobs are retried soon and often.
pub(crate) const PERSISTENT: &str = "[watch]\nenabled = false\n\
     [retry]\nattempts = 20\nbase_delay = \"200ms\"\nmax_delay = \"500ms\"\n";

/// Disables automatic work and retries.
pub(crate) const QUIET: &str = "[watch]\nenabled = false\n[retry]\nattempts = 1\n";

/// Locations of a daemon's files, if not all in one directory.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) golden: Golden,
    pub(crate) database: PathBuf,
    pub(crate) state: PathBuf,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let golden = Golden::unpack("tiny1");
        let (database, state) = (golden.database(), golden.state());
        // VMS's own journal mode.
        Other::open(&database).execute("PRAGMA journal_mode = WAL");
        Self { golden, database, state }
    }

    /// Returns a directory of the scene, created when missing.
    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        let directory = self.golden.directory().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        directory
    }

    /// Moves VMS's database to this directory.
    pub(crate) fn move_database(mut self, directory: &Path) -> Self {
        let to = directory.join("vms.db");
        std::fs::copy(&self.database, &to).unwrap();
        std::fs::remove_file(&self.database).unwrap();
        self.database = to;
        self
    }

    pub(crate) fn vms(&self) -> Other {
        Other::open(&self.database)
    }

    pub(crate) fn command(&self, configuration: &str) -> Command {
        let mut command = Daemon::command(&self.golden, configuration);
        command.arg("--database").arg(&self.database).arg("--state").arg(&self.state);
        command
    }

    /// Starts the daemon and waits until it is healthy.
    pub(crate) fn start(&self, configuration: &str) -> Daemon {
        let daemon = Daemon::launch(self.command(configuration), &socket(self.golden.directory()));
        daemon.idle();
        healthy(&daemon);
        daemon
    }
}

/// Waits until health has no reasons.
pub(crate) fn healthy(daemon: &Daemon) {
    wait::until("the daemon is healthy", || (daemon.health()["health"] == "healthy").then_some(()));
}

/// Waits for a reason whose message contains all these parts, and whose hint gives a remedy.
pub(crate) fn await_reason(daemon: &Daemon, code: &str, parts: &[&str]) {
    let reason = wait::until(&format!("health reports {code}"), || reason(&daemon.health(), code));
    check(&reason, parts);
}

/// Returns the reason of that code, if health has it.
pub(crate) fn reason(health: &Value, code: &str) -> Option<Value> {
    health["reasons"].as_array()?.iter().find(|reason| reason["code"] == code).cloned()
}

/// Checks that the message contains `parts`, and that the hint gives a remedy.
pub(crate) fn check(reason: &Value, parts: &[&str]) {
    let message = reason["message"].as_str().unwrap();
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
    assert!(!reason["hint"].as_str().unwrap().is_empty());
}
