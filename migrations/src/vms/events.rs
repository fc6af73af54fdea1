//! Events, and the tables that record participation in them.

use super::table::Type::{Boolean, DateTime, Float, Integer, Text, Varchar};
use super::table::{Table, index, optional, reference, required, unique, unique_index, unnamed_unique};

/// Enum columns (`type`, `format`, `status`, `cancellation_reason`) hold member names.
pub(super) const EVENT: Table = Table {
    name: "event",
    columns: &[
        required("id", Integer),
        optional("salesforce_id", Varchar(18)),
        required("title", Varchar(255)),
        optional("description", Text),
        optional("type", Varchar(24)),
        required("format", Varchar(9)),
        required("start_date", DateTime),
        optional("end_date", DateTime),
        optional("duration", Integer),
        required("status", Varchar(9)),
        optional("cancellation_reason", Varchar(19)),
        optional("cancellation_notes", Text),
        optional("cancellation_set_by", Integer),
        optional("cancellation_set_at", DateTime),
        optional("location", Varchar(255)),
        optional("school", Varchar(18)),
        optional("district_partner", Varchar(255)),
        optional("volunteers_needed", Integer),
        optional("participant_count", Integer),
        optional("registered_count", Integer),
        optional("attended_count", Integer),
        optional("available_slots", Integer),
        optional("scheduled_participants_count", Integer),
        optional("total_requested_volunteer_jobs", Integer),
        optional("additional_information", Text),
        optional("session_id", Varchar(255)),
        optional("session_host", Varchar(255)),
        optional("series", Varchar(255)),
        optional("registration_link", Varchar(1300)),
        optional("original_status_string", Varchar(255)),
        optional("pathful_session_id", Varchar(100)),
        optional("career_cluster", Varchar(255)),
        optional("import_source", Varchar(50)),
        optional("registered_student_count", Integer),
        optional("attended_student_count", Integer),
        optional("attended_educator_count", Integer),
        optional("educators", Text),
        optional("educator_ids", Text),
        optional("professionals", Text),
        optional("professional_ids", Text),
        required("created_at", DateTime),
        required("updated_at", DateTime),
        optional("tenant_id", Integer),
    ],
    references: &[
        reference("cancellation_set_by", "users", "id"),
        reference("school", "school", "id"),
        reference("tenant_id", "tenant", "id"),
    ],
    checks: &[
        ("ck_event_duration_nonneg", "duration IS NULL OR duration >= 0"),
        ("ck_event_participant_nonneg", "participant_count >= 0"),
        ("ck_event_registered_nonneg", "registered_count >= 0"),
        ("ck_event_attended_nonneg", "attended_count >= 0"),
        ("ck_event_available_nonneg", "available_slots >= 0"),
        ("ck_event_scheduled_nonneg", "scheduled_participants_count >= 0"),
        ("ck_event_total_jobs_nonneg", "total_requested_volunteer_jobs >= 0"),
    ],
    indexes: &[
        index("idx_district_partner", &["district_partner"]),
        index("idx_event_school_start", &["school", "start_date"]),
        index("idx_event_status_date", &["status", "start_date"]),
        index("idx_event_status_date_type", &["status", "start_date", "type"]),
        index("ix_event_district_partner", &["district_partner"]),
        unique_index("ix_event_pathful_session_id", &["pathful_session_id"]),
        index("ix_event_registered_count", &["registered_count"]),
        unique_index("ix_event_salesforce_id", &["salesforce_id"]),
        index("ix_event_school", &["school"]),
        index("ix_event_status", &["status"]),
        index("ix_event_tenant_id", &["tenant_id"]),
        index("ix_event_type", &["type"]),
    ],
    ..Table::EMPTY
};

/// `district_id` is text although `district.id` is an integer: VMS declares it so.
pub(super) const EVENT_DISTRICTS: Table = Table {
    name: "event_districts",
    columns: &[required("event_id", Integer), required("district_id", Varchar(18))],
    key: &["event_id", "district_id"],
    references: &[reference("event_id", "event", "id"), reference("district_id", "district", "id")],
    ..Table::EMPTY
};

