//! People: every volunteer, student and teacher is a contact of the same id; and VMS's own accounts.

use super::Text;
use super::cells::row;
use crate::vms::enums::{is_local_status, is_volunteer_status};

row! {
    /// A person.
    pub struct Contact = "contact" {
        /// The id.
        id: i64 = id("id"),
        /// First name.
        first_name: Option<Text> = symbol("first_name"),
        /// Middle name.
        middle_name: Option<Text> = symbol("middle_name"),
        /// Last name.
        last_name: Option<Text> = symbol("last_name"),
        /// Whether reports leave the person out.
        exclude_from_reports: Option<bool> = boolean("exclude_from_reports"),
        /// Whether the person must not be contacted.
        do_not_contact: Option<bool> = boolean("do_not_contact"),
        /// Whether the person opted out of mail.
        email_opt_out: Option<bool> = boolean("email_opt_out"),
        /// Id in Salesforce.
        salesforce_individual_id: Option<Text> = text("salesforce_individual_id"),
        /// Id of the account in Salesforce.
        salesforce_account_id: Option<Text> = text("salesforce_account_id"),
    }
}

row! {
    /// A volunteer.
    pub struct Volunteer = "volunteer" {
        /// The id.
        id: i64 = id("id"),
        /// Job title.
        title: Option<Text> = symbol("title"),
        /// Department.
        department: Option<Text> = symbol("department"),
        /// Industry.
        industry: Option<Text> = symbol("industry"),
        /// Employer as free text, sometimes a Salesforce id.
        organization_name: Option<Text> = symbol("organization_name"),
        /// `local`, `partial`, `non_local` or `unknown`.
        local_status: Option<Text> = member("local_status", is_local_status),
        /// As stated by the person.
        people_of_color: Option<bool> = boolean("is_people_of_color"),
        /// Date of the first engagement, `YYYY-MM-DD`.
        first_date: Option<Text> = date("first_volunteer_date"),
        /// Date of the last engagement, `YYYY-MM-DD`.
        last_date: Option<Text> = date("last_volunteer_date"),
        /// Name of the status (`ACTIVE`).
        status: Option<Text> = member("status", is_volunteer_status),
    }
}

row! {
    /// A student.
    pub struct Student = "student" {
        /// The id.
        id: i64 = id("id"),
        /// The school.
        school: Option<Text> = text_key("school_id"),
        /// Grade.
        grade: Option<i64> = count("current_grade"),
    }
}

row! {
    /// A teacher.
    pub struct Teacher = "teacher" {
        /// The id.
        id: i64 = id("id"),
        /// The school.
        school: Option<Text> = text_key("school_id"),
        /// The school, as Salesforce has it.
        salesforce_school: Option<Text> = text_key("salesforce_school_id"),
    }
}

row! {
    /// A mail address.
    pub struct Email = "email" {
        /// Its id.
        id: i64 = id("id"),
        /// The contact it belongs to.
        contact: i64 = id("contact_id"),
        /// The address.
        address: Option<Text> = text("email"),
        /// Whether it is the contact's primary address.
        primary: Option<bool> = boolean("primary"),
    }
}

row! {
    /// A skill.
    pub struct Skill = "skill" {
        /// Its id.
        id: i64 = id("id"),
        /// Its name.
        name: Option<Text> = text("name"),
    }
}

row! {
    /// A skill of a volunteer.
    pub struct VolunteerSkill = "volunteer_skills" {
        /// The volunteer.
        volunteer: i64 = id("volunteer_id"),
        /// The skill.
        skill: i64 = id("skill_id"),
    }
}

row! {
    /// A user account.
    pub struct User = "users" {
        /// Its id.
        id: i64 = id("id"),
        /// `global`, or what the account is restricted to.
        scope: Option<Text> = symbol("scope_type"),
        /// Whether it may log in.
        active: Option<bool> = boolean("is_active"),
    }
}
