//! Invariants of the cache tables that hold at any moment.

use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};

use cached::refresh::RefreshScope;
use cached::reports::{Context, REPORTS};
use cached::vms::tables::Table;
use cached_tests::inside::{Inside, Sample};
use cached_tests::vms::{Other, key_sql, payload_sql};
use chrono::Utc;

use crate::source::{MARK, MARK_LENGTH};

/// Group of each entry, by table and key.
pub(crate) type Groups = HashMap<(Table, String), String>;

/// Returns the groups that are replaced in one transaction, as the reports define them.
#[expect(clippy::disallowed_methods, reason = "real processes live in real time")]
pub(crate) fn partition(sample: &Sample) -> Groups {
    let copy = sample.copy();
    let inside = Inside::open(&copy.database(), &copy.state());
    let now = Utc::now();
    let snapshot = inside.snapshot(RefreshScope::Thorough, now);
    let mut groups = Groups::new();
    for report in REPORTS {
        for group in report.build(Context::new(&snapshot, inside.settings(), now)) {
            for entry in &group.entries {
                let key: Vec<String> = entry.key.0.iter().map(ToString::to_string).collect();
                groups.insert((report.table(), key.join(" ")), group.name.clone());
            }
        }
    }
    groups
}

/// Every entry that was ever seen in the cache tables.
pub(crate) struct Entries {
    groups: Groups,
    /// Entries that existed once.
    known: BTreeMap<Table, Vec<String>>,
    /// Hash of an entry's payload in each generation of the source.
    payloads: HashMap<(Table, String, String), u64>,
}

impl Entries {
    pub(crate) fn new(groups: Groups) -> Self {
        Self { groups, known: BTreeMap::new(), payloads: HashMap::new() }
    }

    /// Returns the number of tables that have entries with a generation mark.
    pub(crate) fn tables(&self) -> usize {
        let mut tables: Vec<Table> = self.payloads.keys().map(|(table, ..)| *table).collect();
        tables.sort_unstable();
        tables.dedup();
        tables.len()
    }

    /// Reads every entry and checks that none is missing, that each belongs to one generation and equals
    /// every earlier reading of that generation, and that the same holds for each group.
    pub(crate) fn check(&mut self, vms: &Other, when: &str) {
        for &table in Table::ALL {
            let mut groups: HashMap<String, (String, Option<String>)> = HashMap::new();
            let rows = vms.try_cells(&statement(table)).unwrap();
            let keys: Vec<String> = rows.iter().map(|row| row[0].clone()).collect();
            for gone in self.known.entry(table).or_default() {
                assert!(keys.contains(gone), "{when}: {table} {gone} is gone");
            }
            for row in rows {
                let [key, stamp, mark, other, payload] = row.try_into().unwrap();
                assert_eq!(other, "", "{when}: {table} {key} is of two generations, {mark} is one");
                let mark = (!mark.is_empty()).then_some(mark);
                if let Some(mark) = &mark {
                    self.same_as_ever(table, &key, mark, &payload, when);
                }
                let Some(group) = self.groups.get(&(table, key.clone())) else { continue };
                let (group_stamp, group_mark) =
                    groups.entry(group.clone()).or_insert_with(|| (stamp.clone(), mark.clone()));
                assert_eq!(stamp, *group_stamp, "{when}: {table}: group {group} is half written at {key}");
                // An entry without a mark was the same in the previous generation.
                let known = group_mark.get_or_insert_with(|| mark.clone().unwrap_or_default());
                if let Some(mark) = mark {
                    if known.is_empty() {
                        known.clone_from(&mark);
                    }
                    assert_eq!(mark, *known, "{when}: {table}: group {group} is of two generations at {key}");
                }
            }
            self.known.insert(table, keys);
        }
    }

    fn same_as_ever(&mut self, table: Table, key: &str, mark: &str, payload: &str, when: &str) {
        let mut hasher = DefaultHasher::new();
        payload.hash(&mut hasher);
        let hash = hasher.finish();
        match self.payloads.entry((table, key.to_owned(), mark.to_owned())) {
            Entry::Vacant(first) => {
                first.insert(hash);
            }
            Entry::Occupied(before) => {
                assert_eq!(*before.get(), hash, "{when}: {table} {key} of {mark} is not what it was");
            }
        }
    }
}

/// Returns the query for key, timestamp, mark, inconsistent marks, and payload of every row.
fn statement(table: Table) -> String {
    let (key, payload) = (key_sql(table), payload_sql(table));
    format!(
        "SELECT k, s, m, CASE WHEN m <> '' AND instr(replace(p, m, ''), '{MARK}') THEN 'another' END, p FROM \
         (SELECT k, s, p, CASE WHEN instr(p, '{MARK}') THEN substr(p, instr(p, '{MARK}'), {MARK_LENGTH}) \
         ELSE '' END m FROM (SELECT {key} k, CAST(last_updated AS TEXT) s, {payload} p FROM \"{table}\" ORDER BY id))"
    )
}
