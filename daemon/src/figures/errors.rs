//! Groups similar errors of the past.

use std::cmp::Reverse;
use std::collections::HashMap;

use cached_proto::verb::report::ErrorGroup;
use cached_proto::words::{Outcome, Table};

use super::PastJob;

/// Most groups that are told: who has more than that looks at the jobs.
const MOST_GROUPS: usize = 100;

/// Groups errors by table, outcome and cause, the most frequent first, and no more than a hundred.
pub fn errors(jobs: &[PastJob]) -> Vec<ErrorGroup> {
    let mut groups: HashMap<(Table, Outcome, String), ErrorGroup> = HashMap::new();
    for job in jobs.iter().filter(|job| !job.outcome.is_good()) {
        let message = job.error.clone().unwrap_or_else(|| "no reason given".to_owned());
        let group = groups.entry((job.table, job.outcome, cause(&message))).or_insert_with(|| ErrorGroup {
            table: job.table,
            outcome: job.outcome,
            count: 0,
            last: job.ended.into(),
            message: String::new(),
        });
        group.count += 1;
        (group.last, group.message) = (job.ended.into(), message);
    }
    let mut groups: Vec<ErrorGroup> = groups.into_values().collect();
    groups.sort_by(|a, b| {
        (Reverse(a.count), Reverse(a.last), a.table, &a.message).cmp(&(
            Reverse(b.count),
            Reverse(b.last),
            b.table,
            &b.message,
        ))
    });
    groups.truncate(MOST_GROUPS);
    groups
}

/// The message without its numbers: the same cause affects another row, and another count, every night.
fn cause(message: &str) -> String {
    let mut cause = String::with_capacity(message.len());
    for c in message.chars() {
        if !c.is_ascii_digit() {
            cause.push(c);
        } else if !cause.ends_with('#') {
            cause.push('#');
        }
    }
    cause
}
