//! The cache tables, which store the reports.

use super::table::Type::{Date, DateTime, Integer, Json, Varchar};
use super::table::{Table, index, optional, reference, required, unique, unique_index};

/// Exists in older versions of VMS only; newer ones have dropped the table.
pub(super) const DISTRICT_ENGAGEMENT_REPORTS: Table = Table {
    name: "district_engagement_reports",
    columns: &[
        required("id", Integer),
        required("district_id", Varchar(18)),
        required("school_year", Varchar(4)),
        required("summary_stats", Json),
        optional("volunteers_data", Json),
        optional("students_data", Json),
        optional("events_data", Json),
        optional("breakdown_data", Json),
        optional("last_updated", DateTime),
    ],
    unique: &[unique("uix_district_engagement_school_year", &["district_id", "school_year"])],
    references: &[reference("district_id", "district", "id")],
    indexes: &[
        index("idx_engagement_school_year_updated", &["school_year", "last_updated"]),
        index("ix_district_engagement_reports_school_year", &["school_year"]),
    ],
    ..Table::EMPTY
};

/// The tables in which every supported VMS stores reports.
pub(super) const TABLES: &[Table] = &[
    Table {
        name: "district_year_end_reports",
        columns: &[
            required("id", Integer),
            required("district_id", Varchar(18)),
            required("school_year", Varchar(4)),
            required("host_filter", Varchar(20)),
            required("report_data", Json),
            optional("events_data", Json),
            optional("last_updated", DateTime),
        ],
        unique: &[unique(
            "uix_district_school_year_host_filter",
            &["district_id", "school_year", "host_filter"],
        )],
        references: &[reference("district_id", "district", "id")],
        indexes: &[
            index("idx_school_year_last_updated", &["school_year", "last_updated"]),
            index("ix_district_year_end_reports_host_filter", &["host_filter"]),
            index("ix_district_year_end_reports_school_year", &["school_year"]),
        ],
        ..Table::EMPTY
    },
    // Not unique by school year: readers take the lowest id.
    Table {
        name: "organization_summary_cache",
        columns: &[
            required("id", Integer),
            required("school_year", Varchar(4)),
            optional("organizations_data", Json),
            optional("last_updated", DateTime),
        ],
        indexes: &[index("ix_organization_summary_cache_school_year", &["school_year"])],
        ..Table::EMPTY
    },
    Table {
        name: "organization_detail_cache",
        columns: &[
            required("id", Integer),
            required("organization_id", Integer),
            required("school_year", Varchar(4)),
            optional("organization_name", Varchar(255)),
            optional("in_person_events", Json),
            optional("virtual_events", Json),
            optional("cancelled_events", Json),
            optional("volunteers_data", Json),
            optional("summary_stats", Json),
            optional("last_updated", DateTime),
        ],
        unique: &[unique("uq_org_detail_cache", &["organization_id", "school_year"])],
        indexes: &[
            index("ix_organization_detail_cache_organization_id", &["organization_id"]),
            index("ix_organization_detail_cache_school_year", &["school_year"]),
        ],
        ..Table::EMPTY
    },
    Table {
        name: "organization_reports",
        columns: &[
            required("id", Integer),
            required("organization_id", Varchar(18)),
            required("school_year", Varchar(4)),
            required("summary_stats", Json),
            optional("in_person_events_data", Json),
            optional("virtual_events_data", Json),
            optional("cancelled_events_data", Json),
            optional("volunteers_data", Json),
            optional("last_updated", DateTime),
        ],
        unique: &[unique("uix_organization_school_year", &["organization_id", "school_year"])],
        references: &[reference("organization_id", "organization", "id")],
        indexes: &[
            index("idx_organization_school_year_updated", &["school_year", "last_updated"]),
            index("ix_organization_reports_school_year", &["school_year"]),
        ],
        ..Table::EMPTY
    },
    Table {
        name: "virtual_session_report_cache",
        columns: &[
            required("id", Integer),
            required("virtual_year", Varchar(9)),
            optional("date_from", Date),
            optional("date_to", Date),
            required("session_data", Json),
            optional("district_summaries", Json),
            optional("overall_summary", Json),
            optional("filter_options", Json),
            optional("last_updated", DateTime),
        ],
        unique: &[unique("uq_virtual_session_report_cache", &["virtual_year", "date_from", "date_to"])],
        indexes: &[
            index("idx_virtual_year_updated", &["virtual_year", "last_updated"]),
            index("ix_virtual_session_report_cache_virtual_year", &["virtual_year"]),
        ],
        ..Table::EMPTY
    },
    Table {
        name: "virtual_session_district_cache",
        columns: &[
            required("id", Integer),
            required("district_name", Varchar(255)),
            required("virtual_year", Varchar(9)),
            optional("date_from", Date),
            optional("date_to", Date),
            required("session_data", Json),
            optional("monthly_stats", Json),
            optional("school_breakdown", Json),
            optional("teacher_breakdown", Json),
            optional("summary_stats", Json),
            optional("last_updated", DateTime),
        ],
        unique: &[unique(
            "uq_virtual_session_district_cache",
            &["district_name", "virtual_year", "date_from", "date_to"],
        )],
        indexes: &[
            index("idx_district_virtual_year_updated", &["district_name", "virtual_year", "last_updated"]),
            index("ix_virtual_session_district_cache_district_name", &["district_name"]),
            index("ix_virtual_session_district_cache_virtual_year", &["virtual_year"]),
        ],
        ..Table::EMPTY
    },
    // The unique constraint does not stop duplicates: two of its columns are always NULL.
    Table {
        name: "recent_volunteers_report_cache",
        columns: &[
            required("id", Integer),
            optional("school_year", Varchar(4)),
            optional("date_from", Date),
            optional("date_to", Date),
            required("event_types", Varchar(600)),
            optional("title_filter", Varchar(255)),
            required("report_data", Json),
            optional("last_updated", DateTime),
        ],
        unique: &[unique(
            "uq_recent_volunteers_report_cache",
            &["school_year", "date_from", "date_to", "event_types", "title_filter"],
        )],
        indexes: &[
            index("ix_recent_volunteers_report_cache_date_from", &["date_from"]),
            index("ix_recent_volunteers_report_cache_date_to", &["date_to"]),
            index("ix_recent_volunteers_report_cache_event_types", &["event_types"]),
            index("ix_recent_volunteers_report_cache_school_year", &["school_year"]),
            index("ix_recent_volunteers_report_cache_title_filter", &["title_filter"]),
        ],
        ..Table::EMPTY
    },
    Table {
        name: "first_time_volunteer_report_cache",
        columns: &[
            required("id", Integer),
            required("school_year", Varchar(4)),
            required("report_data", Json),
            optional("last_updated", DateTime),
        ],
        unique: &[unique("uq_first_time_volunteer_report_cache", &["school_year"])],
        indexes: &[index("ix_first_time_volunteer_report_cache_school_year", &["school_year"])],
        ..Table::EMPTY
    },
    Table {
        name: "recruitment_candidates_cache",
        columns: &[
            required("id", Integer),
            required("event_id", Integer),
            required("candidates_data", Json),
            optional("last_updated", DateTime),
        ],
        indexes: &[unique_index("ix_recruitment_candidates_cache_event_id", &["event_id"])],
        ..Table::EMPTY
    },
    // One row by convention; nothing enforces it.
    Table {
        name: "dia_events_report_cache",
        columns: &[
            required("id", Integer),
            required("report_data", Json),
            optional("last_updated", DateTime),
        ],
        ..Table::EMPTY
    },
];
