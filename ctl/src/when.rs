//! Times as people type them: how long ago, a day, or a date with its time.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};

/// What may be typed, for errors.
const FORMS: &str = "how long ago (36h, 7d), a day (2026-11-01, today, yesterday) or a date with its time \
                     (\"2026-11-01 02:00\")";

/// A time as it was typed. Days and dates are meant in the zone of the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// So long before now.
    Ago(Duration),
    /// The beginning of the day that is so many days after today.
    FromToday(i8),
    /// The beginning of a day.
    Day(NaiveDate),
    /// A date and a time of day.
    Civil(NaiveDateTime),
    /// An instant, given with its offset.
    Instant(DateTime<Utc>),
}

impl When {
    /// The day in a zone; `None` for a time that is so long ago.
    pub(crate) fn day<Z: TimeZone>(self, now: DateTime<Utc>, zone: &Z) -> Option<NaiveDate> {
        match self {
            Self::Ago(_) => None,
            Self::FromToday(days) => {
                let today = now.with_timezone(zone).date_naive();
                let distance = Days::new(days.unsigned_abs().into());
                if days < 0 { today.checked_sub_days(distance) } else { today.checked_add_days(distance) }
            }
            Self::Day(day) => Some(day),
            Self::Civil(civil) => Some(civil.date()),
            Self::Instant(at) => Some(at.with_timezone(zone).date_naive()),
        }
    }

    /// The instant, where days and dates are those of a zone; `None` beyond the calendar.
    pub(crate) fn instant<Z: TimeZone>(self, now: DateTime<Utc>, zone: &Z) -> Option<DateTime<Utc>> {
        match self {
            Self::Ago(ago) => now.checked_sub_signed(TimeDelta::from_std(ago).ok()?),
            Self::Instant(at) => Some(at),
            Self::Civil(civil) => resolved(civil, zone),
            Self::FromToday(_) | Self::Day(_) => {
                resolved(self.day(now, zone)?.and_time(NaiveTime::MIN), zone)
            }
        }
    }
}

/// The instant of a civil time: the first one if a clock change repeats it, the end of the gap if one skips it.
fn resolved<Z: TimeZone>(civil: NaiveDateTime, zone: &Z) -> Option<DateTime<Utc>> {
    // Gaps end at a quarter of an hour, and none is longer than a day.
    let later = (0..=96).filter_map(|quarters| civil.checked_add_signed(TimeDelta::minutes(15 * quarters)));
    later.filter_map(|civil| zone.from_local_datetime(&civil).earliest()).map(|at| at.to_utc()).next()
}

/// Parses a time.
pub(crate) fn when(text: &str) -> Result<When, String> {
    let typed = text.trim().to_ascii_lowercase();
    let civil = |format| NaiveDateTime::parse_from_str(text.trim(), format).ok();
    match typed.as_str() {
        "today" => return Ok(When::FromToday(0)),
        "yesterday" => return Ok(When::FromToday(-1)),
        "tomorrow" => return Ok(When::FromToday(1)),
        _ => {}
    }
    if let Ok(day) = typed.parse() {
        return Ok(When::Day(day));
    }
    let formats = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"];
    if let Some(civil) = formats.into_iter().find_map(civil) {
        return Ok(When::Civil(civil));
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text.trim()) {
        return Ok(When::Instant(at.to_utc()));
    }
    with_unit(&typed, FORMS).map(When::Ago)
}

/// Parses a day; how long ago is none.
pub(crate) fn day(text: &str) -> Result<When, String> {
    match when(text) {
        Ok(When::Ago(_)) | Err(_) => {
            Err("it must be a day, such as 2026-11-01, today, yesterday or tomorrow".to_owned())
        }
        day => day,
    }
}

/// Parses a length of time with its unit.
pub(crate) fn length(text: &str) -> Result<Duration, String> {
    with_unit(text, "a length of time with its unit, such as 90s, 36h or 7d")
}

/// Parses a length of time; a bare number is one of seconds, as with `timeout` and `curl --max-time`.
pub(crate) fn wait(text: &str) -> Result<Duration, String> {
    text.parse()
        .map(Duration::from_secs)
        .or_else(|_| with_unit(text, "a length of time, such as 90s or 5min"))
}

fn with_unit(text: &str, expected: &str) -> Result<Duration, String> {
    let is_bare = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_bare {
        return Err(format!("it has no unit: {text}d is so many days, {text}h so many hours"));
    }
    humantime::parse_duration(text).map_err(|_| format!("it must be {expected}"))
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::Chicago;

    use super::*;
    use crate::testing::at;

    /// Sunday 22 November 2026, 20:44 UTC.
    fn now() -> DateTime<Utc> {
        at("2026-11-22T20:44:00Z").to_utc()
    }

    #[test]
    fn a_time_may_be_typed_in_many_forms() {
        for (typed, instant) in [
            ("36h", "2026-11-21T08:44:00Z"),
            ("7d", "2026-11-15T20:44:00Z"),
            ("1d 2h", "2026-11-21T18:44:00Z"),
            ("2026-11-01", "2026-11-01T05:00:00Z"),
            ("2026-11-02", "2026-11-02T06:00:00Z"),
            ("2026-11-02 13:30", "2026-11-02T19:30:00Z"),
            ("2026-11-02T13:30:15", "2026-11-02T19:30:15Z"),
            ("2026-11-02T13:30:00+01:00", "2026-11-02T12:30:00Z"),
            ("today", "2026-11-22T06:00:00Z"),
            ("Yesterday", "2026-11-21T06:00:00Z"),
            ("tomorrow", "2026-11-23T06:00:00Z"),
            // Repeated by a clock change, and skipped by one.
            ("2026-11-01 01:30", "2026-11-01T06:30:00Z"),
            ("2026-03-08 02:30", "2026-03-08T08:00:00Z"),
        ] {
            let resolved = when(typed).unwrap().instant(now(), &Chicago);
            assert_eq!(resolved, Some(at(instant).to_utc()), "{typed}");
        }
    }

    #[test]
    fn today_is_that_of_the_zone() {
        let late = at("2026-11-23T05:59:00Z").to_utc();
        let day = |zone| When::FromToday(0).day(late, &zone);
        assert_eq!(day(Chicago), NaiveDate::from_ymd_opt(2026, 11, 22));
        assert_eq!(day(chrono_tz::Asia::Tokyo), NaiveDate::from_ymd_opt(2026, 11, 23));
    }

    #[test]
    fn what_is_no_time_is_refused_with_an_example() {
        for (wrong, expected) in [
            ("7", "it has no unit: 7d is so many days, 7h so many hours"),
            ("soon", "how long ago (36h, 7d), a day (2026-11-01, today, yesterday)"),
            ("2026-13-01", "2026-11-01"),
            ("", "36h"),
            ("-7d", "36h"),
        ] {
            let message = when(wrong).unwrap_err();
            assert!(message.contains(expected), "{wrong:?}: {message}");
        }
        assert!(["7d", "7", "soon"].iter().all(|wrong| day(wrong).unwrap_err().contains("tomorrow")));
        assert!(["-1", "soon", ""].iter().all(|wrong| wait(wrong).unwrap_err().contains("90s")));
        assert!(length("30").unwrap_err().contains("30d") && length("soon").unwrap_err().contains("7d"));
    }

    #[test]
    fn a_time_beyond_the_calendar_is_no_instant() {
        assert_eq!(When::Ago(Duration::MAX).instant(now(), &Chicago), None);
    }
}
