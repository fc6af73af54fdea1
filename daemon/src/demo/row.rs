//! Rows of VMS's tables, their ids, and all rows of a sample in memory. A field is a column of the same name, and
//! columns without a field stay NULL.

#![expect(clippy::struct_field_names, reason = "the names are those of VMS's columns")]

use sea_orm::sea_query::{Alias, Expr, Query};
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbErr, Value};

/// A row of a table.
trait Row {
    /// The table.
    const TABLE: &'static str;
    /// The columns, in the order of [`Row::values`].
    const COLUMNS: &'static [&'static str];
    /// The values.
    fn values(self) -> Vec<Value>;
}

/// Declares the tables, each as the name of its rows in [`World`], the type of a row, and the columns.
macro_rules! rows {
    ($($rows:ident: $name:ident in $table:literal { $($field:ident: $type:ty),* $(,)? })*) => {
        $(
            pub(super) struct $name { $(pub(super) $field: $type),* }

            impl Row for $name {
                const TABLE: &'static str = $table;
                const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),*];

                fn values(self) -> Vec<Value> {
                    vec![$(self.$field.into()),*]
                }
            }
        )*

        /// The rows, table by table.
        #[derive(Default)]
        pub(super) struct World { $(pub(super) $rows: Vec<$name>),* }

        impl World {
            /// Inserts all rows. Returns the tables and their numbers of rows, in this order.
            pub(super) async fn insert(
                self,
                db: &DatabaseTransaction,
            ) -> Result<Vec<(&'static str, usize)>, DbErr> {
                Ok(vec![$(insert(db, self.$rows).await?),*])
            }
        }
    };
}

/// Rows per INSERT: beyond some hundred, longer statements are no faster.
const BATCH: usize = 200;

async fn insert<R: Row>(db: &DatabaseTransaction, rows: Vec<R>) -> Result<(&'static str, usize), DbErr> {
    let inserted = (R::TABLE, rows.len());
    // A field named after a keyword is a raw identifier.
    let columns = R::COLUMNS.iter().map(|column| Alias::new(column.trim_start_matches("r#")));
    let mut empty = Query::insert();
    empty.into_table(Alias::new(R::TABLE)).columns(columns);
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut statement = empty.clone();
        for row in rows.by_ref().take(BATCH) {
            let values = row.values().into_iter().map(Expr::val);
            statement.values(values).map_err(|error| DbErr::Custom(error.to_string()))?;
        }
        db.execute(&statement).await?;
    }
    Ok(inserted)
}

