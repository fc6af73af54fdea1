//! Instants and durations as people read them.

use std::fmt::Display;

use chrono::{DateTime, Datelike as _, TimeZone, Utc};

use crate::time::Timestamp;

/// Formats an instant with its zone: `Mon 23 Nov 02:00 CST`, with the year when it differs from the year of
/// `now`. `zone_format` is chrono's format of the zone: `%Z` or `%:z`.
pub fn moment<Z: TimeZone>(at: Timestamp, zone: &Z, now: DateTime<Utc>, zone_format: &str) -> String
where
    Z::Offset: Display,
{
    let (at, now) = (at.to_utc().with_timezone(zone), now.with_timezone(zone));
    let year = if at.year() == now.year() { "" } else { " %Y" };
    at.format(&format!("%a %-d %b{year} %H:%M {zone_format}")).to_string()
}

/// Formats a duration in at most two units: `0.41 s`, `41 s`, `3 h 12 min`, `2 d 4 h`.
pub fn duration(seconds: f64) -> String {
    if seconds.is_nan() {
        return "unknown".to_owned();
    }
    let seconds = seconds.max(0.0);
    if seconds < 10.0 {
        return format!("{seconds:.2} s");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive here, and a duration beyond u64 may as well be its end"
    )]
    let whole = seconds as u64;
    let (number, unit, rest, small) = match whole {
        0..60 => return format!("{whole} s"),
        60..3_600 => (whole / 60, "min", whole % 60, "s"),
        3_600..172_800 => (whole / 3_600, "h", whole % 3_600 / 60, "min"),
        _ => (whole / 86_400, "d", whole % 86_400 / 3_600, "h"),
    };
    if rest == 0 { format!("{number} {unit}") } else { format!("{number} {unit} {rest} {small}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_at_most_two_units() {
        for (seconds, shown) in [
            (0.0, "0.00 s"),
            (-5.0, "0.00 s"),
            (0.414, "0.41 s"),
            (41.7, "41 s"),
            (60.0, "1 min"),
            (61.0, "1 min 1 s"),
            (11_520.0, "3 h 12 min"),
            (172_799.0, "47 h 59 min"),
            (187_200.0, "2 d 4 h"),
            (f64::NAN, "unknown"),
        ] {
            assert_eq!(duration(seconds), shown, "{seconds}");
        }
    }
}
