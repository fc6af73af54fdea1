//! People: every volunteer, teacher and student is a row of `contact` and a row of their own with the same id.

use super::table::Type::{Boolean, Date, DateTime, Integer, Text, Varchar};
use super::table::{Table, index, optional, reference, required, unique_index, unnamed_unique};
use sea_orm_migration::sea_query::ForeignKeyAction::SetNull;

pub(super) const CONTACT: Table = Table {
    name: "contact",
    columns: &[
        required("id", Integer),
        optional("type", Varchar(50)),
        optional("salesforce_individual_id", Varchar(18)),
        optional("salesforce_account_id", Varchar(18)),
        optional("salutation", Varchar(14)),
        required("first_name", Varchar(50)),
        optional("middle_name", Varchar(50)),
        required("last_name", Varchar(50)),
        optional("suffix", Varchar(4)),
        optional("description", Text),
        optional("age_group", Varchar(11)),
        optional("education_level", Varchar(16)),
        optional("birthdate", Date),
        optional("gender", Varchar(17)),
        optional("race_ethnicity", Varchar(17)),
        optional("do_not_call", Boolean),
        optional("do_not_contact", Boolean),
        optional("email_opt_out", Boolean),
        optional("email_bounced_date", DateTime),
        optional("exclude_from_reports", Boolean),
        optional("last_email_date", Date),
        optional("notes", Text),
    ],
    unique: &[unnamed_unique(&["salesforce_individual_id"])],
    ..Table::EMPTY
};

pub(super) const EMAIL: Table = Table {
    name: "email",
    columns: &[
        required("id", Integer),
        required("contact_id", Integer),
        optional("email", Varchar(100)),
        optional("type", Varchar(12)),
        optional("primary", Boolean),
    ],
    references: &[reference("contact_id", "contact", "id")],
    ..Table::EMPTY
};

pub(super) const VOLUNTEER: Table = Table {
    name: "volunteer",
    columns: &[
        required("id", Integer),
        optional("organization_name", Varchar(100)),
        optional("title", Varchar(50)),
        optional("department", Varchar(50)),
        optional("industry", Varchar(50)),
        optional("education", Varchar(16)),
        optional("local_status", Varchar(9)),
        optional("local_status_last_updated", DateTime),
        optional("is_people_of_color", Boolean),
        optional("first_volunteer_date", Date),
        optional("last_volunteer_date", Date),
        optional("last_non_internal_email_date", Date),
        optional("last_activity_date", Date),
        optional("times_volunteered", Integer),
        optional("additional_volunteer_count", Integer),
        optional("last_mailchimp_activity_date", Date),
        optional("mailchimp_history", Text),
        optional("admin_contacts", Varchar(200)),
        optional("interests", Text),
        optional("status", Varchar(8)),
        optional("pathful_user_id", Varchar(100)),
    ],
    references: &[reference("id", "contact", "id")],
    indexes: &[
        index("ix_volunteer_is_people_of_color", &["is_people_of_color"]),
        index("ix_volunteer_last_activity_date", &["last_activity_date"]),
        index("ix_volunteer_last_volunteer_date", &["last_volunteer_date"]),
        index("ix_volunteer_local_status", &["local_status"]),
        index("ix_volunteer_pathful_user_id", &["pathful_user_id"]),
        index("ix_volunteer_status", &["status"]),
    ],
    ..Table::EMPTY
};

pub(super) const TEACHER: Table = Table {
    name: "teacher",
    columns: &[
        required("id", Integer),
        optional("department", Varchar(50)),
        optional("school_id", Varchar(255)),
        optional("status", Varchar(8)),
        required("active", Boolean),
        optional("connector_role", Varchar(50)),
        required("connector_active", Boolean),
        optional("connector_start_date", Date),
        optional("connector_end_date", Date),
        optional("last_email_message", Date),
        optional("last_mailchimp_date", Date),
        optional("cached_email", Varchar(255)),
        optional("import_source", Varchar(50)),
        optional("tenant_id", Integer),
        optional("salesforce_contact_id", Varchar(18)),
        optional("salesforce_school_id", Varchar(18)),
        optional("created_at", DateTime),
        optional("updated_at", DateTime),
    ],
    references: &[reference("id", "contact", "id"), reference("tenant_id", "tenant", "id")],
    checks: &[("check_date_range", "connector_end_date >= connector_start_date")],
    indexes: &[
        index("idx_teacher_school_active", &["school_id", "active"]),
        index("idx_teacher_status_school", &["status", "salesforce_school_id"]),
        index("ix_teacher_cached_email", &["cached_email"]),
        index("ix_teacher_department", &["department"]),
        unique_index("ix_teacher_salesforce_contact_id", &["salesforce_contact_id"]),
        index("ix_teacher_school_id", &["school_id"]),
        index("ix_teacher_status", &["status"]),
        index("ix_teacher_tenant_id", &["tenant_id"]),
    ],
    ..Table::EMPTY
};

pub(super) const STUDENT: Table = Table {
    name: "student",
    columns: &[
        required("id", Integer),
        optional("active", Boolean),
        optional("current_grade", Integer),
        optional("legacy_grade", Varchar(50)),
        optional("student_id", Varchar(50)),
        optional("school_id", Varchar(18)),
        optional("class_salesforce_id", Varchar(18)),
        optional("teacher_id", Integer),
        optional("racial_ethnic", Varchar(100)),
        optional("school_code", Varchar(50)),
        optional("ell_language", Varchar(50)),
        required("gifted", Boolean),
        optional("lunch_status", Varchar(50)),
    ],
    references: &[
        reference("id", "contact", "id"),
        reference("school_id", "school", "id").on_delete(SetNull),
        reference("class_salesforce_id", "class", "salesforce_id").on_delete(SetNull),
        reference("teacher_id", "teacher", "id").on_delete(SetNull),
    ],
    indexes: &[
        index("idx_student_school_grade", &["school_id", "current_grade"]),
        index("ix_student_class_salesforce_id", &["class_salesforce_id"]),
        index("ix_student_school_code", &["school_code"]),
        index("ix_student_school_id", &["school_id"]),
        index("ix_student_student_id", &["student_id"]),
        index("ix_student_teacher_id", &["teacher_id"]),
    ],
    ..Table::EMPTY
};

pub(super) const SKILL: Table = Table {
    name: "skill",
    columns: &[required("id", Integer), required("name", Varchar(200))],
    unique: &[unnamed_unique(&["name"])],
    ..Table::EMPTY
};

pub(super) const VOLUNTEER_SKILLS: Table = Table {
    name: "volunteer_skills",
    columns: &[
        required("volunteer_id", Integer),
        required("skill_id", Integer),
        optional("source", Varchar(19)),
        optional("interest_level", Varchar(20)),
    ],
    key: &["volunteer_id", "skill_id"],
    references: &[reference("volunteer_id", "volunteer", "id"), reference("skill_id", "skill", "id")],
    ..Table::EMPTY
};
