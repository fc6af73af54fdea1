//! The payloads of a table, read back and parsed.

use cached::vms::tables::{Table, spec};
use cached_tests::inside::Inside;
use serde_json::Value;

/// A row of a cache table.
pub(crate) struct Row {
    /// Table and key, for messages.
    pub(crate) name: String,
    /// The values of its key columns; NULL is empty.
    pub(crate) key: Vec<String>,
    columns: Vec<(&'static str, Value)>,
}

/// All rows of a table, by id.
pub(crate) fn rows(inside: &Inside, table: Table) -> Vec<Row> {
    let spec = spec(table);
    let json = || spec.payload.iter().filter(|column| column.json).map(|column| column.name);
    let columns: Vec<String> =
        spec.key.iter().copied().chain(json()).map(|name| format!("CAST(\"{name}\" AS TEXT)")).collect();
    let columns = if columns.is_empty() { "1".to_owned() } else { columns.join(", ") };
    let texts = inside.texts(&format!("SELECT {columns} FROM \"{table}\" ORDER BY id"));
    texts
        .into_iter()
        .map(|mut key| {
            let payload = key.split_off(spec.key.len());
            let name = format!("{table} {key:?}");
            let parse = |text: String| serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
            let columns = json().zip(payload.into_iter().map(parse)).collect();
            Row { name, key, columns }
        })
        .collect()
}

impl Row {
    /// Returns a payload column.
    pub(crate) fn column(&self, name: &str) -> &Value {
        let found = self.columns.iter().find(|(column, _)| *column == name);
        found.map_or_else(|| panic!("{} has no {name}", self.name), |(_, value)| value)
    }
}

/// Returns a member that is a list.
#[track_caller]
pub(crate) fn list<'v>(value: &'v Value, member: &str) -> &'v [Value] {
    value[member].as_array().unwrap_or_else(|| panic!("{member} is not a list in {value}"))
}

/// Returns a member that is a number.
#[track_caller]
pub(crate) fn number(value: &Value, member: &str) -> f64 {
    value[member].as_f64().unwrap_or_else(|| panic!("{member} is not a number in {value}"))
}

/// Returns a member that is text; NULL is empty.
pub(crate) fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member].as_str().unwrap_or_default()
}

/// Returns the sum of a member over a list.
#[track_caller]
pub(crate) fn sum(values: &[Value], member: &str) -> f64 {
    values.iter().map(|value| number(value, member)).sum()
}

/// Asserts that two figures are equal, except for the last bits of a sum taken in another order.
#[track_caller]
pub(crate) fn same(a: f64, b: f64, what: &str) {
    assert!((a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0), "{what}: {a} is not {b}");
}

/// Asserts that each pair of consecutive items is in order.
#[track_caller]
pub(crate) fn ordered<T: std::fmt::Debug>(items: &[T], may_follow: impl Fn(&T, &T) -> bool, what: &str) {
    for pair in items.windows(2) {
        assert!(may_follow(&pair[0], &pair[1]), "{what}: {:?} comes before {:?}", pair[0], pair[1]);
    }
}

/// Returns the number of distinct texts of a member, without empty ones.
pub(crate) fn distinct(values: &[Value], member: &str) -> usize {
    let texts: std::collections::BTreeSet<String> = values
        .iter()
        .map(|value| value[member].to_string())
        .filter(|text| text != "\"\"" && text != "null")
        .collect();
    texts.len()
}
