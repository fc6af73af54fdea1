//! Districts, their schools and classes, and the tenants of VMS's multi-tenant mode.

use super::table::Type::{Boolean, DateTime, Integer, Json, Text, Varchar};
use super::table::{Table, index, optional, reference, required, unique_index};

pub(super) const TENANT: Table = Table {
    name: "tenant",
    columns: &[
        required("id", Integer),
        required("slug", Varchar(50)),
        required("name", Varchar(255)),
        optional("district_id", Integer),
        required("is_active", Boolean),
        optional("settings", Json),
        optional("api_key_hash", Varchar(255)),
        optional("api_key_created_at", DateTime),
        optional("allowed_origins", Text),
        required("created_at", DateTime),
        optional("updated_at", DateTime),
        optional("created_by", Integer),
    ],
    references: &[reference("district_id", "district", "id"), reference("created_by", "users", "id")],
    indexes: &[unique_index("ix_tenant_slug", &["slug"])],
    ..Table::EMPTY
};

pub(super) const DISTRICT: Table = Table {
    name: "district",
    columns: &[
        required("id", Integer),
        optional("salesforce_id", Varchar(18)),
        required("name", Varchar(255)),
        optional("district_code", Varchar(20)),
    ],
    indexes: &[unique_index("ix_district_salesforce_id", &["salesforce_id"])],
    ..Table::EMPTY
};

/// The key is a Salesforce id, so text.
pub(super) const SCHOOL: Table = Table {
    name: "school",
    columns: &[
        required("id", Varchar(255)),
        required("name", Varchar(255)),
        optional("district_id", Integer),
        optional("salesforce_district_id", Varchar(255)),
        optional("normalized_name", Varchar(255)),
        optional("school_code", Varchar(255)),
        optional("level", Varchar(50)),
    ],
    references: &[reference("district_id", "district", "id")],
    ..Table::EMPTY
};

pub(super) const CLASS: Table = Table {
    name: "class",
    columns: &[
        required("id", Integer),
        required("salesforce_id", Varchar(18)),
        required("name", Varchar(255)),
        required("school_salesforce_id", Varchar(18)),
        required("class_year", Integer),
        optional("created_at", DateTime),
        optional("updated_at", DateTime),
    ],
    references: &[reference("school_salesforce_id", "school", "id")],
    indexes: &[
        index("idx_class_year_school", &["class_year", "school_salesforce_id"]),
        index("ix_class_name", &["name"]),
        unique_index("ix_class_salesforce_id", &["salesforce_id"]),
        index("ix_class_school_salesforce_id", &["school_salesforce_id"]),
    ],
    ..Table::EMPTY
};
