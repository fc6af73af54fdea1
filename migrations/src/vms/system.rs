//! VMS's accounts and its record of imports.

use super::table::Type::{Boolean, DateTime, Integer, Text, Varchar};
use super::table::{Table, index, optional, reference, required, unique_index};

pub(super) const USERS: Table = Table {
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
};

pub(super) const SYNC_LOGS: Table = Table {
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
};
