//! One description per cache table.

use super::{Habit, PayloadColumn, Required, StampZone, Table, TableSpec};

const fn json(name: &'static str) -> PayloadColumn {
    PayloadColumn { name, json: true }
}

const fn text(name: &'static str) -> PayloadColumn {
    PayloadColumn { name, json: false }
}

const fn member(column: &'static str, member: &'static str) -> Required {
    Required { column, member }
}

const fn container(column: &'static str) -> Required {
    Required { column, member: "" }
}

/// The description of a cache table.
pub const fn spec(table: Table) -> &'static TableSpec {
    match table {
        Table::DistrictYearEndReports => &DISTRICT_YEAR_END_REPORTS,
        Table::DistrictEngagementReports => &DISTRICT_ENGAGEMENT_REPORTS,
        Table::OrganizationSummaryCache => &ORGANIZATION_SUMMARY_CACHE,
        Table::OrganizationDetailCache => &ORGANIZATION_DETAIL_CACHE,
        Table::OrganizationReports => &ORGANIZATION_REPORTS,
        Table::VirtualSessionReportCache => &VIRTUAL_SESSION_REPORT_CACHE,
        Table::VirtualSessionDistrictCache => &VIRTUAL_SESSION_DISTRICT_CACHE,
        Table::RecentVolunteersReportCache => &RECENT_VOLUNTEERS_REPORT_CACHE,
        Table::FirstTimeVolunteerReportCache => &FIRST_TIME_VOLUNTEER_REPORT_CACHE,
        Table::RecruitmentCandidatesCache => &RECRUITMENT_CANDIDATES_CACHE,
        Table::DiaEventsReportCache => &DIA_EVENTS_REPORT_CACHE,
    }
}

/// What most tables have in common.
const PLAIN: TableSpec = TableSpec {
    table: Table::DiaEventsReportCache,
    key: &[],
    integers: &[],
    payload: &[],
    stamps: StampZone::Utc,
    reader_limit_hours: None,
    required: &[],
    has_years: false,
    fixed: None,
    habits: &[],
};

/// The only host filter whose rows VMS's own refresh can compute.
pub const HOST_FILTER: &str = "all";

static DISTRICT_YEAR_END_REPORTS: TableSpec = TableSpec {
    table: Table::DistrictYearEndReports,
    key: &["school_year", "host_filter", "district_id"],
    stamps: StampZone::UtcOrLocal,
    payload: &[json("report_data"), json("events_data")],
    required: &[
        member("report_data", "program_breakdown"),
        member("report_data", "enhanced"),
        member("events_data", "events_by_month"),
        member("events_data", "schools_by_level"),
    ],
    has_years: true,
    fixed: Some((1, HOST_FILTER)),
    habits: &[Habit::ComputesOnView, Habit::Empties],
    ..PLAIN
};

static DISTRICT_ENGAGEMENT_REPORTS: TableSpec = TableSpec {
    table: Table::DistrictEngagementReports,
    key: &["school_year", "district_id"],
    payload: &[
        json("summary_stats"),
        json("volunteers_data"),
        json("students_data"),
        json("events_data"),
        json("breakdown_data"),
    ],
    required: &[
        member("summary_stats", "unique_volunteers"),
        container("volunteers_data"),
        container("students_data"),
        container("events_data"),
        member("breakdown_data", "events_breakdown"),
    ],
    has_years: true,
    habits: &[Habit::Drops, Habit::ComputesOnView, Habit::Empties],
    ..PLAIN
};

const ORGANIZATION_LISTS: [Required; 5] = [
    container("in_person_events"),
    container("virtual_events"),
    container("cancelled_events"),
    container("volunteers_data"),
    member("summary_stats", "total_sessions"),
];

static ORGANIZATION_SUMMARY_CACHE: TableSpec = TableSpec {
    table: Table::OrganizationSummaryCache,
    key: &["school_year"],
    payload: &[json("organizations_data")],
    required: &[container("organizations_data")],
    has_years: true,
    ..PLAIN
};

