//! A worker of VMS: short transactions with VMS's settings, and a short pause between them.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cached::vms::tables::{Table, spec};
use cached_tests::rng::Rng;
use cached_tests::vms::Other;
use sea_orm::DbErr;

/// One in this many transactions is a page view that computes its report itself and overwrites the cache row.
const VIEWS: usize = 400;

/// Longest time between two transactions, in milliseconds.
const THINKING: usize = 20;

/// A worker in a thread of its own.
pub(crate) struct Worker {
    stop: Arc<AtomicBool>,
    transactions: Arc<AtomicU64>,
    thread: JoinHandle<Wrote>,
}

/// Results of a worker.
#[derive(Default)]
pub(crate) struct Wrote {
    transactions: u64,
    views: u64,
    /// Duration of the longest transaction, including waiting.
    longest: Duration,
    pub(crate) errors: Vec<String>,
}

impl Worker {
    pub(crate) fn begin(database: &Path, busy_timeout: Duration, rng: Rng) -> Self {
        let (stop, transactions) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let thread = thread::spawn({
            let (stop, transactions) = (Arc::clone(&stop), Arc::clone(&transactions));
            let vms = Other::open_for(database, busy_timeout);
            move || {
                let mut working = Working { vms, rng, wrote: Wrote::default() };
                while !stop.load(Ordering::Relaxed) {
                    working.transaction();
                    transactions.store(working.wrote.transactions, Ordering::Relaxed);
                    let thinking = u64::try_from(working.rng.below(THINKING)).unwrap();
                    thread::park_timeout(Duration::from_millis(thinking));
                }
                working.wrote
            }
        });
        Self { stop, transactions, thread }
    }

    /// Returns the number of transactions so far.
    pub(crate) fn transactions(&self) -> u64 {
        self.transactions.load(Ordering::Relaxed)
    }

    /// Stops the worker after the transaction in progress.
    pub(crate) fn end(self) -> Wrote {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

impl fmt::Display for Wrote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { transactions, views, longest, errors } = self;
        write!(
            f,
            "{transactions} transactions, {views} of them page views, the longest {longest:.3?}, {} failed",
            errors.len()
        )
    }
}

struct Working {
    vms: Other,
    rng: Rng,
    wrote: Wrote,
}

impl Working {
    #[expect(clippy::disallowed_methods, reason = "real writers wait in real time")]
    fn transaction(&mut self) {
        let (view, statement) = self.statement();
        let began = Instant::now();
        // Python's driver begins a transaction when the first statement writes, and does not request the lock
        // before.
        let done = self.vms.try_execute("BEGIN").and_then(|()| self.write(&statement));
        self.wrote.longest = self.wrote.longest.max(began.elapsed());
        match done {
            Ok(()) => {
                self.wrote.transactions += 1;
                self.wrote.views += u64::from(view);
            }
            Err(error) => self.wrote.errors.push(format!("{error} ({statement})")),
        }
    }

    fn write(&self, statement: &str) -> Result<(), DbErr> {
        let done = self.vms.try_execute(statement).and_then(|()| self.vms.try_execute("COMMIT"));
        if done.is_err() {
            // A failed statement may have rolled back already.
            let _ = self.vms.try_execute("ROLLBACK");
        }
        done
    }

    /// Returns whether the statement is a page view, and the statement.
    fn statement(&mut self) -> (bool, String) {
        if self.rng.below(VIEWS) == 0 {
            return (true, self.view());
        }
        let chosen = format!(
            "id = (SELECT id FROM event_participation WHERE id >= {} ORDER BY id LIMIT 1)",
            self.rng.below(2000)
        );
        let hours = 1 + self.rng.below(8);
        let change = format!("UPDATE event_participation SET delivery_hours = {hours} WHERE {chosen}");
        let sign_up = format!(
            "INSERT INTO event_participation (volunteer_id, event_id, status, delivery_hours) \
             SELECT volunteer_id, event_id, 'Attended', {hours} FROM event_participation WHERE {chosen}; {change}"
        );
        (false, if self.rng.below(4) == 0 { sign_up } else { change })
    }

    fn view(&mut self) -> String {
        let tables: Vec<Table> =
            Table::ALL.iter().copied().filter(|&table| table != Table::OrganizationReports).collect();
        let table = tables[self.rng.below(tables.len())];
        let payload = spec(table).payload[0].name;
        let row = self.rng.below(20);
        format!(
            "UPDATE {table} SET \"{payload}\" = \"{payload}\" || '', \
             last_updated = strftime('%Y-%m-%d %H:%M:%f000', 'now') \
             WHERE id = (SELECT id FROM {table} ORDER BY id LIMIT 1 OFFSET {row} % (SELECT max(1, count(*)) FROM {table}))"
        )
    }
}
