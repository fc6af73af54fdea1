//! Organizations and their members.

use super::table::Type::{Boolean, DateTime, Integer, Varchar};
use super::table::{Table, index, optional, reference, required, unique_index};
use sea_orm_migration::sea_query::ForeignKeyAction::Cascade;

pub(super) const ORGANIZATION: Table = Table {
    name: "organization",
    columns: &[
        required("id", Integer),
        optional("salesforce_id", Varchar(18)),
        required("name", Varchar(255)),
        optional("type", Varchar(255)),
        optional("description", Varchar(255)),
        optional("volunteer_salesforce_id", Varchar(18)),
        optional("billing_street", Varchar(255)),
        optional("billing_city", Varchar(255)),
        optional("billing_state", Varchar(255)),
        optional("billing_postal_code", Varchar(255)),
        optional("billing_country", Varchar(255)),
        required("created_at", DateTime),
        required("updated_at", DateTime),
        optional("last_activity_date", DateTime),
    ],
    indexes: &[
        index("ix_organization_name", &["name"]),
        unique_index("ix_organization_salesforce_id", &["salesforce_id"]),
        index("ix_organization_volunteer_salesforce_id", &["volunteer_salesforce_id"]),
    ],
    ..Table::EMPTY
};

/// The row order decides which organization VMS names first.
pub(super) const VOLUNTEER_ORGANIZATION: Table = Table {
    name: "volunteer_organization",
    columns: &[
        required("volunteer_id", Integer),
        required("organization_id", Integer),
        optional("salesforce_volunteer_id", Varchar(18)),
        optional("salesforce_org_id", Varchar(18)),
        optional("role", Varchar(255)),
        optional("start_date", DateTime),
        optional("end_date", DateTime),
        optional("is_primary", Boolean),
        optional("status", Varchar(50)),
        optional("date_source", Varchar(50)),
        required("created_at", DateTime),
        required("updated_at", DateTime),
    ],
    key: &["volunteer_id", "organization_id"],
    references: &[
        reference("volunteer_id", "volunteer", "id").on_delete(Cascade),
        reference("organization_id", "organization", "id").on_delete(Cascade),
    ],
    indexes: &[
        index("idx_vo_status_dates", &["status", "start_date", "end_date"]),
        index("ix_volunteer_organization_organization_id", &["organization_id"]),
        index("ix_volunteer_organization_salesforce_org_id", &["salesforce_org_id"]),
        index("ix_volunteer_organization_salesforce_volunteer_id", &["salesforce_volunteer_id"]),
        index("ix_volunteer_organization_volunteer_id", &["volunteer_id"]),
    ],
    ..Table::EMPTY
};