static ORGANIZATION_DETAIL_CACHE: TableSpec = TableSpec {
    table: Table::OrganizationDetailCache,
    key: &["school_year", "organization_id"],
    integers: &["organization_id"],
    payload: &[
        text("organization_name"),
        json("in_person_events"),
        json("virtual_events"),
        json("cancelled_events"),
        json("volunteers_data"),
        json("summary_stats"),
    ],
    reader_limit_hours: Some(24),
    required: &ORGANIZATION_LISTS,
    has_years: true,
    ..PLAIN
};

static ORGANIZATION_REPORTS: TableSpec = TableSpec {
    table: Table::OrganizationReports,
    key: &["school_year", "organization_id"],
    payload: &[
        json("summary_stats"),
        json("in_person_events_data"),
        json("virtual_events_data"),
        json("cancelled_events_data"),
        json("volunteers_data"),
    ],
    required: &[member("summary_stats", "total_sessions")],
    has_years: true,
    ..PLAIN
};

static VIRTUAL_SESSION_REPORT_CACHE: TableSpec = TableSpec {
    table: Table::VirtualSessionReportCache,
    key: &["virtual_year", "date_from", "date_to"],
    payload: &[
        json("session_data"),
        json("district_summaries"),
        json("overall_summary"),
        json("filter_options"),
    ],
    reader_limit_hours: Some(24),
    required: &[
        container("session_data"),
        container("district_summaries"),
        member("overall_summary", "local_professional_count"),
        member("overall_summary", "local_session_count"),
        member("overall_summary", "poc_session_count"),
        member("filter_options", "school_years"),
    ],
    has_years: true,
    ..PLAIN
};

static VIRTUAL_SESSION_DISTRICT_CACHE: TableSpec = TableSpec {
    table: Table::VirtualSessionDistrictCache,
    key: &["virtual_year", "district_name", "date_from", "date_to"],
    payload: &[
        json("session_data"),
        json("monthly_stats"),
        json("school_breakdown"),
        json("teacher_breakdown"),
        json("summary_stats"),
    ],
    reader_limit_hours: Some(24),
    required: &[
        container("session_data"),
        container("monthly_stats"),
        container("school_breakdown"),
        container("teacher_breakdown"),
        member("summary_stats", "total_teachers"),
    ],
    has_years: true,
    ..PLAIN
};

static RECENT_VOLUNTEERS_REPORT_CACHE: TableSpec = TableSpec {
    table: Table::RecentVolunteersReportCache,
    key: &["school_year", "date_from", "date_to", "event_types", "title_filter"],
    payload: &[json("report_data")],
    reader_limit_hours: Some(24),
    required: &[member("report_data", "active_volunteers"), member("report_data", "first_time_in_range")],
    has_years: true,
    ..PLAIN
};

static FIRST_TIME_VOLUNTEER_REPORT_CACHE: TableSpec = TableSpec {
    table: Table::FirstTimeVolunteerReportCache,
    key: &["school_year"],
    payload: &[json("report_data")],
    stamps: StampZone::Local,
    required: &[
        member("report_data", "volunteers"),
        member("report_data", "total_first_time_volunteers"),
        member("report_data", "total_events_by_first_timers"),
        member("report_data", "total_hours_by_first_timers"),
    ],
    has_years: true,
    ..PLAIN
};

static RECRUITMENT_CANDIDATES_CACHE: TableSpec = TableSpec {
    table: Table::RecruitmentCandidatesCache,
    key: &["event_id"],
    integers: &["event_id"],
    payload: &[json("candidates_data")],
    required: &[container("candidates_data")],
    // Viewing the page with custom keywords stores another list for all users.
    habits: &[Habit::VariesByView, Habit::Empties],
    ..PLAIN
};

static DIA_EVENTS_REPORT_CACHE: TableSpec = TableSpec {
    table: Table::DiaEventsReportCache,
    key: &[],
    payload: &[json("report_data")],
    reader_limit_hours: Some(24),
    required: &[member("report_data", "filled_events"), member("report_data", "unfilled_events")],
    ..PLAIN
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_described_by_its_own_spec() {
        for &table in Table::ALL {
            assert_eq!(spec(table).table, table);
        }
    }

    #[test]
    fn required_members_are_in_json_columns_of_the_table() {
        for &table in Table::ALL {
            let spec = spec(table);
            for required in spec.required {
                assert!(
                    spec.payload.iter().any(|column| column.json && column.name == required.column),
                    "{table}.{}",
                    required.column
                );
            }
        }
    }
}
