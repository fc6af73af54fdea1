//! Why a group was not written.

use cached_proto::words::Table;

use crate::vms::VmsError;

/// Why a group was not written; its old rows stay.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] VmsError),
    /// A payload could not be turned into JSON.
    #[error("{table} {key}: column {column} cannot be serialized: {source}")]
    Serialize {
        /// The table.
        table: Table,
        /// The entry.
        key: String,
        /// The column.
        column: &'static str,
        /// The error of serde.
        #[source]
        source: serde_json::Error,
    },
    /// A payload lacks a member that VMS's reader requires; writing it would turn a hit into an error page.
    #[error(
        "{table} {key}: column {column} lacks {member:?}; this is a bug of the report, the old row stands"
    )]
    Incomplete {
        /// The table.
        table: Table,
        /// The entry.
        key: String,
        /// The column.
        column: &'static str,
        /// The missing member; empty when the column is not a JSON container.
        member: &'static str,
    },
}
