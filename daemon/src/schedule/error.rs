//! Errors in a configured schedule.

/// Why a configured schedule cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// The text is not a time of day.
    #[error("\"{given}\" is not a time of day; write HH:MM, for example 02:00")]
    Time {
        /// The configured value.
        given: String,
        /// The parser's error.
        #[source]
        source: chrono::ParseError,
    },
    /// The interval does not divide 24 hours, so slots would differ from day to day.
    #[error("an interval of {given} hours does not divide 24; use 1, 2, 3, 4, 6, 8, 12 or 24")]
    Interval {
        /// The configured value.
        given: u32,
    },
}
