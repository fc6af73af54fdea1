//! Quantities, instants and single words as people read them.

use std::fmt::Display;

use cached_proto::time::Timestamp;
use cached_proto::verb::status::{Computed, TableStatus};
use chrono::{DateTime, Datelike as _, TimeZone, Utc};

/// Returns a word of the vocabulary as people read it: `not applicable`.
pub fn spoken(word: &str) -> String {
    word.replace('_', " ")
}

/// Returns a number of things: `1 table`, `2 tables`.
pub fn count<N: Copy + Display + PartialEq + From<u8>>(number: N, thing: &str) -> String {
    match (number == N::from(1), thing.strip_suffix("ry")) {
        (true, _) => format!("1 {thing}"),
        (_, Some(stem)) => format!("{number} {stem}ries"),
        (_, None) => format!("{number} {thing}s"),
    }
}

/// Returns how much of its tables a run computed: `35 of 412 entries, all of dia_events_report_cache`; `None` if they have
/// no entries.
pub fn extent(computed: &[Computed]) -> Option<String> {
    let entries: u64 = computed.iter().map(|table| table.entries).sum();
    let of: u64 = computed.iter().map(|table| table.of).sum();
    if of == 0 {
        return None;
    }
    if entries == of {
        return Some(format!("all of {}", count(of, "entry")));
    }
    let whole: Vec<&str> =
        computed.iter().filter(|table| table.is_whole()).map(|table| table.table.as_str()).collect();
    let whole = if whole.is_empty() { String::new() } else { format!(", all of {}", whole.join(", ")) };
    Some(format!("{entries} of {}{whole}", count(of, "entry")))
}

/// Formats bytes in decimal units: `812 B`, `1.2 MB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match UNITS.iter().find(|(size, _)| bytes >= *size) {
        None => format!("{bytes} B"),
        Some((size, unit)) => {
            let tenths = u128::from(bytes) * 10 / u128::from(*size);
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
    }
}

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

/// Formats a share as a percentage. It is cut, not rounded, so that slightly less than all never reads as
/// all.
pub fn percent(share: f64) -> String {
    // Compensates the error of the binary representation, which must not cost a decimal share a tenth.
    format!("{:.1} %", (share * 1000.0 + 1e-6).floor() / 10.0)
}

/// Formats the share of an undesired outcome as a percentage, rounded up: slightly more than allowed must not
/// read as allowed.
pub(crate) fn percent_of_bad(share: f64) -> String {
    // The value is clamped before it is rounded up, which would turn it into negative zero.
    format!("{:.1} %", (share * 1000.0 - 1e-6).max(0.0).ceil() / 10.0)
}

/// Describes what is wrong with a table's entries: `2 stale, 1 missing of 21 entries`; `None` when nothing
/// is.
pub fn lacks(table: &TableStatus) -> Option<String> {
    let counted = [
        (table.stale, "stale"),
        (table.missing, "missing"),
        (table.incomplete, "incomplete"),
        (table.invalid, "invalid"),
    ];
    let parts: Vec<String> = counted
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, state)| format!("{number} {state}"))
        .collect();
    (!parts.is_empty()).then(|| format!("{} of {}", parts.join(", "), count(table.expected, "entry")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_formatted_in_decimal_units() {
        for (given, shown) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (999_999, "999.9 kB"),
            (1_250_000, "1.2 MB"),
            (u64::MAX, "18446744.0 TB"),
        ] {
            assert_eq!(bytes(given), shown);
        }
    }

    #[test]
    fn a_count_of_one_is_singular() {
        let counted = [0_u64, 1, 2].map(|number| [count(number, "table"), count(number, "entry")]);
        assert_eq!(counted, [["0 tables", "0 entries"], ["1 table", "1 entry"], ["2 tables", "2 entries"]]);
    }

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
    fn good_shares_are_rounded_down_and_bad_shares_up() {
        for (share, good, bad) in [
            (0.0, "0.0 %", "0.0 %"),
            (0.05, "5.0 %", "5.0 %"),
            (0.0504, "5.0 %", "5.1 %"),
            (0.29, "29.0 %", "29.0 %"),
            (0.999_999, "99.9 %", "100.0 %"),
            (1.0, "100.0 %", "100.0 %"),
        ] {
            assert_eq!((percent(share).as_str(), percent_of_bad(share).as_str()), (good, bad), "{share}");
        }
    }
}