rows! {
    districts: District in "district" {
        id: u32, salesforce_id: String, name: String, district_code: Option<String>,
    }
    schools: School in "school" {
        id: String, name: String, district_id: u32, salesforce_district_id: String, normalized_name: String,
        school_code: String, level: String,
    }
    organizations: Organization in "organization" {
        id: u32, salesforce_id: String, name: String, r#type: String, billing_city: String,
        billing_state: String, billing_country: &'static str, created_at: String, updated_at: String,
    }
    skills: Skill in "skill" { id: u32, name: String }
    contacts: Contact in "contact" {
        id: u32, r#type: &'static str, salesforce_individual_id: String, salesforce_account_id: Option<String>,
        salutation: Option<&'static str>, first_name: String, middle_name: Option<String>, last_name: String,
        age_group: &'static str, education_level: Option<&'static str>,
        race_ethnicity: Option<&'static str>, do_not_call: bool, do_not_contact: bool, email_opt_out: bool,
        exclude_from_reports: bool,
    }
    emails: Email in "email" {
        id: u32, contact_id: u32, email: String, r#type: &'static str, primary: bool,
    }
    volunteers: Volunteer in "volunteer" {
        id: u32, organization_name: Option<String>, title: Option<String>, department: Option<String>,
        industry: Option<String>, education: Option<&'static str>, local_status: &'static str,
        is_people_of_color: Option<bool>, first_volunteer_date: Option<String>,
        last_volunteer_date: Option<String>, last_activity_date: Option<String>, times_volunteered: u32,
        additional_volunteer_count: u32, status: Option<&'static str>,
    }
    volunteer_skills: VolunteerSkill in "volunteer_skills" {
        volunteer_id: u32, skill_id: u32, source: &'static str,
    }
    memberships: Membership in "volunteer_organization" {
        volunteer_id: u32, organization_id: u32, role: &'static str, start_date: Option<String>,
        end_date: Option<String>, is_primary: bool, status: &'static str, created_at: String, updated_at: String,
    }
    teachers: Teacher in "teacher" {
        id: u32, department: String, school_id: String, status: &'static str, active: bool,
        connector_active: bool, cached_email: String, import_source: &'static str,
        salesforce_contact_id: String, salesforce_school_id: String, created_at: String, updated_at: String,
    }
    students: Student in "student" {
        id: u32, active: bool, current_grade: u32, student_id: String, school_id: String, school_code: String,
        gifted: bool,
    }
    events: Event in "event" {
        id: u32, salesforce_id: Option<String>, title: String, description: Option<&'static str>,
        r#type: String, format: &'static str, start_date: String, end_date: Option<String>,
        duration: Option<u32>, status: &'static str, cancellation_reason: Option<&'static str>,
        location: Option<String>, school: Option<String>, district_partner: Option<String>,
        volunteers_needed: u32, participant_count: u32, registered_count: u32, attended_count: u32,
        available_slots: u32, scheduled_participants_count: u32, total_requested_volunteer_jobs: u32,
        additional_information: Option<&'static str>, session_id: Option<String>,
        session_host: Option<&'static str>, series: Option<String>, registration_link: Option<String>,
        original_status_string: Option<&'static str>, pathful_session_id: Option<String>,
        career_cluster: Option<String>, import_source: &'static str, created_at: String, updated_at: String,
    }
    // The district is text, as in VMS.
    event_districts: EventDistrict in "event_districts" { event_id: u32, district_id: String }
    event_skills: EventSkill in "event_skills" { event_id: u32, skill_id: u32 }
    participations: Participation in "event_participation" {
        id: u32, volunteer_id: u32, event_id: u32, status: &'static str, delivery_hours: Option<f64>,
        salesforce_id: String, participant_type: &'static str,
    }
    attendances: Attendance in "event_student_participation" {
        id: u32, salesforce_id: String, event_id: u32, student_id: u32, status: &'static str,
        delivery_hours: Option<f64>, created_at: String, updated_at: String,
    }
    registrations: Registration in "event_teacher" {
        event_id: u32, teacher_id: u32, status: &'static str, is_simulcast: bool,
        attendance_confirmed_at: Option<String>, created_at: String, updated_at: String,
    }
    presenters: Presenter in "event_volunteers" { event_id: u32, volunteer_id: u32 }
    attendance_details: AttendanceDetail in "event_attendance_detail" {
        id: u32, event_id: u32, num_classrooms: Option<u32>, rotations: Option<u32>,
        total_students: Option<u32>, attendance_in_sf: bool, pathway: Option<String>, is_stem: bool,
    }
    users: User in "users" {
        id: u32, username: &'static str, email: &'static str, password_hash: &'static str,
        first_name: &'static str, last_name: &'static str, security_level: u32, scope_type: &'static str,
        is_active: bool, created_at: String, updated_at: String,
    }
    sync_logs: SyncLog in "sync_logs" {
        id: u32, sync_type: &'static str, started_at: String, completed_at: String, status: &'static str,
        records_processed: u32, records_failed: u32, records_skipped: u32, last_sync_watermark: String,
        recovery_buffer_hours: u32, is_delta_sync: bool,
    }
}

/// Returns the id of the row that is pushed next: ids count from 1 without gaps.
pub(super) fn next_id<T>(rows: &[T]) -> u32 {
    u32::try_from(rows.len()).unwrap_or(u32::MAX).saturating_add(1)
}

const DIGITS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Kind of record that an id identifies. Ranges differ from those of the mapped districts, so that no id is
/// used twice.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    District,
    School,
    Organization,
    Contact,
    Event,
    Participation,
    Attendance,
}

/// Returns the Salesforce id of the `number`th record of its kind: 15 characters, and a suffix of three that keeps ids
/// distinct where case is ignored.
pub(super) fn salesforce_id(kind: Kind, number: u32) -> String {
    let prefix = match kind {
        Kind::District => "0015g0000D",
        Kind::School => "0015g0000S",
        Kind::Organization => "0015g0000O",
        Kind::Contact => "0035g00000",
        Kind::Event => "a1b5g00000",
        Kind::Participation => "a2c5g00000",
        Kind::Attendance => "a3d5g00000",
    };
    let mut places = [b'A'; 5];
    let mut rest = number as usize;
    for place in places.iter_mut().rev() {
        *place = DIGITS[rest % DIGITS.len()];
        rest /= DIGITS.len();
    }
    let mut id: Vec<u8> = prefix.bytes().chain(places).collect();
    // One character per five: a number that encodes which of them are upper case.
    let suffix: Vec<u8> = id
        .chunks(5)
        .map(|chunk| {
            let upper = chunk.iter().enumerate().filter(|(_, byte)| byte.is_ascii_uppercase());
            let bits: usize = upper.map(|(place, _)| 1 << place).sum();
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]
        })
        .collect();
    id.extend(suffix);
    id.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_eighteen_characters_long() {
        let ids: std::collections::BTreeSet<String> =
            (0..5_000).map(|n| salesforce_id(Kind::Contact, n)).collect();
        assert_eq!(ids.len(), 5_000);
        assert!(ids.iter().all(|id| id.len() == 18));
    }

    #[test]
    fn the_suffix_says_which_letters_are_upper_case() {
        assert_eq!(salesforce_id(Kind::School, 0), "0015g0000SAAAAAAQ5");
    }
}
