//! Values as people type them on the command line: words, numbers, and keys. Every error says what to type instead.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use cached_proto::verb::get::KeyPart;
use cached_proto::verb::refresh::Choice;
use cached_proto::words::{Table, UnknownWord};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// Parses a type, a table or `all`. The argument must ignore the case.
pub(crate) fn choice() -> impl TypedValueParser<Value = Choice> {
    word(Choice::words())
}

/// Parses the name of a table. The argument must ignore the case.
pub(crate) fn table() -> impl TypedValueParser<Value = Table> {
    word(Table::ALL.iter().copied().map(Table::as_str))
}

/// Parses one of these words. Help, completions and errors list them as they are written elsewhere, while `-` may be
/// typed for `_`, as users expect of a command line.
fn word<T>(words: impl Iterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = UnknownWord> + Clone + Send + Sync + 'static,
{
    let listed = words.map(|word| PossibleValue::new(word).alias(word.replace('_', "-")));
    PossibleValuesParser::new(listed.collect::<Vec<_>>()).try_map(|word| word.parse())
}

/// Parses a whole number within limits.
pub(crate) fn whole<T>(limits: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync
where
    T: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static,
{
    move |text| {
        let number = text.parse().ok().filter(|number| limits.contains(number));
        number.ok_or_else(|| {
            format!("it must be a whole number from {} to {}, such as 10", limits.start(), limits.end())
        })
    }
}

/// Parses the number of a run: `7` or `run:7`.
pub(crate) fn run(text: &str) -> Result<i64, String> {
    numbered(text, "run", "job")
}

/// Parses the number of a job: `7` or `job:7`.
pub(crate) fn job(text: &str) -> Result<i64, String> {
    numbered(text, "job", "run")
}

fn numbered(text: &str, wanted: &str, other: &str) -> Result<i64, String> {
    let (kind, number) = text.split_once(':').unwrap_or((wanted, text));
    match number.parse() {
        Ok(number) if kind == wanted => Ok(number),
        Ok(number) if kind == other => {
            Err(format!("that is a {other}; `cachectl {other} {number}` shows it"))
        }
        _ => Err(format!("it must be the number of a {wanted}, such as 7 or {wanted}:7")),
    }
}

/// Parses `COLUMN=VALUE`.
pub(crate) fn key(text: &str) -> Result<KeyPart, String> {
    let (column, value) =
        text.split_once('=').ok_or("it must have the form COLUMN=VALUE, such as school_year=2526")?;
    Ok(KeyPart { column: column.to_owned(), value: value.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_and_a_job_may_be_named_with_their_kind() {
        assert_eq!((run("7"), run("run:7"), job("7"), job("job:7")), (Ok(7), Ok(7), Ok(7), Ok(7)));
        for (refused, expected) in [
            (run("job:7"), "`cachectl job 7`"),
            (job("run:7"), "`cachectl run 7`"),
            (run("job:x"), "the number of a run, such as 7 or run:7"),
            (job("seven"), "the number of a job, such as 7 or job:7"),
            (job("99999999999999999999"), "such as 7"),
        ] {
            let message = refused.unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_number_outside_its_limits_is_refused_with_the_limits() {
        let limited = whole(1..=1000_u32);
        assert_eq!((limited("1"), limited("1000")), (Ok(1), Ok(1000)));
        for wrong in ["0", "1001", "-1", "many", ""] {
            assert_eq!(limited(wrong).unwrap_err(), "it must be a whole number from 1 to 1000, such as 10");
        }
    }

    #[test]
    fn a_key_is_a_column_with_a_value_that_may_be_empty() {
        let part = |column: &str, value: &str| KeyPart { column: column.into(), value: value.into() };
        assert_eq!(key("title_filter=a=b"), Ok(part("title_filter", "a=b")));
        assert_eq!(key("date_from="), Ok(part("date_from", "")));
        assert!(key("2526").unwrap_err().contains("school_year=2526"));
    }
}
