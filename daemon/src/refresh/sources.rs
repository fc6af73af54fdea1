//! Records the sources that a table was generated from, so that later changes are noticed.

use crate::reports::Report;
use crate::snapshot::{Snapshot, Source, SourceFacts};
use crate::state::{State, StateError};

/// Stores the sources of a report. To be called when the table needs nothing more from this snapshot.
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
