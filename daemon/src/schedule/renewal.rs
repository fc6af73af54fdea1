//! When everything will have been renewed anyway.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

use super::Schedule;

/// A scheduled run is never expected to be quicker.
const LEAST: TimeDelta = TimeDelta::minutes(10);

/// One that has taken longer must have been stuck.
const MOST: TimeDelta = TimeDelta::hours(12);

/// An entry is topped up so long before it passes its limit: time enough for a second try.
const LEAD: TimeDelta = TimeDelta::hours(1);

/// What is known of the next scheduled run.
#[derive(Debug, Clone, Copy)]
pub struct Renewal<'s> {
    /// When it will have renewed every entry; none when the schedule never fires again.
    pub ends: Option<DateTime<Utc>>,
    /// How long it is expected to take.
    pub expected: TimeDelta,
    /// How long before its limit an entry that the run does not reach in time is topped up.
    pub lead: TimeDelta,
    /// The time of day at which the operator wants the work done.
    pub daily: Option<DailyTime<'s>>,
}

impl<'s> Renewal<'s> {
    /// The next scheduled run after `now`, if it takes `expected`.
    pub fn next(schedule: &'s Schedule, now: DateTime<Utc>, expected: TimeDelta) -> Self {
        let fire = schedule.fires_after(now, 1).into_iter().next();
        let daily = fire.as_ref().map(|fire| DailyTime { schedule, time: fire.slot.time() });
        let ends = fire.and_then(|fire| fire.at.checked_add_signed(expected));
        Self { ends, expected, lead: expected.max(LEAD), daily }
    }

    /// Entries that last until then are none of a top-up's business.
    pub fn deadline(&self) -> DateTime<Utc> {
        self.ends.unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// When an entry that was generated at one instant and passes its limit at another is topped up; none when the
    /// next run renews it in time.
    ///
    /// Where days pass without a run, each top-up sets the limit of the next one, a lead earlier every day. They are
    /// therefore made when the schedule would: a lead before its time of day, as on the day before a run, and at that
    /// time, as the run would.
    pub fn top_up_at(
        &self,
        generated: Option<DateTime<Utc>>,
        expires: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        if expires > self.deadline() {
            return None;
        }
        let in_time = expires.checked_sub_signed(self.expected)?;
        let daily = self.daily.and_then(|daily| daily.latest(in_time, self.lead));
        let is_after = |at: &DateTime<Utc>| generated.is_some_and(|generated| *at > generated);
        daily.filter(is_after).or_else(|| expires.checked_sub_signed(self.lead))
    }
}

/// A time of day of a schedule.
#[derive(Debug, Clone, Copy)]
pub struct DailyTime<'s> {
    schedule: &'s Schedule,
    time: NaiveTime,
}

impl DailyTime<'_> {
    /// The latest instant until `until` at which a top-up belongs: the time of a day without a run, or a lead before
    /// the time of any day.
    fn latest(&self, until: DateTime<Utc>, lead: TimeDelta) -> Option<DateTime<Utc>> {
        let today = until.with_timezone(&self.schedule.zone()).date_naive();
        // The lead is half a day at most.
        let days = [-1, 0, 1].into_iter().filter_map(|days| today.checked_add_signed(TimeDelta::days(days)));
        let instants = days.flat_map(|day| {
            let at = self.schedule.resolve(day.and_time(self.time)).at;
            let is_run = self.schedule.due(at).is_some_and(|fire| fire.at == at);
            [(!is_run).then_some(at), at.checked_sub_signed(lead)]
        });
        instants.flatten().filter(|at| *at <= until).max()
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
        // What lasts until then is left to it.
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(renewal.top_up_at(None, at("2026-03-08T09:30:01Z")), None);
        let never = Schedule::cron("0 0 2 31 2 *", chrono_tz::UTC).unwrap();
        assert_eq!(Renewal::next(&never, now, TimeDelta::minutes(10)).deadline(), DateTime::<Utc>::MAX_UTC);
    }

    #[test]
    fn days_without_a_run_have_their_top_ups_at_its_time_of_day() {
        let sundays = Schedule::cron("0 0 2 * * SUN", chrono_tz::America::Chicago).unwrap();
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let top_up_at = |now: &str, generated: &str, hours| {
            let renewal = Renewal::next(&sundays, at(now), TimeDelta::minutes(10));
            let generated = at(generated);
            renewal.top_up_at(Some(generated), generated + TimeDelta::hours(hours)).unwrap()
        };
        for (generated, hours, expected) in [
            // 02:00 in Chicago is 07:00 UTC, and 7 June 2026 is a Sunday.
            ("2026-06-07T07:00:00Z", 24, "2026-06-08T06:00:00Z"),
            ("2026-06-08T06:00:00Z", 24, "2026-06-08T07:00:00Z"),
            ("2026-06-08T07:00:00Z", 24, "2026-06-09T06:00:00Z"),
            ("2026-06-09T12:00:00Z", 24, "2026-06-10T07:00:00Z"),
            ("2026-06-08T07:00:00Z", 48, "2026-06-10T06:00:00Z"),
            // Shorter limits than a day's leave no choice.
            ("2026-06-08T07:00:00Z", 6, "2026-06-08T12:00:00Z"),
        ] {
            assert_eq!(top_up_at(generated, generated, hours), at(expected), "{generated} {hours}");
        }
        // The night in which the clock goes back is an hour longer.
        let night = "2026-10-31T07:00:00Z";
        assert_eq!(top_up_at(night, night, 24), at("2026-11-01T06:00:00Z"));
    }
}
