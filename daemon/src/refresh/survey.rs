//! Looks at the cache tables without changing anything: what `status` and `health` tell.

use std::collections::HashMap;

use cached_proto::words::{Table, TableState};
use chrono::{DateTime, Utc};

use super::{Availability, RefreshConfig, RefreshError, RenewalTimes, availability};
use crate::reports::{REPORTS, Report};
use crate::snapshot::{self, ReadDepth, Snapshot, SourceSet};
use crate::state::State;
use crate::store::Stamps;
use crate::store::audit::{Audit, audit};
use crate::vms::tables::spec;
use crate::vms::{Schema, Vms, VmsError};

/// One cache table, looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSurvey {
    /// The table.
    pub table: Table,
    /// Its state.
    pub state: TableState,
    /// Why its entries do not decide about the state.
    pub note: Option<String>,
    /// Its entries; all zero when they were not looked at.
    pub audit: Audit,
    /// When its entries want renewal; nothing when they were not looked at.
    pub renewal_times: RenewalTimes,
}

/// Looks at every cache table in one read transaction, as closely as `depth` says.
pub async fn survey(
    config: &RefreshConfig,
    state: &State,
    depth: ReadDepth<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<TableSurvey>, RefreshError> {
    survey_with(config, Some(state), depth, now).await
}

/// The same where there may be no state yet: then no table is held back, and entries are judged by what they say of
/// themselves.
pub async fn survey_with(
    config: &RefreshConfig,
    state: Option<&State>,
    depth: ReadDepth<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<TableSurvey>, RefreshError> {
    let (availabilities, snapshot) = read_tables(config, depth, now).await?;
    let mut held = match state {
        Some(state) => state.guarded().await?,
        None => HashMap::new(),
    };
    let mut surveys = Vec::with_capacity(REPORTS.len());
    for report in REPORTS {
        let table = report.table();
        let availability = availabilities.get(&table).unwrap_or(&Availability::Ready);
        if let Some(state) = availability.table_state() {
            surveys.push(unjudged(table, state, availability.note()));
            continue;
        }
        if let Some(reason) = report.withheld(&snapshot, &config.settings) {
            surveys.push(unjudged(table, TableState::Withheld, Some(reason)));
            continue;
        }
        let stamps = match state {
            Some(state) => Stamps(state.stamps().load(table).await?),
            None => Stamps::default(),
        };
        let freshness = config.freshness(table, now, &stamps);
        let keys = report.keys(&snapshot, &config.settings, now);
        let audit = audit(&keys, snapshot.existing(table), &freshness);
        let renewal_times = RenewalTimes::of(
            *report,
            &snapshot,
            &config.settings,
            audit.oldest,
            config.limits.stale_after(spec(table)),
            now,
        );
        let (state, note) = match held.remove(&table) {
            Some(guarded) => (TableState::Guarded, Some(guarded.reason)),
            None => (worst(&audit), None),
        };
        surveys.push(TableSurvey { table, state, note, audit, renewal_times });
    }
    Ok(surveys)
}

/// Reads the rows of all tables that can be refreshed, and what their keys depend on, in one read transaction.
pub(crate) async fn read_tables(
    config: &RefreshConfig,
    depth: ReadDepth<'_>,
    now: DateTime<Utc>,
) -> Result<(HashMap<Table, Availability>, Snapshot), RefreshError> {
    let vms = Vms::open_with(&config.database, config.patience).await?;
    let schema = Schema::read(vms.reader()).await?;
    if !schema.is_vms() {
        return Err(VmsError::NoVmsTables { path: vms.path().to_owned() }.into());
    }
    let availabilities: HashMap<Table, Availability> = REPORTS
        .iter()
        .map(|report| (report.table(), availability(*report, &schema, &config.settings)))
        .collect();
    let ready: Vec<&dyn Report> = REPORTS
        .iter()
        .copied()
        .filter(|report| availabilities.get(&report.table()) == Some(&Availability::Ready))
        .collect();
    let sources: SourceSet = ready.iter().flat_map(|report| report.key_sources()).copied().collect();
    let tables: Vec<Table> = ready.iter().map(|report| report.table()).collect();
    let snapshot = snapshot::load(&vms, &sources, &tables, depth, now).await?;
    vms.close().await;
    Ok((availabilities, snapshot))
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
