//! VMS's enum columns hold member names (`CAREER_FAIR`); payloads contain member values.

/// Types of a virtual event, for the district reports.
pub const VIRTUAL_SESSION: &str = "VIRTUAL_SESSION";
/// The other type of a virtual event.
pub const CONNECTOR_SESSION: &str = "CONNECTOR_SESSION";
/// Status of an event that took place.
pub const COMPLETED: &str = "COMPLETED";
/// Status of an event that will take place, or that took place and was never closed.
pub const CONFIRMED: &str = "CONFIRMED";
/// Status of an event that other classes watched, too.
pub const SIMULCAST: &str = "SIMULCAST";
/// Status of an event that did not take place.
pub const CANCELLED: &str = "CANCELLED";

/// Values of the event types that VMS declares, in the order of their declaration; a member's name is its
/// value in capitals.
pub const EVENT_TYPES: [&str; 34] = [
    "in_person",
    "virtual_session",
    "connector_session",
    "career_jumping",
    "career_speaker",
    "employability_skills",
    "ignite",
    "career_fair",
    "client_connected_project",
    "pathway_campus_visits",
    "workplace_visit",
    "pathway_workplace_visits",
    "college_options",
    "dia_classroom_speaker",
    "dia",
    "campus_visit",
    "advisory_sessions",
    "volunteer_orientation",
    "volunteer_engagement",
    "mentoring",
    "financial_literacy",
    "math_relays",
    "classroom_speaker",
    "internship",
    "college_application_fair",
    "fafsa",
    "classroom_activity",
    "historical",
    "data_viz",
    "p2gd",
    "sla",
    "healthstart",
    "p2t",
    "bfi",
];

/// Returns the value of an event type that VMS declares; `None` for any other name.
pub fn declared_event_type(name: &str) -> Option<&'static str> {
    EVENT_TYPES.into_iter().find(|value| value.eq_ignore_ascii_case(name))
}

/// Returns the value of an event type: for every member that VMS declares it is the lower-cased name, and a
/// name that VMS does not declare is treated alike rather than failing the report.
pub fn event_type_value(name: &str) -> String {
    name.to_lowercase()
}

/// Whether VMS declares an event type of that name.
pub fn is_event_type(name: &str) -> bool {
    !name.bytes().any(|byte| byte.is_ascii_lowercase()) && declared_event_type(name).is_some()
}

/// Whether VMS declares an event status of that name.
pub fn is_event_status(name: &str) -> bool {
    event_status_value(name) != name
}

/// Whether VMS declares an event format of that name.
pub fn is_event_format(name: &str) -> bool {
    matches!(name, "IN_PERSON" | "VIRTUAL")
}

/// Whether VMS declares a status of volunteers of that name.
pub fn is_volunteer_status(name: &str) -> bool {
    matches!(name, "NONE" | "ACTIVE" | "INACTIVE" | "ON_HOLD")
}

/// Whether VMS declares a local status of that name.
pub fn is_local_status(name: &str) -> bool {
    matches!(name, "local" | "partial" | "non_local" | "unknown")
}

/// Returns the value of an event status; a name that VMS does not declare is returned unchanged rather than
/// failing the report.
pub fn event_status_value(name: &str) -> &str {
    match name {
        COMPLETED => "Completed",
        CONFIRMED => "Confirmed",
        CANCELLED => "Cancelled",
        "REQUESTED" => "Requested",
        "DRAFT" => "Draft",
        "PUBLISHED" => "Published",
        "NO_SHOW" => "No Show",
        SIMULCAST => "Simulcast",
        "COUNT" => "Count",
        unknown => unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types_are_found_by_their_member_name() {
        for value in EVENT_TYPES {
            assert_eq!(declared_event_type(&value.to_uppercase()), Some(value));
            assert_eq!(event_type_value(&value.to_uppercase()), value);
        }
        assert_eq!(declared_event_type("PICNIC"), None);
        assert_eq!(declared_event_type("CAREER"), None);
    }
}
