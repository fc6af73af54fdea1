//! Checks of the cache tables: the state of their entries, and why some tables are not filled.

use std::collections::BTreeMap;

use cached_proto::words::{Table, TableState};

use super::observation::{Audience, Finding, Observation};
use crate::refresh::survey::TableSurvey;
use crate::store::audit::Audit;

/// Whether VMS's schema still matches the reports.
pub(super) fn disabled(observed: &Observation, audience: Audience) -> Option<Finding> {
    let tables = observed.tables.as_ref().ok()?;
    let disabled: Vec<&TableSurvey> =
        tables.iter().filter(|survey| survey.state == TableState::Disabled).collect();
    // A table that is not to be filled does not show whether refreshing works.
    let wanted = tables.iter().filter(|survey| {
        !matches!(survey.state, TableState::Off | TableState::NotApplicable | TableState::Withheld)
    });
    let note = |survey: &&TableSurvey| {
        format!("{} ({})", audience.table(survey.table), survey.note.as_deref().unwrap_or_default())
    };
    let notes: Vec<String> = disabled.iter().map(note).collect();
    let hint = "install a version of cached that knows this version of VMS; `cached check` shows what is missing; a \
         report that panicked is a bug: please report it with the log";
    let message = format!("not refreshed: {}", notes.join("; "));
    match disabled.len() {
        0 => None,
        all if all == wanted.count() => Some(Finding::unhealthy(message, hint)),
        _ => Some(Finding::degraded(message, hint)),
    }
}

pub(super) fn guarded(observed: &Observation, audience: Audience) -> Option<Finding> {
    let message = held(observed, audience, TableState::Guarded)?;
    let hint = "if the rows are gone for good, run `cachectl refresh --accept` to accept the loss; if an import is \
                in progress, let it end, then run `cachectl refresh`";
    Some(Finding::degraded(message, hint))
}

pub(super) fn withheld(observed: &Observation, audience: Audience) -> Option<Finding> {
    let message = held(observed, audience, TableState::Withheld)?;
    let hint = "no action is needed: VMS computes these pages itself; `cachectl status` shows the table";
    Some(Finding::notice(message, hint))
}

