//! The read-only twin of a run: surveys the cache tables, for `status` and `health`, and reads what a
//! rehearsal needs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use cached_proto::words::{Table, TableState};
use chrono::{DateTime, TimeDelta, Utc};

use super::build::off_thread;
use super::source::{Availability, read_tables, recall, reports};
use super::{RefreshConfig, RefreshError};
use crate::describe::describe;
use crate::reports::{Context, REPORTS, Report};
use crate::snapshot::{ReadDepth, Snapshot};
use crate::state::State;
use crate::store::Stamps;
use crate::store::audit::{Audit, audit};
use crate::vms::tables::{Key, spec};

/// Survey of one cache table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSurvey {
    /// The table.
    pub table: Table,
    /// Its state.
    pub state: TableState,
    /// Why its state does not depend on its entries.
    pub note: Option<String>,
    /// Audit of its entries; all zero when they were not audited.
    pub audit: Audit,
    /// When its entries need renewal; empty when they were not audited.
    pub renewal_times: RenewalTimes,
}

/// When the entries of a table need renewal. Each instant may have passed already, except that of the keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RenewalTimes {
    /// When the oldest entry was generated.
    pub oldest: Option<DateTime<Utc>>,
    /// When the oldest entry passes its limit.
    pub expires: Option<DateTime<Utc>>,
    /// When the passing of time alone next changes the set of entries.
    pub next_keys: Option<DateTime<Utc>>,
    /// When the passing of time alone first changes the payload of the oldest entry, after it was generated.
    pub next_payloads: Option<DateTime<Utc>>,
}

impl RenewalTimes {
    /// Computes the renewal times of a table whose oldest entry was generated at `oldest` and may reach the
    /// age `limit`.
    pub fn of(report: &dyn Report, cx: Context<'_>, oldest: Option<DateTime<Utc>>, limit: TimeDelta) -> Self {
        Self {
            oldest,
            expires: oldest.and_then(|at| at.checked_add_signed(limit)),
            next_keys: report.next_keys(cx),
            next_payloads: oldest.and_then(|now| report.next_payloads(Context { now, ..cx })),
        }
    }
}

