//! A client that reads the cache tables continuously, as VMS's pages do: one entry at a time, in short
//! transactions.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use cached::vms::tables::Table;
use cached_tests::vms::{Other, key_sql, payload_sql};
use sea_orm::DbErr;

use crate::entries::Groups;

/// Pause between two reads, so that other clients can read, too.
const PAUSE: Duration = Duration::from_millis(2);

/// A reader in a thread of its own.
pub(crate) struct Reader {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Readings>,
}

/// Results of a reader.
#[derive(Default)]
pub(crate) struct Readings {
    rounds: u64,
    entries: u64,
    faults: Vec<String>,
}

impl Reader {
    pub(crate) fn start(database: &Path, groups: Groups) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let (stop, vms) = (Arc::clone(&stop), Other::open(database));
            move || {
                let mut reading = Reading::new(vms, groups);
                while !stop.load(Ordering::Relaxed) {
                    reading.read_all();
                }
                reading.readings
            }
        });
        Self { stop, thread }
    }

    /// Stops reading, and checks that no entry was missing, torn or locked.
    pub(crate) fn end(self) -> Readings {
        self.stop.store(true, Ordering::Relaxed);
        let readings = self.thread.join().unwrap();
        assert!(
            readings.faults.is_empty(),
            "{readings}: {:#?}",
            &readings.faults[..readings.faults.len().min(10)]
        );
        assert!(readings.rounds > 0);
        readings
    }
}

impl fmt::Display for Readings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} reads of a table and of {} entries, {} faults",
            self.rounds,
            self.entries,
            self.faults.len()
        )
    }
}

struct Reading {
    vms: Other,
    groups: Groups,
    known: BTreeMap<Table, HashSet<String>>,
    /// The last timestamp of each group; it never goes back.
    stamps: HashMap<(Table, String), String>,
    readings: Readings,
}

impl Reading {
    fn new(vms: Other, groups: Groups) -> Self {
        Self { vms, groups, known: BTreeMap::new(), stamps: HashMap::new(), readings: Readings::default() }
    }

    fn read_all(&mut self) {
        for &table in Table::ALL {
            if let Err(error) = self.read_table(table) {
                self.readings.faults.push(format!("{table}: {error}"));
            }
            thread::park_timeout(PAUSE);
        }
    }

    fn read_table(&mut self, table: Table) -> Result<(), DbErr> {
        self.readings.rounds += 1;
        let keys = key_sql(table);
        let rows =
            self.vms.try_cells(&format!("SELECT {keys}, CAST(last_updated AS TEXT) FROM \"{table}\""))?;
        let mut fault = |what: String| self.readings.faults.push(format!("{table}: {what}"));
        let known = self.known.entry(table).or_default();
        let found: HashSet<String> = rows.iter().map(|row| row[0].clone()).collect();
        for gone in known.difference(&found) {
            fault(format!("{gone} is gone"));
        }
        let mut stamps: HashMap<&str, &str> = HashMap::new();
        for row in &rows {
            let Some(group) = self.groups.get(&(table, row[0].clone())) else { continue };
            let stamp = stamps.entry(group).or_insert(&row[1]);
            if *stamp != row[1] {
                fault(format!("group {group} is half written: {stamp} and {}", row[1]));
            }
        }
        for (group, stamp) in stamps {
            let last = self.stamps.entry((table, group.to_owned())).or_default();
            if stamp < last.as_str() {
                fault(format!("group {group} went back from {last} to {stamp}"));
            }
            stamp.clone_into(last);
        }
        *known = found;
        // A page view: one entry by its key, another one each time.
        let turn = usize::try_from(self.readings.rounds).unwrap();
        let Some(row) = rows.get(turn % rows.len().max(1)) else { return Ok(()) };
        let (key, payload) = (row[0].replace('\'', "''"), payload_sql(table));
        let page =
            self.vms.try_cells(&format!("SELECT {payload} FROM \"{table}\" WHERE {keys} = '{key}'"))?;
        self.readings.entries += 1;
        if page.first().is_none_or(|page| page[0].trim().is_empty()) {
            self.readings.faults.push(format!("{table}: {} is blank", row[0]));
        }
        Ok(())
    }
}