/// Lists the tables that are deliberately not filled, grouped by why.
fn held(observed: &Observation, audience: Audience, state: TableState) -> Option<String> {
    let mut reasons: BTreeMap<&str, Vec<Table>> = BTreeMap::new();
    for survey in observed.tables.iter().flatten().filter(|survey| survey.state == state) {
        reasons.entry(survey.note.as_deref().unwrap_or_default()).or_default().push(survey.table);
    }
    let parts: Vec<String> = reasons
        .into_iter()
        .map(|(note, tables)| format!("{} {state}: {note}", audience.tables(tables)))
        .collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

pub(super) fn invalid(observed: &Observation, audience: Audience) -> Option<Finding> {
    entries(observed, audience, ["cannot be parsed"; 2], |audit| audit.invalid)
}

pub(super) fn incomplete(observed: &Observation, audience: Audience) -> Option<Finding> {
    let predicate = ["would be rejected by its reader", "would be rejected by their reader"];
    entries(observed, audience, predicate, |audit| audit.incomplete)
}

pub(super) fn missing(observed: &Observation, audience: Audience) -> Option<Finding> {
    entries(observed, audience, ["is missing", "are missing"], |audit| audit.missing)
}

pub(super) fn stale(observed: &Observation, audience: Audience) -> Option<Finding> {
    // Entries that are stale because of settings or `invalidate` may be only a minute old.
    let predicate = ["is over its age limit", "are over their age limit"];
    let aged = entries(observed, audience, predicate, |audit| {
        audit.stale.saturating_sub(audit.outdated + audit.tolerated)
    });
    let predicate =
        ["was made under other settings or invalidated", "were made under other settings or invalidated"];
    let outdated = entries(observed, audience, predicate, |audit| audit.outdated);
    match (aged, outdated) {
        (Some(aged), Some(outdated)) => {
            Some(Finding { message: format!("{}; {}", aged.message, outdated.message), ..aged })
        }
        (aged, outdated) => aged.or(outdated),
    }
}

/// `predicate` is that of the message for one entry and for several.
fn entries(
    observed: &Observation,
    audience: Audience,
    predicate: [&str; 2],
    count: fn(&Audit) -> u64,
) -> Option<Finding> {
    let tables = observed.tables.as_ref().ok()?;
    // Skip held tables: their expected entries come from the very source that the guard distrusts, and no
    // refresh generates them now.
    let judged = tables.iter().filter(|survey| survey.state != TableState::Guarded);
    let wanting = judged.filter(|survey| count(&survey.audit) > 0);
    let (counts, tables): (Vec<u64>, Vec<Table>) =
        wanting.map(|survey| (count(&survey.audit), survey.table)).unzip();
    if counts.is_empty() {
        return None;
    }
    let total: u64 = counts.iter().sum();
    let [is, are] = predicate;
    let entries = if total == 1 { format!("1 entry {is}") } else { format!("{total} entries {are}") };
    let message = format!("{entries}: {}", audience.tables(tables));
    Some(Finding::degraded(
        message,
        "`cachectl refresh` generates them now; `cachectl status` shows each table",
    ))
}

/// Source rows that the reports left out or read with a substitute value.
pub(super) fn rows_odd(observed: &Observation, audience: Audience) -> Option<Finding> {
    let affected = observed.results.iter().filter(|job| job.figures.warnings > 0);
    let tables: Vec<String> =
        affected.map(|job| format!("{} ({})", audience.table(job.table), job.figures.warnings)).collect();
    let message = format!(
        "some source rows were skipped or read with default values; affected tables: {}",
        tables.join(", ")
    );
    let hint = "`cachectl logs` names the rows and the invalid values; correct them in VMS";
    (!tables.is_empty()).then(|| Finding::notice(message, hint))
}

#[cfg(test)]
pub(super) mod tests {
    use cached_proto::verb::jobs::{Job, JobFigures};
    use cached_proto::words::{HealthLevel, Outcome};

    use super::*;
    use crate::health::ReasonCode;
    use crate::health::tests::{Problem, found, healthy, job, one_table, survey};
    use HealthLevel::{Degraded, Healthy, Unhealthy};
    use ReasonCode::{
        EntriesIncomplete, EntriesInvalid, EntriesMissing, EntriesStale, RowsOdd, TablesDisabled,
        TablesGuarded, TablesWithheld,
    };

    pub(in crate::health) const PROBLEMS: &[Problem] = &[
        (TablesDisabled, Degraded, |observed| {
            one_table(observed, TableState::Disabled, Audit::default());
        }),
        (TablesDisabled, Unhealthy, |observed| {
            let table = survey(Table::DiaEventsReportCache, TableState::Disabled, Audit::default());
            observed.tables = Ok(vec![table]);
        }),
        (TablesDisabled, Unhealthy, |observed| {
            observed.tables = Ok(vec![
                survey(Table::DiaEventsReportCache, TableState::Disabled, Audit::default()),
                survey(Table::OrganizationReports, TableState::Off, Audit::default()),
                survey(Table::DistrictEngagementReports, TableState::NotApplicable, Audit::default()),
            ]);
        }),
        (TablesGuarded, Degraded, |observed| one_table(observed, TableState::Guarded, Audit::default())),
        (TablesWithheld, Healthy, |observed| one_table(observed, TableState::Withheld, Audit::default())),
        (EntriesInvalid, Degraded, |observed| {
            one_table(observed, TableState::Invalid, Audit { invalid: 1, ..Audit::default() });
        }),
        (EntriesIncomplete, Degraded, |observed| {
            one_table(observed, TableState::Incomplete, Audit { incomplete: 1, ..Audit::default() });
        }),
        (EntriesMissing, Degraded, |observed| {
            one_table(observed, TableState::Missing, Audit { missing: 1, ..Audit::default() });
        }),
        (EntriesStale, Degraded, |observed| {
            one_table(observed, TableState::Stale, Audit { stale: 1, ..Audit::default() });
        }),
        (RowsOdd, Healthy, |observed| {
            let figures = JobFigures { warnings: 2, ..JobFigures::default() };
            observed.results = vec![Job { figures, ..job(Outcome::Rebuilt) }];
        }),
    ];

    #[test]
    fn a_held_table_has_only_one_reason() {
        let mut observed = healthy();
        // The expected entries come from a source that the guard distrusts.
        let audit =
            Audit { expected: 50, missing: 20, stale: 10, incomplete: 5, invalid: 5, ..Audit::default() };
        one_table(&mut observed, TableState::Guarded, audit);
        observed.results = vec![job(Outcome::Guarded)];
        let reasons = found(&observed);
        let codes: Vec<ReasonCode> = reasons.iter().map(|reason| reason.code).collect();
        assert_eq!(codes, [TablesGuarded]);
    }

    #[test]
    fn entries_are_summed_over_all_tables() {
        let mut observed = healthy();
        for survey in observed.tables.iter_mut().flatten() {
            survey.audit.stale = 2;
        }
        let message =
            "4 entries are over their age limit: dia_events_report_cache, organization_detail_cache";
        assert_eq!(found(&observed)[0].finding.message, message);
    }

    #[test]
    fn young_entries_of_other_settings_are_not_reported_as_over_their_age_limit() {
        let message = |audit: Audit| {
            let mut observed = healthy();
            one_table(&mut observed, TableState::Stale, audit);
            found(&observed)[0].finding.message.clone()
        };
        let outdated = message(Audit { stale: 3, outdated: 3, ..Audit::default() });
        assert!(
            outdated.starts_with("3 entries were made under other settings or invalidated: "),
            "{outdated}"
        );
        let both = message(Audit { stale: 3, outdated: 2, ..Audit::default() });
        assert!(both.starts_with("1 entry is over its age limit: "), "{both}");
        assert!(both.contains("; 2 entries were made under other settings"), "{both}");
    }
}
