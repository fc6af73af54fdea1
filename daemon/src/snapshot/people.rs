//! People: every volunteer, student and teacher is a contact of the same id.

use super::Text;
use super::cells::{Cells, Oddity};
use super::scan::Row;
use super::source::{Column, Source};
use crate::vms::enums::{is_local_status, is_volunteer_status};

/// A person.
#[derive(Debug, Clone, Default)]
pub struct Contact {
    /// The id.
    pub id: i64,
    /// First name.
    pub first_name: Option<Text>,
    /// Middle name.
    pub middle_name: Option<Text>,
    /// Last name.
    pub last_name: Option<Text>,
    /// Whether reports leave the person out.
    pub exclude_from_reports: Option<bool>,
    /// Whether the person must not be contacted.
    pub do_not_contact: Option<bool>,
    /// Whether the person opted out of mail.
    pub email_opt_out: Option<bool>,
    /// Id in Salesforce.
    pub salesforce_individual_id: Option<Text>,
    /// Id of the account in Salesforce.
    pub salesforce_account_id: Option<Text>,
}

impl Row for Contact {
    const SOURCE: Source = Source::Contact;
    const TABLE: &'static str = "contact";
    const COLUMNS: &'static [Column] = &[
        Column::plain("id"),
        Column::plain("first_name"),
        Column::plain("middle_name"),
        Column::plain("last_name"),
        Column::plain("exclude_from_reports"),
        Column::plain("do_not_contact"),
        Column::plain("email_opt_out"),
        Column::plain("salesforce_individual_id"),
        Column::plain("salesforce_account_id"),
    ];

    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, Oddity> {
        Ok(Self {
            id: cells.id()?,
            first_name: cells.text(),
            middle_name: cells.text(),
            last_name: cells.text(),
            exclude_from_reports: cells.boolean(),
            do_not_contact: cells.boolean(),
            email_opt_out: cells.boolean(),
            salesforce_individual_id: cells.text(),
            salesforce_account_id: cells.text(),
        })
    }
}

/// A volunteer.
#[derive(Debug, Clone, Default)]
pub struct Volunteer {
    /// The id.
    pub id: i64,
    /// Job title.
    pub title: Option<Text>,
    /// Department.
    pub department: Option<Text>,
    /// Industry.
    pub industry: Option<Text>,
    /// Employer as free text, sometimes a Salesforce id.
    pub organization_name: Option<Text>,
    /// `local`, `partial`, `non_local` or `unknown`.
    pub local_status: Option<Text>,
    /// As stated by the person.
    pub people_of_color: Option<bool>,
    /// Date of the first engagement, `YYYY-MM-DD`.
    pub first_date: Option<Text>,
    /// Date of the last engagement, `YYYY-MM-DD`.
    pub last_date: Option<Text>,
    /// Name of the status (`ACTIVE`).
    pub status: Option<Text>,
}

impl Row for Volunteer {
    const SOURCE: Source = Source::Volunteer;
    const TABLE: &'static str = "volunteer";
    const COLUMNS: &'static [Column] = &[
        Column::plain("id"),
        Column::plain("title"),
        Column::plain("department"),
        Column::plain("industry"),
        Column::plain("organization_name"),
        Column::plain("local_status"),
        Column::plain("is_people_of_color"),
        Column::plain("first_volunteer_date"),
        Column::plain("last_volunteer_date"),
        Column::plain("status"),
    ];

    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, Oddity> {
        Ok(Self {
            id: cells.id()?,
            title: cells.text(),
            department: cells.text(),
            industry: cells.text(),
            organization_name: cells.text(),
            local_status: cells.member(is_local_status),
            people_of_color: cells.boolean(),
            first_date: cells.date(),
            last_date: cells.date(),
            status: cells.member(is_volunteer_status),
        })
    }
}

/// A student.
#[derive(Debug, Clone, Default)]
pub struct Student {
    /// The id.
    pub id: i64,
    /// The school.
    pub school: Option<Text>,
    /// Grade.
    pub grade: Option<i64>,
}

impl Row for Student {
    const SOURCE: Source = Source::Student;
    const TABLE: &'static str = "student";
    const COLUMNS: &'static [Column] =
        &[Column::plain("id"), Column::plain("school_id"), Column::plain("current_grade")];

    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, Oddity> {
        Ok(Self { id: cells.id()?, school: cells.text_key(), grade: cells.count() })
    }
}

/// A teacher.
#[derive(Debug, Clone, Default)]
pub struct Teacher {
    /// The id.
    pub id: i64,
    /// The school.
    pub school: Option<Text>,
    /// The school, as Salesforce has it.
    pub salesforce_school: Option<Text>,
}

impl Row for Teacher {
    const SOURCE: Source = Source::Teacher;
    const TABLE: &'static str = "teacher";
    const COLUMNS: &'static [Column] =
        &[Column::plain("id"), Column::plain("school_id"), Column::plain("salesforce_school_id")];

    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, Oddity> {
        Ok(Self { id: cells.id()?, school: cells.text_key(), salesforce_school: cells.text_key() })
    }
}