/// Surveys every cache table in one read transaction, reading rows as closely as `depth` says.
pub async fn survey(
    config: &RefreshConfig,
    state: &State,
    depth: ReadDepth<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<TableSurvey>, RefreshError> {
    survey_with(config, Some(state), depth, now).await
}

/// Like [`survey`], but without a state if there is none yet: then no table is held back, and entries are judged by
/// their content alone.
pub async fn survey_with(
    config: &RefreshConfig,
    state: Option<&State>,
    depth: ReadDepth<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<TableSurvey>, RefreshError> {
    let (availabilities, mut snapshot) = read_tables(config, depth, now).await?;
    let (mut stamps, mut held) = match state {
        Some(state) => (recall(&mut snapshot, state).await?, state.guarded().await?),
        None => (HashMap::new(), HashMap::new()),
    };
    let (shared, snapshot) = (Arc::new(config.clone()), Arc::new(snapshot));
    let mut surveys = Vec::with_capacity(REPORTS.len());
    for report in reports(config) {
        let table = report.table();
        let availability = availabilities.get(&table).unwrap_or(&Availability::Ready);
        if let Some(state) = availability.table_state() {
            surveys.push(unjudged(table, state, availability.note()));
            continue;
        }
        let stamps = stamps.remove(&table).unwrap_or_default();
        // A report that panics is shown as disabled; the others are surveyed anyway.
        let judged = off_thread({
            let (config, snapshot) = (Arc::clone(&shared), Arc::clone(&snapshot));
            move || judge(&config, report, &snapshot, &stamps, now)
        });
        let judged = judged.await;
        let mut survey =
            judged.unwrap_or_else(|error| unjudged(table, TableState::Disabled, Some(describe(&error))));
        let is_judged = !matches!(survey.state, TableState::Withheld | TableState::Disabled);
        if let Some(guarded) = held.remove(&table).filter(|_| is_judged) {
            (survey.state, survey.note) = (TableState::Guarded, Some(guarded.reason));
        }
        surveys.push(survey);
    }
    Ok(surveys)
}

fn judge(
    config: &RefreshConfig,
    report: &dyn Report,
    snapshot: &Snapshot,
    stamps: &Stamps,
    now: DateTime<Utc>,
) -> TableSurvey {
    let table = report.table();
    let cx = Context::new(snapshot, &config.settings, now);
    if let Some(reason) = report.withheld(cx) {
        return unjudged(table, TableState::Withheld, Some(reason));
    }
    let keys = report.keys(cx);
    let audit = audit(&keys, snapshot.existing(table), &config.freshness(table, now, stamps));
    let limit = config.limits.stale_after(spec(table));
    let renewal_times = RenewalTimes::of(report, cx, audit.oldest, limit);
    TableSurvey { table, state: worst(&audit), note: None, audit, renewal_times }
}

/// Returns the keys that the reports of the tables that can be refreshed have at `now`, as text. A survey, a
/// refresh, its guard and the watch agree about them: rows that another process has deleted count as existing
/// ones. A report that panics is left out.
pub(crate) async fn expected_keys(
    config: &RefreshConfig,
    state: &State,
    now: DateTime<Utc>,
) -> Result<HashMap<Table, HashSet<String>>, RefreshError> {
    let (availabilities, mut snapshot) = read_tables(config, ReadDepth::Stamps, now).await?;
    recall(&mut snapshot, state).await?;
    let keys = of_each(config, &availabilities, &Arc::new(snapshot), now, |report, cx| report.keys(cx)).await;
    let texts = |keys: Vec<Key>| keys.iter().map(ToString::to_string).collect();
    Ok(keys.into_iter().map(|(report, keys)| (report.table(), texts(keys))).collect())
}

/// The reports that are refreshed, and the inputs of their keys.
#[derive(Default)]
pub struct RehearsalInputs {
    /// The reports, with the age from which their entries are stale.
    pub reports: Vec<(&'static dyn Report, TimeDelta)>,
    /// Their key sources, and the rows of their tables.
    pub snapshot: Arc<Snapshot>,
}

/// Reads the inputs from VMS as of `now`, in one read transaction.
pub async fn rehearsal_inputs(
    config: &RefreshConfig,
    now: DateTime<Utc>,
) -> Result<RehearsalInputs, RefreshError> {
    let (availabilities, snapshot) = read_tables(config, ReadDepth::Stamps, now).await?;
    let snapshot = Arc::new(snapshot);
    let withheld = of_each(config, &availabilities, &snapshot, now, |report, cx| report.withheld(cx)).await;
    let filled = withheld.into_iter().filter(|(_, reason)| reason.is_none());
    let limit = |report: &dyn Report| config.limits.stale_after(spec(report.table()));
    Ok(RehearsalInputs { reports: filled.map(|(report, _)| (report, limit(report))).collect(), snapshot })
}

/// The data of each report whose table can be refreshed. One that panics is left out: it is not refreshed
/// either.
async fn of_each<T: Send + 'static>(
    config: &RefreshConfig,
    availabilities: &HashMap<Table, Availability>,
    snapshot: &Arc<Snapshot>,
    now: DateTime<Utc>,
    ask: fn(&dyn Report, Context<'_>) -> T,
) -> Vec<(&'static dyn Report, T)> {
    let settings = Arc::new(config.settings.clone());
    let mut known = Vec::new();
    for report in reports(config) {
        if availabilities.get(&report.table()) == Some(&Availability::Ready) {
            let (snapshot, settings) = (Arc::clone(snapshot), Arc::clone(&settings));
            let asked = off_thread(move || ask(report, Context::new(&snapshot, &settings, now))).await;
            known.extend(asked.ok().map(|answer| (report, answer)));
        }
    }
    known
}

fn unjudged(table: Table, state: TableState, note: Option<String>) -> TableSurvey {
    TableSurvey { table, state, note, audit: Audit::default(), renewal_times: RenewalTimes::default() }
}

fn worst(audit: &Audit) -> TableState {
    [
        (audit.invalid, TableState::Invalid),
        (audit.incomplete, TableState::Incomplete),
        (audit.missing, TableState::Missing),
        (audit.stale, TableState::Stale),
    ]
    .into_iter()
    .find_map(|(count, state)| (count > 0).then_some(state))
    .unwrap_or(TableState::Fresh)
}
