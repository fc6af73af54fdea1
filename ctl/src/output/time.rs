//! Instants and durations as people read them.

use cached_proto::speech;
pub(crate) use cached_proto::speech::duration;
use cached_proto::time::Timestamp;
use chrono::Local;
use chrono_tz::Tz;

use crate::output::View;

/// The zone that instants are shown in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Zone {
    /// A zone by its IANA name.
    Named(Tz),
    /// The zone of this machine, shown as an offset because its abbreviation is not known.
    Local,
}

/// Formats an instant with its zone: `Mon 23 Nov 02:00 CST`, with the year when it is not this one.
pub(crate) fn moment(at: Timestamp, view: &View) -> String {
    match view.zone {
        Zone::Named(zone) => speech::moment(at, &zone, view.now, "%Z"),
        Zone::Local => speech::moment(at, &Local, view.now, "%:z"),
    }
}

/// Formats how far an instant is from now: `3 h 12 min ago`, `in 5 h`.
pub(crate) fn distance(at: Timestamp, view: &View) -> String {
    let seconds = seconds_since(at, view);
    if seconds < 0.0 { format!("in {}", duration(-seconds)) } else { format!("{} ago", duration(seconds)) }
}

/// Formats the age of an instant without `ago`: `3 h 12 min`; `0.00 s` for the future.
pub(crate) fn age(at: Timestamp, view: &View) -> String {
    duration(seconds_since(at, view))
}

fn seconds_since(at: Timestamp, view: &View) -> f64 {
    view.now.signed_duration_since(at.to_utc()).as_seconds_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, view};

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
