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

/// The common values of most tables.
const PLAIN: TableSpec = TableSpec {
    table: Table::DiaEventsReportCache,
    title: "",
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

/// Generates [`spec`] from each table's name, its title, and the fields that differ from [`PLAIN`].
macro_rules! specs {
    ($($table:ident: $title:literal {$($field:tt)*})+) => {
        /// The description of a cache table.
        pub const fn spec(table: Table) -> &'static TableSpec {
            match table {
                $(Table::$table => {
                    static SPEC: TableSpec =
                        TableSpec { table: Table::$table, title: $title, $($field)* ..PLAIN };
                    &SPEC
                })+
            }
        }
    };
}

specs! {
    DistrictYearEndReports: "District year-end" {
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
    }
    DistrictEngagementReports: "District engagement" {
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
    }
    OrganizationSummaryCache: "Organizations" {
        key: &["school_year"],
        payload: &[json("organizations_data")],
        required: &[container("organizations_data")],
        has_years: true,
    }
    OrganizationDetailCache: "Organization details" {
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
        required: &[
            container("in_person_events"),
            container("virtual_events"),
            container("cancelled_events"),
            container("volunteers_data"),
            member("summary_stats", "total_sessions"),
        ],
        has_years: true,
    }
    OrganizationReports: "Organization reports" {
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
    }
    VirtualSessionReportCache: "Virtual sessions" {
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
    }
    VirtualSessionDistrictCache: "Virtual sessions by district" {
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
    }
    RecentVolunteersReportCache: "Recent volunteers" {
        key: &["school_year", "date_from", "date_to", "event_types", "title_filter"],
        payload: &[json("report_data")],
        reader_limit_hours: Some(24),
        required: &[member("report_data", "active_volunteers"), member("report_data", "first_time_in_range")],
        has_years: true,
    }
    FirstTimeVolunteerReportCache: "First-time volunteers" {
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
    }
    RecruitmentCandidatesCache: "Recruitment candidates" {
        key: &["event_id"],
        integers: &["event_id"],
        payload: &[json("candidates_data")],
        required: &[container("candidates_data")],
        // Viewing the page with custom keywords stores another list for all users.
        habits: &[Habit::VariesByView, Habit::Empties],
    }
    DiaEventsReportCache: "DIA events" {
        payload: &[json("report_data")],
        reader_limit_hours: Some(24),
        required: &[member("report_data", "filled_events"), member("report_data", "unfilled_events")],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_table_has_its_own_title() {
        let titles: BTreeSet<&str> = Table::ALL.iter().map(|&table| spec(table).title).collect();
        assert_eq!(titles.len(), Table::ALL.len());
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
