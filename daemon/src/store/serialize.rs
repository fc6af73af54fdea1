//! Serializes the entries of a group, and rejects payloads that VMS's reader would reject.

use cached_proto::words::Table;
use memchr::memmem;
use serde::ser::Error;

use crate::reports::{Entry, Group, Payload};
use crate::snapshot::digest;
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
    /// Its payload columns, in the order of the table's description; none for an entry whose row is known to hold its
    /// payload already.
    pub columns: Vec<String>,
    /// The [digest] of its payload; `None` if it has none.
    pub digest: Option<String>,
}

impl SerializedEntry {
    /// An entry whose row is known to hold its payload already: it is stamped, or skipped.
    pub fn known(key: Key) -> Self {
        Self { key, columns: Vec::new(), digest: None }
    }

    /// Whether it has no payload, because its row is known to hold it already.
    pub const fn is_known(&self) -> bool {
        self.digest.is_none()
    }
}

/// A group with its payloads as text, or several that are written together.
#[derive(Debug, Clone, Default)]
pub struct SerializedGroup {
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

/// Serializes groups. A text begins with as much memory as the one before needed, and gives back what it does not need:
/// that copies it less often than letting it grow.
#[derive(Debug, Default)]
pub struct GroupSerializer {
    length: usize,
}

impl GroupSerializer {
    /// Serializes a group; every entry must have the members that VMS's reader requires.
    pub fn serialize(&mut self, spec: &TableSpec, group: &Group<'_>) -> Result<SerializedGroup, StoreError> {
        let entries = group.entries.iter().map(|entry| self.entry(spec, entry)).collect::<Result<_, _>>()?;
        Ok(SerializedGroup { entries, retire: group.retire.clone() })
    }

    fn entry(&mut self, spec: &TableSpec, entry: &Entry<'_>) -> Result<SerializedEntry, StoreError> {
        let Entry { key, payload } = entry;
        let mut columns = Vec::with_capacity(spec.payload.len());
        for (column, payload) in spec.payload.iter().zip(payload) {
            columns.push(self.text(payload).map_err(|source| StoreError::Serialize {
                table: spec.table,
                key: key.to_string(),
                column: column.name,
                source,
            })?);
        }
        for required in spec.required {
            let position = spec.payload.iter().position(|column| column.name == required.column);
            let present = position.and_then(|p| columns.get(p)).is_some_and(|text| has(text, required));
            if !present {
                return Err(StoreError::Incomplete {
                    table: spec.table,
                    key: key.to_string(),
                    column: required.column,
                    member: required.member,
                });
            }
        }
        let digest = digest(columns.iter().map(String::as_bytes));
        Ok(SerializedEntry { key: key.clone(), columns, digest: Some(digest) })
    }

    fn text(&mut self, payload: &Payload<'_>) -> serde_json::Result<String> {
        match payload {
            Payload::Text(text) => Ok(text.to_string()),
            Payload::Json(value) => {
                let mut text = Vec::with_capacity(self.length);
                value.append(&mut text)?;
                self.length = text.len();
                text.shrink_to_fit();
                String::from_utf8(text).map_err(serde_json::Error::custom)
            }
        }
    }
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
        let mut serializer = GroupSerializer::default();
        let good = group(json!({"program_breakdown": {}, "enhanced": {}}));
        assert!(serializer.serialize(spec, &good).is_ok());
        for bad in [json!({"enhanced": {}}), json!({"program_breakdown": null, "enhanced": {}}), json!([])] {
            let error = serializer.serialize(spec, &group(bad)).unwrap_err();
            assert!(error.to_string().contains("program_breakdown"), "{error}");
        }
    }

    #[test]
    fn each_text_is_whole_and_takes_no_more_memory_than_it_needs_whatever_came_before() {
        let spec = spec(Table::RecentVolunteersReportCache);
        let mut serializer = GroupSerializer::default();
        for length in [4, 100_000, 0, 17] {
            let payload = json!({"active_volunteers": vec![0; length], "first_time_in_range": []});
            let entry = Entry::of_one(Key(vec![1.into()]), payload.clone());
            let group = serializer.serialize(spec, &Group::new("2526", vec![entry])).unwrap();
            let [entry] = group.entries.as_slice() else { panic!("one entry") };
            let [text] = entry.columns.as_slice() else { panic!("one column") };
            assert_eq!(*text, payload.to_string());
            assert_eq!(text.capacity(), text.len());
            assert_eq!(entry.digest.as_deref(), Some(&*digest([text.as_bytes()].into_iter())));
        }
    }
}
