//! Serializes the entries of a group, and rejects payloads that VMS's reader would reject.

use std::collections::HashMap;
use std::sync::Arc;

use cached_proto::words::Table;
use memchr::memmem;

use crate::reports::{Entry, Group, Payload};
use crate::vms::VmsError;
use crate::vms::tables::{Key, Required, TableSpec};

/// Why a group was not written; its old rows stay.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum StoreError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] VmsError),
    /// A payload could not be turned into JSON.
    #[error("{table} {key}: column {column} cannot be serialized: {source}")]
    Serialize { table: Table, key: String, column: &'static str, source: serde_json::Error },
    /// A payload lacks a member that VMS's reader requires; writing it would turn a hit into an error page. An empty
    /// `member` means that the column is not a JSON container.
    #[error(
        "{table} {key}: column {column} lacks {member:?}; this is a bug of the report, and the old entry is kept"
    )]
    Incomplete { table: Table, key: String, column: &'static str, member: &'static str },
}

/// An entry with its payload as text.
#[derive(Debug, Clone)]
pub struct SerializedEntry {
    /// Its key.
    pub key: Key,
    /// Its payload columns, in the order of the table's description.
    pub columns: Vec<Arc<str>>,
}

/// A group with its payloads as text.
#[derive(Debug, Clone)]
pub struct SerializedGroup {
    /// Its name within the table.
    pub name: String,
    /// Its entries, in insertion order.
    pub entries: Vec<SerializedEntry>,
    /// Keys whose rows are removed.
    pub retire: Vec<Key>,
}

impl SerializedGroup {
    /// Bytes of payload.
    pub fn bytes(&self) -> u64 {
        self.entries.iter().flat_map(|entry| &entry.columns).map(|text| text.len() as u64).sum()
    }
}

/// Serializes a group; every entry must have the members that VMS's reader requires.
pub fn serialize(spec: &TableSpec, group: &Group<'_>) -> Result<SerializedGroup, StoreError> {
    let mut shared = Shared::default();
    let entries = group
        .entries
        .iter()
        .map(|entry| serialize_entry(spec, entry, &mut shared))
        .collect::<Result<_, _>>()?;
    Ok(SerializedGroup { name: group.name.clone(), entries, retire: group.retire.clone() })
}

/// Texts of payloads that several entries share, by the address of the shared value.
type Shared = HashMap<*const (), Arc<str>>;

fn serialize_entry(
    spec: &TableSpec,
    entry: &Entry<'_>,
    shared: &mut Shared,
) -> Result<SerializedEntry, StoreError> {
    let mut columns = Vec::with_capacity(spec.payload.len());
    for (column, payload) in spec.payload.iter().zip(&entry.payload) {
        columns.push(match payload {
            Payload::Text(text) => Arc::clone(text),
            Payload::Json(value) => {
                let address = Arc::as_ptr(value).cast::<()>();
                if let Some(text) = shared.get(&address) {
                    Arc::clone(text)
                } else {
                    let text =
                        serde_json::to_string(value.as_ref()).map_err(|source| StoreError::Serialize {
                            table: spec.table,
                            key: entry.key.to_string(),
                            column: column.name,
                            source,
                        })?;
                    let text: Arc<str> = text.into();
                    if Arc::strong_count(value) > 1 {
                        shared.insert(address, Arc::clone(&text));
                    }
                    text
                }
            }
        });
    }
    for required in spec.required {
        let position = spec.payload.iter().position(|column| column.name == required.column);
        let present = position.and_then(|p| columns.get(p)).is_some_and(|text| has(text, required));
        if !present {
            return Err(StoreError::Incomplete {
                table: spec.table,
                key: entry.key.to_string(),
                column: required.column,
                member: required.member,
            });
        }
    }
    Ok(SerializedEntry { key: entry.key.clone(), columns })
}

/// Whether a member is present and not null. The text is searched rather than parsed: payloads come from
/// types with fixed members, and parsing a hundred megabytes again would cost more than generating them.
fn has(text: &str, required: &Required) -> bool {
    if required.member.is_empty() {
        return text.starts_with(['[', '{']);
    }
    let name = format!("\"{}\":", required.member);
    let value = memmem::find(text.as_bytes(), name.as_bytes()).and_then(|at| text.get(at + name.len()..));
    text.starts_with('{') && value.is_some_and(|value| !value.starts_with("null"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vms::tables::spec;
    use serde_json::json;

    fn group<'s>(report_data: serde_json::Value) -> Group<'s> {
        let entry = Entry {
            key: Key(vec!["2526".into(), "all".into(), "1".into()]),
            payload: vec![
                Payload::json(report_data),
                Payload::json(json!({"events_by_month": {}, "schools_by_level": {}})),
            ],
        };
        Group { name: "2526".to_owned(), entries: vec![entry], retire: vec![] }
    }

    #[test]
    fn a_payload_that_its_reader_would_reject_is_refused() {
        let spec = spec(Table::DistrictYearEndReports);
        assert!(serialize(spec, &group(json!({"program_breakdown": {}, "enhanced": {}}))).is_ok());
        for bad in [json!({"enhanced": {}}), json!({"program_breakdown": null, "enhanced": {}}), json!([])] {
            let error = serialize(spec, &group(bad)).unwrap_err();
            assert!(error.to_string().contains("program_breakdown"), "{error}");
        }
    }

    #[test]
    fn shared_payloads_are_serialized_once() {
        let spec = spec(Table::RecentVolunteersReportCache);
        let payload = Payload::json(json!({"active_volunteers": [], "first_time_in_range": []}));
        let entries = (0..2).map(|n| Entry { key: Key(vec![n.into()]), payload: vec![payload.clone()] });
        let group = Group { name: String::new(), entries: entries.collect(), retire: vec![] };
        let serialized = serialize(spec, &group).unwrap();
        let texts: Vec<_> = serialized.entries.iter().map(|entry| &entry.columns[0]).collect();
        assert!(Arc::ptr_eq(texts[0], texts[1]));
    }
}
