//! VMS's enum columns hold member names (`CAREER_FAIR`); payloads carry member values.

/// Types of a virtual event, for the district reports.
pub const VIRTUAL_SESSION: &str = "VIRTUAL_SESSION";
/// The other type of a virtual event.
pub const CONNECTOR_SESSION: &str = "CONNECTOR_SESSION";
/// Status of an event that took place.
pub const COMPLETED: &str = "COMPLETED";

/// Value of an event type: for every member that VMS declares it is the lower-cased name, and a name that
/// VMS does not declare is treated alike rather than failing the report.
pub fn event_type_value(name: &str) -> String {
    name.to_lowercase()
}

/// Value of an event status; a name that VMS does not declare stands for itself rather than failing the
/// report.
pub fn event_status_value(name: &str) -> &str {
    match name {
        COMPLETED => "Completed",
        "CONFIRMED" => "Confirmed",
        "CANCELLED" => "Cancelled",
        "REQUESTED" => "Requested",
        "DRAFT" => "Draft",
        "PUBLISHED" => "Published",
        "NO_SHOW" => "No Show",
        "SIMULCAST" => "Simulcast",
        "COUNT" => "Count",
        unknown => unknown,
    }
}
