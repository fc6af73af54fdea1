//! What the cache tables may look like at any moment.

use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};

use cached::refresh::RefreshScope;
use cached::refresh::find::text_of;
use cached::reports::REPORTS;
use cached::vms::tables::Table;
use cached_tests::inside::{Inside, Sample};
use cached_tests::vms::{Other, key_sql, payload_sql};
use chrono::Utc;

use crate::source::{MARK, MARK_LENGTH};

/// To which group each entry belongs, by table and key.
pub(crate) type Groups = HashMap<(Table, String), String>;

/// What is replaced in one transaction, as the reports themselves say. Nobody may be at work on the sample.
#[expect(clippy::disallowed_methods, reason = "real processes live in real time")]
pub(crate) fn partition(sample: &Sample) -> Groups {
    let copy = sample.copy();
    let inside = Inside::open(&copy.database(), &copy.state());
    let now = Utc::now();
    let snapshot = inside.snapshot(RefreshScope::Thorough, now);
    let mut groups = Groups::new();
    for report in REPORTS {
        for group in report.build(&snapshot, inside.settings(), now) {
            for entry in &group.entries {
                let key: Vec<String> = entry.key.0.iter().map(text_of).collect();
                groups.insert((report.table(), key.join(" ")), group.name.clone());
            }
        }
    }
    groups
}

/// All that was ever seen in the cache tables.
pub(crate) struct Entries {
    groups: Groups,
    /// Entries that were there once.
    known: BTreeMap<Table, Vec<String>>,
    /// What an entry looked like in each generation of the source.
    payloads: HashMap<(Table, String, String), u64>,
}

impl Entries {
    pub(crate) fn new(groups: Groups) -> Self {
        Self { groups, known: BTreeMap::new(), payloads: HashMap::new() }
    }

    /// Tables that have entries which tell their generation.
    pub(crate) fn tables(&self) -> usize {
        let mut tables: Vec<Table> = self.payloads.keys().map(|(table, ..)| *table).collect();
        tables.sort_unstable();
        tables.dedup();
        tables.len()
    }

    /// Reads every entry: none is gone, each is of one generation and as every entry of that generation was, and so
    /// is each group.
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
                // What has nothing to tell was the same before.
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

/// Key, stamp, mark, what is wrong with the marks, and payload of every row.
fn statement(table: Table) -> String {
    let (key, payload) = (key_sql(table), payload_sql(table));
    format!(
        "SELECT k, s, m, CASE WHEN m <> '' AND instr(replace(p, m, ''), '{MARK}') THEN 'another' END, p FROM \
         (SELECT k, s, p, CASE WHEN instr(p, '{MARK}') THEN substr(p, instr(p, '{MARK}'), {MARK_LENGTH}) \
         ELSE '' END m FROM (SELECT {key} k, CAST(last_updated AS TEXT) s, {payload} p FROM \"{table}\" ORDER BY id))"
    )
}
