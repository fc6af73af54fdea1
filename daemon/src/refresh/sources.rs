//! Remembers what a table was made of, so that changes since then are noticed.

use crate::reports::Report;
use crate::snapshot::{Snapshot, Source, SourceFacts};
use crate::state::{State, StateError};

/// To be called when nothing of the table is left to be made of this snapshot.
pub(super) async fn keep_sources(
    state: &State,
    snapshot: &Snapshot,
    report: &dyn Report,
) -> Result<(), StateError> {
    let read = report.sources();
    let facts: Vec<(Source, SourceFacts)> =
        read.iter().filter_map(|source| Some((*source, *snapshot.sources.get(source)?))).collect();
    state.keep_sources(report.table(), &facts, snapshot.taken).await
}
