//! What VMS itself writes to the cache tables: page views, and the wipe after an import.

use cached::reports::{Mode, ReportSettings, report};
use cached::vms::tables::{Key, StampZone, Table, spec};
use cached::vms::{Vms, time};
use chrono::{DateTime, Datelike as _, Utc};

use crate::random::Random;
use crate::settled::{build, source};

/// The tables whose rows VMS's pages write.
const VIEWED: [Table; 9] = [
    Table::DistrictYearEndReports,
    Table::OrganizationSummaryCache,
    Table::OrganizationDetailCache,
    Table::VirtualSessionReportCache,
    Table::VirtualSessionDistrictCache,
    Table::RecentVolunteersReportCache,
    Table::FirstTimeVolunteerReportCache,
    Table::RecruitmentCandidatesCache,
    Table::DiaEventsReportCache,
];

/// Returns the statement by which a page view overwrites a row with what VMS computes at this instant.
pub(super) async fn view(
    reader: &Vms,
    settings: &ReportSettings,
    now: DateTime<Utc>,
    random: &Random,
) -> Option<String> {
    let table = random.pick(&VIEWED);
    let snapshot = source(reader, &[table], now).await;
    // VMS knows no other mode.
    let settings = ReportSettings { mode: Mode::Exact, ..settings.clone() };
    let built = build(report(table)?, &snapshot, &settings, now);
    let mut rows: Vec<(i64, &Key)> = snapshot.existing(table).iter().map(|row| (row.id, &row.key)).collect();
    rows.retain(|(_, key)| built.contains_key(key));
    let at = usize::try_from(random.below(rows.len().max(1) as u64)).unwrap();
    let (id, key) = rows.get(at)?;
    let columns = spec(table).payload.iter().zip(&built[*key]);
    let sets: Vec<String> =
        columns.map(|(column, text)| format!("{} = '{}'", column.name, text.replace('\'', "''"))).collect();
    let stamp = match spec(table).stamps {
        StampZone::Utc | StampZone::UtcOrLocal => now.naive_utc(),
        StampZone::Local => time::local(now, settings.zone),
    };
    let stamp = time::to_text(stamp);
    Some(format!("UPDATE {table} SET last_updated = '{stamp}', {} WHERE id = {id}", sets.join(", ")))
}

/// Rows of VMS's own that no report has, which must not be touched: ranges that a user has typed in.
pub(super) const TYPED_RANGES: &str = "
INSERT INTO recent_volunteers_report_cache (date_from, date_to, event_types, title_filter, report_data, last_updated)
    VALUES ('2027-01-01', '2027-03-31', 'ALL', NULL, '{\"active_volunteers\":[],\"first_time_in_range\":[]}',
        '2027-06-15 15:00:00.000000'),
    (NULL, NULL, 'ALL', 'fair', '{\"active_volunteers\":[],\"first_time_in_range\":[]}', '2027-06-15 15:00:00.000000');
INSERT INTO virtual_session_report_cache (virtual_year, date_from, date_to, session_data, last_updated)
    VALUES ('2026-2027', '2027-01-01', '2027-03-31', '[]', '2027-06-15 15:00:00.000000');
";

/// Views of pages that have no row: a year long past, which has rows from now on, and the candidates for an
/// event long past, which are removed again.
pub(super) const OLD_PAGES: &str = "
INSERT INTO first_time_volunteer_report_cache (school_year, report_data, last_updated)
    SELECT '2223', report_data, last_updated FROM first_time_volunteer_report_cache ORDER BY id LIMIT 1;
INSERT INTO recruitment_candidates_cache (event_id, candidates_data, last_updated)
    SELECT (SELECT id FROM event ORDER BY start_date LIMIT 1), candidates_data, last_updated
        FROM recruitment_candidates_cache ORDER BY id LIMIT 1;
";

/// Returns what VMS deletes after an import: the current school year of most tables, and all candidates and
/// DIA events. `fails` is whether it deletes the district reports of the year without making them again.
pub(super) fn wipe(now: DateTime<Utc>, fails: bool) -> String {
    let today = time::local(now, chrono_tz::America::Chicago).date();
    let year = if today.month() < 8 { today.year() - 1 } else { today.year() };
    let school = format!("{:02}{:02}", year % 100, (year + 1) % 100);
    let mut tables = vec![
        "organization_summary_cache",
        "organization_reports",
        "organization_detail_cache",
        "recent_volunteers_report_cache",
        "first_time_volunteer_report_cache",
    ];
    if fails {
        tables.push("district_year_end_reports");
    }
    let mut sql: Vec<String> =
        tables.iter().map(|table| format!("DELETE FROM {table} WHERE school_year = '{school}'")).collect();
    for table in ["virtual_session_report_cache", "virtual_session_district_cache"] {
        sql.push(format!("DELETE FROM {table} WHERE virtual_year = '{year}-{}'", year + 1));
    }
    for table in ["recruitment_candidates_cache", "dia_events_report_cache"] {
        sql.push(format!("DELETE FROM {table}"));
    }
    sql.join("; ")
}
