//! Districts, their schools, and the organizations that people belong to.

use super::Text;
use super::cells::row;

row! {
    /// A school district.
    pub struct District = "district" {
        /// Its id.
        id: i64 = id("id"),
        /// Id in Salesforce, by which the mapping names it.
        salesforce_id: Option<Text> = text("salesforce_id"),
        /// Its name.
        name: Text = required_text("name"),
        /// State code.
        code: Option<Text> = text("district_code"),
    }
}

row! {
    /// A school.
    pub struct School = "school" {
        /// Its Salesforce id.
        id: Text = required_text_key("id"),
        /// Its name.
        name: Text = required_text("name"),
        /// Its district.
        district: Option<i64> = key("district_id"),
        /// `High`, `Middle`, `Elementary` or anything else.
        level: Option<Text> = symbol("level"),
    }
}

row! {
    /// An organization.
    pub struct Organization = "organization" {
        /// Its id.
        id: i64 = id("id"),
        /// Its name.
        name: Option<Text> = text("name"),
    }
}

row! {
    /// The membership of a volunteer in an organization.
    pub struct VolunteerOrganization = "volunteer_organization" {
        /// The volunteer.
        volunteer: i64 = id("volunteer_id"),
        /// The organization.
        organization: i64 = id("organization_id"),
        /// Whether it is the volunteer's primary organization.
        primary: Option<bool> = boolean("is_primary"),
        /// Free text, compared case-sensitively.
        status: Option<Text> = symbol("status"),
        /// Start, as stored.
        start: Option<Text> = instant_text("start_date"),
        /// End, as stored.
        end: Option<Text> = instant_text("end_date"),
    }
}
