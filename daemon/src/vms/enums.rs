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
