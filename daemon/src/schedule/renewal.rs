//! When the next scheduled run will have renewed all entries.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

use super::Schedule;

/// Lower bound for the expected duration of a scheduled run.
const LEAST: TimeDelta = TimeDelta::minutes(10);

/// Upper bound for the expected duration; a run that took longer must have been stuck.
const MOST: TimeDelta = TimeDelta::hours(12);

/// How long before its limit an entry is topped up: time enough for a second attempt.
const LEAD: TimeDelta = TimeDelta::hours(1);

/// The next scheduled run and its expected end.
#[derive(Debug, Clone, Copy)]
pub struct Renewal<'s> {
    /// When that run will have renewed every entry; none if the schedule never fires again.
    pub ends: Option<DateTime<Utc>>,
    /// How long an entry may be past its limit before that run has renewed it.
    pub tolerance: TimeDelta,
    /// Expected duration of that run.
    pub expected: TimeDelta,
    /// How long before its limit an entry is topped up if the run does not reach it in time.
    pub lead: TimeDelta,
    /// The time of day at which the operator wants the work done.
    pub daily: Option<DailyTime<'s>>,
}

impl<'s> Renewal<'s> {
    /// Describes the next scheduled run after `now`, with the duration `expected`. An entry that lives as long
    /// as the schedule's period passes its limit when that run begins, so the tolerance is never below the
    /// duration: otherwise every night would refresh everything twice.
    pub fn next(
        schedule: &'s Schedule,
        now: DateTime<Utc>,
        expected: TimeDelta,
        tolerance: TimeDelta,
    ) -> Self {
        let fire = schedule.fires_after(now, 1).into_iter().next();
        let daily = fire.as_ref().map(|fire| DailyTime { schedule, time: fire.slot.time() });
        let ends = fire.and_then(|fire| fire.at.checked_add_signed(expected));
        Self { ends, tolerance: tolerance.max(expected), expected, lead: expected.max(LEAD), daily }
    }

    /// The end of that run, less the tolerance. Entries that last until then need no top-up.
    pub fn deadline(&self) -> DateTime<Utc> {
        let deadline = self.ends.and_then(|ends| ends.checked_sub_signed(self.tolerance));
        deadline.unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// When to top up an entry that was generated at `generated` and passes its limit at `expires`; none if
    /// the next run renews it in time, that is, within the tolerance.
    ///
    /// On consecutive days without a run, each top-up sets the limit of the next one, so they would move a
    /// lead earlier every day. They are therefore made at the schedule's time of day, as a run would be, or a
    /// lead before it where an entry does not last until then.
    pub fn top_up_at(
        &self,
        generated: Option<DateTime<Utc>>,
        expires: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        if expires >= self.deadline() {
            return None;
        }
        let in_time = expires.checked_sub_signed(self.expected)?.checked_add_signed(self.tolerance)?;
        let daily = self.daily.and_then(|daily| daily.latest(in_time, self.lead));
        let is_after = |at: &DateTime<Utc>| generated.is_some_and(|generated| *at > generated);
        daily.filter(is_after).or_else(|| expires.checked_sub_signed(self.lead))
    }
}

/// The time of day at which a schedule fires.
#[derive(Debug, Clone, Copy)]
pub struct DailyTime<'s> {
    schedule: &'s Schedule,
    time: NaiveTime,
}

impl DailyTime<'_> {
    /// The latest time until `until` intended for top-ups: the time of day on a day without a run, or
    /// a lead before that time on any day.
    fn latest(&self, until: DateTime<Utc>, lead: TimeDelta) -> Option<DateTime<Utc>> {
        let today = until.with_timezone(&self.schedule.zone()).date_naive();
        // The lead is at most half a day.
        let days = [-1, 0, 1].into_iter().filter_map(|days| today.checked_add_signed(TimeDelta::days(days)));
        let instants = days.flat_map(|day| {
            let at = self.schedule.resolve(day.and_time(self.time)).at;
            let is_run = self.schedule.due(at).is_some_and(|fire| fire.at == at);
            [(!is_run).then_some(at), at.checked_sub_signed(lead)]
        });
        instants.flatten().filter(|at| *at <= until).max()
    }
}

/// Estimates the duration of a run of all tables from the seconds that recent such runs took: twice the
/// longest, since an early top-up costs little and a late one leaves a page without its entry.
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
        let tolerance = TimeDelta::minutes(15);
        let renewal = Renewal::next(&schedule, now, TimeDelta::minutes(90), tolerance);
        // The clock goes forward in that night: 02:00 is 08:00 UTC.
        assert_eq!(renewal.ends, Some("2026-03-08T09:30:00Z".parse().unwrap()));
        assert_eq!(renewal.lead, TimeDelta::minutes(90));
        let short = TimeDelta::minutes(10);
        assert_eq!(Renewal::next(&schedule, now, short, tolerance).lead, TimeDelta::hours(1));
        // An entry that lasts until the end of the run, less the tolerance, needs no top-up; the tolerance is
        // the duration at least.
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        for (expected, tolerance, lasts) in [
            (90, 15, "2026-03-08T08:00:00Z"),
            (10, 15, "2026-03-08T07:55:00Z"),
            (10, 60, "2026-03-08T07:10:00Z"),
        ] {
            let (expected, tolerance) = (TimeDelta::minutes(expected), TimeDelta::minutes(tolerance));
            let renewal = Renewal::next(&schedule, now, expected, tolerance);
            assert_eq!(renewal.top_up_at(None, at(lasts)), None, "{lasts}");
            assert!(renewal.top_up_at(None, at(lasts) - TimeDelta::seconds(1)).is_some(), "{lasts}");
        }
        let never = Schedule::cron("0 0 2 31 2 *", chrono_tz::UTC).unwrap();
        assert_eq!(Renewal::next(&never, now, short, tolerance).deadline(), DateTime::<Utc>::MAX_UTC);
    }

    #[test]
    fn days_without_a_run_have_their_top_ups_at_its_time_of_day() {
        let sundays = Schedule::cron("0 0 2 * * SUN", chrono_tz::America::Chicago).unwrap();
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let top_up_at = |now: &str, generated: &str, hours| {
            let short = TimeDelta::minutes(10);
            let renewal = Renewal::next(&sundays, at(now), short, short);
            let generated = at(generated);
            renewal.top_up_at(Some(generated), generated + TimeDelta::hours(hours)).unwrap()
        };
        for (generated, hours, expected) in [
            // 02:00 in Chicago is 07:00 UTC, and 7 June 2026 is a Sunday.
            ("2026-06-07T07:00:00Z", 24, "2026-06-08T07:00:00Z"),
            ("2026-06-08T06:00:00Z", 24, "2026-06-09T06:00:00Z"),
            ("2026-06-08T07:00:00Z", 24, "2026-06-09T07:00:00Z"),
            ("2026-06-09T12:00:00Z", 24, "2026-06-10T07:00:00Z"),
            ("2026-06-08T07:00:00Z", 48, "2026-06-10T07:00:00Z"),
            // A limit below one day leaves no choice.
            ("2026-06-08T07:00:00Z", 6, "2026-06-08T12:00:00Z"),
        ] {
            assert_eq!(top_up_at(generated, generated, hours), at(expected), "{generated} {hours}");
        }
        // The night in which the clock goes back is an hour longer.
        let night = "2026-10-31T07:00:00Z";
        assert_eq!(top_up_at(night, night, 24), at("2026-11-01T07:00:00Z"));
    }
}
