//! Instants and durations as people read them.

use cached_proto::time::Timestamp;
use chrono::{DateTime, Datelike as _, Local, TimeZone, Utc};
use chrono_tz::Tz;

use crate::output::View;

/// The zone that instants are shown in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Zone {
    /// A zone by its IANA name.
    Named(Tz),
    /// That of this machine, shown as an offset because its abbreviation is not known.
    Local,
}

/// An instant with its zone: `Mon 23 Nov 02:00 CST`, with the year when it is not this one.
pub(crate) fn moment(at: Timestamp, view: &View) -> String {
    match view.zone {
        Zone::Named(zone) => format_in(&zone, at.to_utc(), view.now, "%Z"),
        Zone::Local => format_in(&Local, at.to_utc(), view.now, "%:z"),
    }
}

fn format_in<Z: TimeZone>(zone: &Z, at: DateTime<Utc>, now: DateTime<Utc>, zone_format: &str) -> String
where
    Z::Offset: std::fmt::Display,
{
    let (at, now) = (at.with_timezone(zone), now.with_timezone(zone));
    let year = if at.year() == now.year() { "" } else { " %Y" };
    at.format(&format!("%a %-d %b{year} %H:%M {zone_format}")).to_string()
}

/// How far an instant is from now: `3 h 12 min ago`, `in 5 h`.
pub(crate) fn distance(at: Timestamp, view: &View) -> String {
    let seconds = seconds_since(at, view);
    if seconds < 0.0 { format!("in {}", duration(-seconds)) } else { format!("{} ago", duration(seconds)) }
}

/// How long ago an instant is, without saying so: `3 h 12 min`; `0.00 s` for the future.
pub(crate) fn age(at: Timestamp, view: &View) -> String {
    duration(seconds_since(at, view))
}

fn seconds_since(at: Timestamp, view: &View) -> f64 {
    view.now.signed_duration_since(at.to_utc()).as_seconds_f64()
}

/// A duration in at most two units: `0.41 s`, `41 s`, `3 h 12 min`, `2 d 4 h`.
pub(crate) fn duration(seconds: f64) -> String {
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
    use crate::testing::{at, view};

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

    #[test]
    fn an_instant_names_its_zone_and_a_foreign_year() {
        for (instant, shown) in [
            ("2026-11-23T08:00:00Z", "Mon 23 Nov 02:00 CST"),
            ("2026-07-01T07:00:00Z", "Wed 1 Jul 02:00 CDT"),
            ("2027-01-01T08:00:00Z", "Fri 1 Jan 2027 02:00 CST"),
            ("2027-01-01T05:59:59Z", "Thu 31 Dec 23:59 CST"),
        ] {
            assert_eq!(moment(at(instant), &view()), shown);
        }
    }

    #[test]
    fn any_instant_of_a_peer_can_be_shown() {
        for micros in [i64::MIN, i64::MAX] {
            for zone in [Zone::Named(Tz::Asia__Tokyo), Zone::Named(Tz::America__Chicago), Zone::Local] {
                let shown = moment(Timestamp::from_micros(micros), &View { zone, ..view() });
                assert!(!shown.is_empty());
                assert!(!distance(Timestamp::from_micros(micros), &view()).is_empty());
            }
        }
    }

    #[test]
    fn a_distance_has_a_direction() {
        assert_eq!(distance(at("2026-11-22T20:00:00Z"), &view()), "44 min ago");
        assert_eq!(distance(at("2026-11-23T08:00:00Z"), &view()), "in 11 h 16 min");
    }
}
