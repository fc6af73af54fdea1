//! Districts with their schools and classes, organizations, the tenants of VMS's multi-tenant mode, and VMS's accounts
//! and its record of imports.

use super::table::Type::{Boolean, DateTime, Integer, Json, Text, Varchar};
use super::table::{Table, index, optional, reference, required, unique_index};

/// In an order in which a foreign key names an earlier table.
pub(super) const TABLES: &[Table] = &[
    Table {
        name: "district",
        columns: &[
            required("id", Integer),
            optional("salesforce_id", Varchar(18)),
            required("name", Varchar(255)),
            optional("district_code", Varchar(20)),
        ],
        indexes: &[unique_index("ix_district_salesforce_id", &["salesforce_id"])],
        ..Table::EMPTY
    },
    Table {
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
    },
    Table {
        name: "users",
        columns: &[
            required("id", Integer),
            required("username", Varchar(64)),
            required("email", Varchar(120)),
            required("password_hash", Varchar(256)),
            optional("first_name", Varchar(64)),
            optional("last_name", Varchar(64)),
            required("security_level", Integer),
            optional("api_token", Varchar(64)),
            optional("token_expiry", DateTime),
            optional("allowed_districts", Text),
            required("scope_type", Varchar(20)),
            optional("tenant_id", Integer),
            optional("tenant_role", Varchar(20)),
            required("is_active", Boolean),
            required("created_at", DateTime),
            required("updated_at", DateTime),
        ],
        references: &[reference("tenant_id", "tenant", "id")],
        indexes: &[
            unique_index("ix_users_api_token", &["api_token"]),
            unique_index("ix_users_email", &["email"]),
            index("ix_users_tenant_id", &["tenant_id"]),
            unique_index("ix_users_username", &["username"]),
        ],
        ..Table::EMPTY
    },
    Table {
        name: "sync_logs",
        columns: &[
            required("id", Integer),
            required("sync_type", Varchar(50)),
            required("started_at", DateTime),
            optional("completed_at", DateTime),
            required("status", Varchar(20)),
            optional("records_processed", Integer),
            optional("records_failed", Integer),
            optional("records_skipped", Integer),
            optional("error_message", Text),
            optional("error_details", Text),
            optional("last_sync_watermark", DateTime),
            required("recovery_buffer_hours", Integer),
            optional("is_delta_sync", Boolean),
        ],
        indexes: &[index("ix_sync_logs_sync_type", &["sync_type"])],
        ..Table::EMPTY
    },
    // The key is a Salesforce id, so text.
    Table {
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
    },
    Table {
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
    },
    Table {
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
    },
];
