//! A long history in a state database, as years of refreshes leave it.

use std::path::Path;

use crate::vms::Other;

/// Adds ended runs, one a minute before the present, each with all tables and two attempts at each. The daemon
/// must have created the database, and not be running.
pub fn add(state: &Path, runs: u32) {
    let tables = cached::vms::tables::Table::ALL.iter().map(|table| format!("('{table}')"));
    let tables: Vec<String> = tables.collect();
    Other::open(state).execute(&format!(
        "CREATE TEMP TABLE names (name TEXT); INSERT INTO names VALUES {};
         CREATE TEMP TABLE added AS
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {runs})
             SELECT (SELECT coalesce(max(id), 0) FROM runs) + i AS id,
                    (unixepoch() - ({runs} - i) * 60) * 1000000 AS at FROM n;
         INSERT INTO runs (id, \"trigger\", priority, force, accept, exact, phase, queued, started, ended, seconds, outcome)
             SELECT id, 'manual', 1, 1, 0, 0, 'done', at, at + 1000, at + 2000, 1.5, 'verified' FROM added;
         INSERT INTO jobs (run_id, table_name, ordinal, phase, outcome, failures, entries, verified, bytes, seconds,
                           lock_count, lock_seconds, lock_longest)
             SELECT id, name, names.rowid, 'done', 'verified', 1, 1234, 1234, 123456789, 0.125, 7, 0.0625, 0.015625
             FROM added, names ORDER BY id, names.rowid;
         INSERT INTO attempts (job_id, number, started, ended, snapshot, seconds, outcome, error)
             SELECT jobs.id, try.number, at, at + 500 * number, at, 0.125, try.outcome, try.error FROM jobs JOIN added ON added.id = run_id,
                 (SELECT 1 AS number, 'failed' AS outcome,
                         'the VMS database stayed locked by another process for more than 20 s (writing a group)' AS error
                  UNION ALL SELECT 2, 'verified', NULL) AS try;",
        tables.join(", ")
    ));
}
