//! Texts for people: errors with their causes on one line, summaries of failed jobs, and the titles of types.

use std::any::Any;
use std::error::Error;

use cached_proto::text::{one_line, truncated};
use cached_proto::verb::jobs::Job;
use cached_proto::words::{CacheType, Outcome, Table};

/// Maximum number of characters of a file's line that are shown.
const LONGEST_LINE: usize = 80;

/// The message of an error, followed by the messages of its causes that are not repeated in it, as one line
/// that is safe to display.
pub fn describe(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !line.contains(&message) {
            line.push_str(": ");
            line.push_str(&message);
        }
        cause = error.source();
    }
    one_line(&line).into_owned()
}

/// The message of a panic.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message").to_owned()
}

/// Describes a TOML error and its line; the parser's own message spans several lines.
pub(crate) fn toml_error(text: &str, error: &toml::de::Error) -> String {
    let message = one_line(error.message()).into_owned();
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else { return message };
    let number = before.bytes().filter(|&byte| byte == b'\n').count();
    let line = one_line(text.lines().nth(number).unwrap_or_default().trim()).into_owned();
    format!("line {} ({}): {message}", number + 1, truncated(&line, LONGEST_LINE))
}

/// Returns a type's title and description.
pub(crate) const fn type_title(cache_type: CacheType) -> (&'static str, &'static str) {
    match cache_type {
        CacheType::District => ("District", "Year-end figures of each district, and its engagement"),
        CacheType::Organization => ("Organization", "Organizations of a school year, and each one in detail"),
        CacheType::VirtualSession => ("Virtual sessions", "All virtual sessions, and those of each district"),
        CacheType::Volunteer => ("Volunteers", "Recent and first-time volunteers"),
        CacheType::Recruitment => ("Recruitment", "Candidates for each event, and DIA events"),
    }
}

/// Maximum number of failure causes that are spelled out; for the others, only their tables are counted.
const MAX_CAUSES: usize = 5;

/// Summarizes failed jobs by cause: `a, b failed: why; c disabled: why; 2 more tables`. Tables have
/// the names that their reader knows.
pub fn failures<'j>(jobs: impl IntoIterator<Item = &'j Job>, name: impl Fn(Table) -> &'static str) -> String {
    let mut groups: Vec<(Outcome, &str, Vec<Table>)> = Vec::new();
    for job in jobs {
        let Some(outcome) = job.outcome.filter(|outcome| !outcome.is_good()) else { continue };
        let why = job.error.as_deref().unwrap_or("the log says why");
        match groups.iter_mut().find(|(other, error, _)| (*other, *error) == (outcome, why)) {
            Some((.., tables)) => tables.push(job.table),
            None => groups.push((outcome, why, vec![job.table])),
        }
    }
    let mut lines: Vec<String> = groups
        .iter()
        .take(MAX_CAUSES)
        .map(|(outcome, why, tables)| {
            let names: Vec<&str> = tables.iter().map(|table| name(*table)).collect();
            format!("{} {outcome}: {}", names.join(", "), one_line(why))
        })
        .collect();
    match groups.iter().skip(MAX_CAUSES).map(|(.., tables)| tables.len()).sum() {
        0 => {}
        1 => lines.push("1 more table".to_owned()),
        more => lines.push(format!("{more} more tables")),
    }
    lines.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toml_error_is_one_line_that_names_the_line() {
        let text = "a = 1\nb = \n";
        let error = toml::from_str::<toml::Table>(text).unwrap_err();
        let message = toml_error(text, &error);
        assert!(
            message.starts_with("line 2 (b =): ") && !message.contains('|') && !message.contains('\n'),
            "{message}"
        );
    }

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read {file}{detail}")]
    struct Outer {
        file: &'static str,
        detail: &'static str,
        #[source]
        cause: std::io::Error,
    }

    #[test]
    fn a_repeated_cause_is_shown_once_and_all_on_one_line() {
        let outer = |detail| Outer { file: "a\nb", detail, cause: std::io::Error::other("disk on fire") };
        assert_eq!(describe(&outer("")), "cannot read a\\nb: disk on fire");
        assert_eq!(describe(&outer(", disk on fire")), "cannot read a\\nb, disk on fire");
    }
}
