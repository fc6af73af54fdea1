//! The part of `cached check` that covers the reports: how fresh they are, and how the last run went.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use cached_proto::text::one_line;
use cached_proto::verb::history::Run;
use cached_proto::words::{Outcome, Table, TableState};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::clock::Clock;
use crate::describe::describe;
use crate::jobs::Queue;
use crate::refresh::survey::{TableSurvey, survey_with};
use crate::refresh::{RefreshConfig, RefreshError};
use crate::snapshot::ReadDepth;
use crate::state::State;

/// The findings about the reports.
#[derive(Debug, Default)]
pub(super) struct Freshness {
    tables: HashMap<Table, TableSurvey>,
    /// Lines about the last run, and about what could not be read.
    pub(super) notes: String,
    /// Every table is fresh or need not be, and the last run ended well.
    pub(super) good: bool,
}

impl Freshness {
    /// Reads the cache tables, and the state if there is one; changes neither.
    pub(super) async fn look(
        config: &RefreshConfig,
        state: &Path,
        zone: Tz,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RefreshError> {
        let mut notes = String::new();
        let state = State::look(state).await.unwrap_or_else(|error| {
            // Without the state, entries are judged by their age alone.
            notes = format!("The state is not looked at: {}\n", one_line(&describe(&error)));
            None
        });
        let surveys = survey_with(config, state.as_ref(), ReadDepth::Shape, clock.now()).await?;
        let last = match state {
            None => None,
            Some(state) => {
                let last = Queue::new(state.clone(), clock).last_run().await?;
                state.close().await?;
                last
            }
        };
        let ended_well = last.as_ref().is_none_or(|run| run.outcome.is_none_or(Outcome::is_good));
        if let Some(run) = &last {
            notes.push_str(&told_run(run, zone));
        }
        let good = ended_well && surveys.iter().all(|survey| is_good(survey.state));
        let tables = surveys.into_iter().map(|survey| (survey.table, survey)).collect();
        Ok(Self { tables, notes, good })
    }

    /// Describes a table that can be refreshed.
    pub(super) fn of(&self, table: Table, zone: Tz) -> String {
        let Some(survey) = self.tables.get(&table) else { return "ready".to_owned() };
        if let Some(note) = &survey.note {
            return format!("{}: {}", survey.state.as_str().replace('_', " "), one_line(note));
        }
        let audit = &survey.audit;
        let wrong = [
            (audit.stale, "stale"),
            (audit.missing, "missing"),
            (audit.incomplete, "incomplete"),
            (audit.invalid, "invalid"),
        ];
        let mut told = format!("ready, {} of {} entries fresh", audit.fresh, audit.expected);
        for (count, word) in wrong.iter().filter(|(count, _)| *count > 0) {
            // Writing to a String cannot fail.
            let _ = write!(told, ", {count} {word}");
        }
        if let Some(newest) = audit.newest {
            let _ = write!(told, "; newest {}", local(newest, zone));
        }
        told
    }
}

/// Whether readers of a table are served as they should be.
const fn is_good(state: TableState) -> bool {
    match state {
        TableState::Fresh | TableState::Withheld | TableState::Off | TableState::NotApplicable => true,
        TableState::Stale
        | TableState::Missing
        | TableState::Incomplete
        | TableState::Invalid
        | TableState::Guarded
        | TableState::Disabled => false,
    }
}

/// Formats `Last run: 12 (manual) rebuilt, ended 2026-11-22 19:35:18 CST`, and the errors of the run's
/// tables.
fn told_run(run: &Run, zone: Tz) -> String {
    let outcome = run.outcome.map_or("has not ended", Outcome::as_str);
    let ended = run.ended.map(|at| format!(", ended {}", local(at.to_utc(), zone))).unwrap_or_default();
    let mut told = format!("Last run: {} ({}) {outcome}{ended}\n", run.id, run.trigger);
    for job in &run.jobs {
        if let Some(error) = &job.error {
            let _ = writeln!(told, "{}: {}", job.table, one_line(error));
        }
    }
    told
}

fn local(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z").to_string()
}
