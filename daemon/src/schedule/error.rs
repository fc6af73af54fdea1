//! What can be wrong with a configured schedule.

/// The schedule cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// Not a time of day.
    #[error("\"{given}\" is not a time of day; write HH:MM, for example 02:00")]
    Time {
        /// What was given.
        given: String,
        /// Why.
        #[source]
        source: chrono::ParseError,
    },
    /// Slots would differ from day to day.
    #[error("an interval of {given} hours does not divide 24; use 1, 2, 3, 4, 6, 8, 12 or 24")]
    Interval {
        /// What was given.
        given: u32,
    },
    /// Not a cron expression.
    #[error(
        "\"{given}\" is not a cron expression; it has six fields and begins with the seconds, for example \
         \"0 0 2 * * *\" for 02:00, and days of the week count from 1 = Sunday or are names"
    )]
    Cron {
        /// What was given.
        given: String,
        /// Why.
        #[source]
        source: Box<cron::error::Error>,
    },
    /// Slots are told apart by the minute.
    #[error(
        "\"{given}\" fires more than once a minute; let the first field, the seconds, be one number such as 0"
    )]
    TooOften {
        /// What was given.
        given: String,
    },
}
