//! When everything will have been renewed anyway.

use chrono::{DateTime, TimeDelta, Utc};

use super::Schedule;

/// A scheduled run is never expected to be quicker.
const LEAST: TimeDelta = TimeDelta::minutes(10);

/// One that has taken longer must have been stuck.
const MOST: TimeDelta = TimeDelta::hours(12);

/// An entry is topped up so long before it passes its limit: time enough for a second try.
const LEAD: TimeDelta = TimeDelta::hours(1);

/// What is known of the next scheduled run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renewal {
    /// When it will have renewed every entry; none when the schedule never fires again.
    pub ends: Option<DateTime<Utc>>,
    /// How long before its limit an entry that the run does not reach in time is topped up.
    pub lead: TimeDelta,
}

impl Renewal {
    /// The next scheduled run after `now`, if it takes `expected`.
    pub fn next(schedule: &Schedule, now: DateTime<Utc>, expected: TimeDelta) -> Self {
        let fire = schedule.fires_after(now, 1).into_iter().next();
        let ends = fire.and_then(|fire| fire.at.checked_add_signed(expected));
        Self { ends, lead: expected.max(LEAD) }
    }

    /// Entries that last until then are none of a top-up's business.
    pub fn deadline(&self) -> DateTime<Utc> {
        self.ends.unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// How long a run of all tables is expected to take, given the seconds that such runs took lately: twice the longest,
/// since an early top-up costs little and a late one leaves a page without its entry.
pub fn expected(seconds: impl IntoIterator<Item = f64>) -> TimeDelta {
    let longest = seconds.into_iter().filter(|seconds| seconds.is_finite()).fold(0.0, f64::max);
    #[expect(clippy::cast_possible_truncation, reason = "bounded by the line before")]
    let twice = (longest.min(86_400.0) * 2_000.0) as i64;
    TimeDelta::milliseconds(twice).clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_expected_to_take_twice_the_longest_within_reason() {
        for (seconds, minutes) in [
            (&[][..], 10),
            (&[3.0, 41.0], 10),
            (&[60.0, 900.0, 120.0], 30),
            (&[f64::NAN, f64::INFINITY, 1_000_000.0], 12 * 60),
        ] {
            assert_eq!(expected(seconds.iter().copied()), TimeDelta::minutes(minutes), "{seconds:?}");
        }
    }

    #[test]
    fn the_next_run_ends_after_its_fire() {
        let schedule = Schedule::every("02:00", 24, chrono_tz::America::Chicago).unwrap();
        let now = "2026-03-07T18:00:00Z".parse().unwrap();
        let renewal = Renewal::next(&schedule, now, TimeDelta::minutes(90));
        // The clock goes forward in that night: 02:00 is 08:00 UTC.
        assert_eq!(renewal.ends, Some("2026-03-08T09:30:00Z".parse().unwrap()));
        assert_eq!(renewal.lead, TimeDelta::minutes(90));
        assert_eq!(Renewal::next(&schedule, now, TimeDelta::minutes(10)).lead, TimeDelta::hours(1));
        let never = Schedule::cron("0 0 2 31 2 *", chrono_tz::UTC).unwrap();
        assert_eq!(Renewal::next(&never, now, TimeDelta::minutes(10)).deadline(), DateTime::<Utc>::MAX_UTC);
    }
}
