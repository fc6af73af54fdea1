//! Changes to VMS's data from outside VMS: imports, repairs by hand, other versions.

use proptest::prelude::*;
use proptest::sample::select;

/// `{some}` stands for a part of the table's rows.
const MUTATIONS: &[&str] = &[
    // NULLs.
    "UPDATE event SET start_date = NULL WHERE {some}",
    "UPDATE event SET title = NULL, location = NULL, school = NULL, district_partner = NULL WHERE {some}",
    "UPDATE event SET type = NULL WHERE {some}",
    "UPDATE event SET status = NULL, format = NULL WHERE {some}",
    "UPDATE contact SET first_name = NULL, last_name = NULL WHERE {some}",
    "UPDATE contact SET exclude_from_reports = NULL, do_not_contact = NULL, email_opt_out = NULL WHERE {some}",
    "UPDATE event_participation SET status = NULL, delivery_hours = NULL WHERE {some}",
    "UPDATE organization SET name = NULL WHERE {some}",
    "UPDATE school SET name = NULL, district_id = NULL, level = NULL WHERE {some}",
    "UPDATE district SET name = NULL WHERE {some}",
    "UPDATE student SET school_id = NULL, current_grade = NULL WHERE {some}",
    // Rows that refer to missing rows.
    "UPDATE event_participation SET volunteer_id = volunteer_id + 1000000 WHERE {some}",
    "UPDATE event_participation SET event_id = event_id + 1000000 WHERE {some}",
    "UPDATE event_student_participation SET student_id = student_id + 1000000 WHERE {some}",
    "UPDATE event_teacher SET teacher_id = teacher_id + 1000000 WHERE {some}",
    "UPDATE OR REPLACE event_districts SET district_id = '999' WHERE {some}",
    "UPDATE OR REPLACE volunteer_organization SET organization_id = 1000000 WHERE {some}",
    "UPDATE teacher SET school_id = 'nowhere', salesforce_school_id = 'nowhere' WHERE {some}",
    "DELETE FROM contact WHERE {some}",
    "DELETE FROM volunteer WHERE {some}",
    "DELETE FROM event WHERE {some}",
    "DELETE FROM organization WHERE {some}",
    "DELETE FROM school WHERE {some}",
    // Values that are not members of their enums, or only nearly.
    "UPDATE event SET type = 'SPACE_WALK' WHERE {some}",
    "UPDATE event SET status = 'POSTPONED', format = 'TELEPATHIC' WHERE {some}",
    "UPDATE event_participation SET status = 'attended ' WHERE {some}",
    "UPDATE event_teacher SET status = 'Attended' WHERE {some}",
    "UPDATE volunteer SET local_status = 'martian', status = 'SLEEPING' WHERE {some}",
    // Values of other types.
    "UPDATE event_participation SET delivery_hours = 'two and a half' WHERE {some}",
    "UPDATE event_participation SET delivery_hours = 9e999 WHERE {some}",
    "UPDATE event_participation SET delivery_hours = 0.1 + rowid / 7.0 WHERE {some}",
    "UPDATE event SET duration = 'long', participant_count = 'many' WHERE {some}",
    "UPDATE event SET title = x'fffe00', district_partner = CAST(x'ff41' AS TEXT) WHERE {some}",
    "UPDATE event SET start_date = 'soon' WHERE {some}",
    "UPDATE event SET start_date = 46000 WHERE {some}",
    "UPDATE volunteer SET first_volunteer_date = 'someday', last_volunteer_date = 'never' WHERE {some}",
    "UPDATE volunteer SET first_volunteer_date = 20260901 WHERE {some}",
    "UPDATE student SET current_grade = 'senior' WHERE {some}",
    // Too many and too few.
    "INSERT INTO email (contact_id, email, type, \"primary\") SELECT contact_id, email, type, 1 FROM email WHERE {some}",
    "INSERT INTO organization (name) SELECT 'Nobody''s No. ' || rowid FROM organization WHERE {some}",
    "INSERT OR IGNORE INTO volunteer_organization (volunteer_id, organization_id, status) \
     SELECT id, 1 + id % 50, 'Current' FROM volunteer WHERE {some}",
    "UPDATE organization SET name = 'Acme' WHERE {some}",
    "UPDATE OR IGNORE event SET id = 9223372036854775807 WHERE id = (SELECT max(id) FROM event WHERE {some})",
    // Around the bounds of years, and at the same instant.
    "UPDATE event SET start_date = '2026-07-31 00:00:00.000000' WHERE {some}",
    "UPDATE event SET start_date = '2026-07-31 23:59:59.000000' WHERE {some}",
    "UPDATE event SET start_date = '2026-08-01 00:00:00.000000' WHERE {some}",
    "UPDATE event SET start_date = '2026-10-01 10:00:00.000000' WHERE {some}",
    "UPDATE volunteer SET first_volunteer_date = '2026-08-01' WHERE {some}",
    // Text that needs escaping or Unicode handling.
    "UPDATE contact SET first_name = '\u{dc}nal \"\u{1f600}\"', last_name = 'O''Brien \u{202e}\\' WHERE {some}",
    "UPDATE school SET name = '' WHERE {some}",
    "UPDATE event SET district_partner = '', title = '%_\\' WHERE {some}",
];

/// A few statements, each for some rows of its table.
pub(crate) fn mutations() -> impl Strategy<Value = Vec<String>> {
    let statement = (select(MUTATIONS), 1_u32..12, any::<u32>()).prop_map(|(template, every, which)| {
        template.replace("{some}", &format!("rowid % {every} = {}", which % every))
    });
    proptest::collection::vec(statement, 0..12)
}
