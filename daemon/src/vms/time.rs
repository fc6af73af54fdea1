//! Instants as VMS stores them in SQLite: naive text `YYYY-MM-DD HH:MM:SS.ffffff`.
//!
//! SQLite compares such columns as text. Bounds must therefore be bound in exactly this form: RFC 3339
//! (`T`, offset) sorts differently and silently returns other rows.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _, Utc};

/// Writes an instant the way VMS does, always with six fraction digits.
pub fn to_text(at: NaiveDateTime) -> String {
    at.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// Writes an instant as Python's `isoformat` does: `T` between date and time, six fraction digits or none.
pub fn iso(at: NaiveDateTime) -> String {
    if at.and_utc().timestamp_subsec_micros() > 0 {
        return at.format("%Y-%m-%dT%H:%M:%S%.6f").to_string();
    }
    // Much cheaper than a format that is parsed for each of a hundred thousand participations.
    format!("{:?}", at.with_nanosecond(0).unwrap_or(at))
}

/// Reads what VMS itself can read: a date, `T` or blank, an optional time with up to nine fraction
/// digits, an optional offset (the result is then UTC).
pub fn parse(text: &str) -> Option<NaiveDateTime> {
    fast(text).or_else(|| lenient(text))
}

/// Parses the form that VMS writes, without chrono's general parser, which costs more than reading the row.
fn fast(text: &str) -> Option<NaiveDateTime> {
    let bytes: &[u8; 26] = text.as_bytes().try_into().ok()?;
    let shape = bytes[4] == b'-'
        && bytes[7] == b'-'
        && bytes[10] == b' '
        && bytes[13] == b':'
        && bytes[16] == b':'
        && bytes[19] == b'.';
    if !shape {
        return None;
    }
    let number = |range: std::ops::Range<usize>| {
        bytes[range].iter().try_fold(0u32, |n, b| b.is_ascii_digit().then(|| n * 10 + u32::from(b - b'0')))
    };
    let date = NaiveDate::from_ymd_opt(i32::try_from(number(0..4)?).ok()?, number(5..7)?, number(8..10)?)?;
    let time =
        NaiveTime::from_hms_micro_opt(number(11..13)?, number(14..16)?, number(17..19)?, number(20..26)?)?;
    Some(date.and_time(time))
}

fn lenient(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(date.and_time(NaiveTime::MIN));
    }
    let spaced = text.replacen('T', " ", 1);
    for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"] {
        if let Ok(at) = NaiveDateTime::parse_from_str(&spaced, format) {
            return Some(at);
        }
    }
    let zulu = spaced.replacen('Z', "+00:00", 1);
    DateTime::parse_from_str(&zulu, "%Y-%m-%d %H:%M:%S%.f%:z").ok().map(|at| at.naive_utc())
}

/// Whether VMS can read a DATE column that holds `text`.
pub fn is_date(text: &str) -> bool {
    text.len() == 10 && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

/// Returns the naive local time in `zone`.
pub fn local(at: DateTime<Utc>, zone: chrono_tz::Tz) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}

/// A stored instant: its text, by which SQLite orders and compares it, and its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The text of the column.
    pub text: Box<str>,
    /// The wall-clock time; VMS prints it as it is, without a zone.
    pub at: NaiveDateTime,
}

impl Stored {
    /// Parses a column; `None` if VMS itself could not read it.
    pub fn read(text: &str) -> Option<Self> {
        parse(text).map(|at| Self { text: text.into(), at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_with_six_digits() {
        for text in ["2026-03-15 02:00:00.000000", "1999-12-31 23:59:59.999999", "2024-02-29 00:00:00.000001"]
        {
            assert_eq!(to_text(parse(text).unwrap()), text);
        }
    }

    #[test]
    fn iso_form_has_six_fraction_digits_or_none() {
        for (text, expected) in [
            ("2026-03-15 02:00:00.000000", "2026-03-15T02:00:00"),
            ("2026-03-15 02:00:00.500000", "2026-03-15T02:00:00.500000"),
            ("2026-03-15 02:00:00.000001", "2026-03-15T02:00:00.000001"),
            ("2026-03-15 02:00:00.000000999", "2026-03-15T02:00:00"),
        ] {
            assert_eq!(iso(parse(text).unwrap()), expected);
        }
    }

    #[test]
    fn every_form_that_vms_reads_is_read() {
        let expected = parse("2026-03-15 02:00:00.500000").unwrap();
        for text in [
            "2026-03-15T02:00:00.5",
            "2026-03-15 02:00:00.500000000",
            "2026-03-15T02:00:00.5Z",
            "2026-03-15 02:00:00.500000+00:00",
            "2026-03-14T21:00:00.5-05:00",
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        assert_eq!(to_text(parse("2026-03-15").unwrap()), "2026-03-15 00:00:00.000000");
    }

    #[test]
    fn text_that_is_not_a_time_is_none() {
        for text in
            ["", "soon", "2026-13-01 00:00:00.000000", "2026-02-30 00:00:00.000000", "2026-01-01 25:00:00"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