pub(super) const EVENT_SKILLS: Table = Table {
    name: "event_skills",
    columns: &[required("event_id", Integer), required("skill_id", Integer)],
    key: &["event_id", "skill_id"],
    references: &[reference("event_id", "event", "id"), reference("skill_id", "skill", "id")],
    ..Table::EMPTY
};

pub(super) const EVENT_PARTICIPATION: Table = Table {
    name: "event_participation",
    columns: &[
        required("id", Integer),
        required("volunteer_id", Integer),
        required("event_id", Integer),
        required("status", Varchar(20)),
        optional("delivery_hours", Float),
        optional("salesforce_id", Varchar(18)),
        optional("age_group", Varchar(50)),
        optional("email", Varchar(255)),
        optional("title", Varchar(100)),
        optional("participant_type", Varchar(50)),
        optional("contact", Varchar(255)),
    ],
    unique: &[unnamed_unique(&["salesforce_id"])],
    references: &[reference("volunteer_id", "volunteer", "id"), reference("event_id", "event", "id")],
    ..Table::EMPTY
};

pub(super) const EVENT_STUDENT_PARTICIPATION: Table = Table {
    name: "event_student_participation",
    columns: &[
        required("id", Integer),
        optional("salesforce_id", Varchar(18)),
        required("event_id", Integer),
        required("student_id", Integer),
        optional("status", Varchar(50)),
        optional("delivery_hours", Float),
        optional("age_group", Varchar(100)),
        optional("created_at", DateTime),
        optional("updated_at", DateTime),
    ],
    unique: &[unique("uq_event_student", &["event_id", "student_id"])],
    references: &[reference("event_id", "event", "id"), reference("student_id", "student", "id")],
    indexes: &[
        index("ix_event_student_participation_event_id", &["event_id"]),
        unique_index("ix_event_student_participation_salesforce_id", &["salesforce_id"]),
        index("ix_event_student_participation_student_id", &["student_id"]),
    ],
    ..Table::EMPTY
};

pub(super) const EVENT_TEACHER: Table = Table {
    name: "event_teacher",
    columns: &[
        required("event_id", Integer),
        required("teacher_id", Integer),
        optional("status", Varchar(50)),
        optional("is_simulcast", Boolean),
        optional("attendance_confirmed_at", DateTime),
        optional("notes", Text),
        optional("created_at", DateTime),
        optional("updated_at", DateTime),
    ],
    key: &["event_id", "teacher_id"],
    references: &[reference("event_id", "event", "id"), reference("teacher_id", "teacher", "id")],
    ..Table::EMPTY
};

pub(super) const EVENT_VOLUNTEERS: Table = Table {
    name: "event_volunteers",
    columns: &[required("event_id", Integer), required("volunteer_id", Integer)],
    key: &["event_id", "volunteer_id"],
    references: &[reference("event_id", "event", "id"), reference("volunteer_id", "volunteer", "id")],
    ..Table::EMPTY
};

pub(super) const EVENT_ATTENDANCE_DETAIL: Table = Table {
    name: "event_attendance_detail",
    columns: &[
        required("id", Integer),
        required("event_id", Integer),
        optional("num_classrooms", Integer),
        optional("rotations", Integer),
        optional("students_per_volunteer", Integer),
        optional("total_students", Integer),
        optional("attendance_in_sf", Boolean),
        optional("pathway", Varchar(128)),
        optional("groups_rotations", Varchar(128)),
        optional("is_stem", Boolean),
        optional("attendance_link", Varchar(512)),
        optional("data_source", Varchar(32)),
        optional("last_verified_at", DateTime),
        optional("notes", Text),
        optional("last_updated_by", Integer),
    ],
    references: &[reference("event_id", "event", "id"), reference("last_updated_by", "users", "id")],
    indexes: &[unique_index("ix_event_attendance_detail_event_id", &["event_id"])],
    ..Table::EMPTY
};
