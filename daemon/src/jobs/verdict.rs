//! What the jobs of a run say together: the verdict, which is the outcome of the worst table, and in one
//! sentence what did not go well.

use cached_proto::text::one_line;
use cached_proto::verb::jobs::Job;
use cached_proto::words::{Outcome, Table};

/// Outcomes by precedence, from the worst to the least informative.
const ORDER: [Outcome; 10] = [
    Outcome::Failed,
    Outcome::Disabled,
    Outcome::Guarded,
    Outcome::Mixed,
    Outcome::Rebuilt,
    Outcome::Verified,
    Outcome::Skipped,
    Outcome::Withheld,
    Outcome::Off,
    Outcome::NotApplicable,
];

/// The outcome of a run as a whole; `None` when no job has an outcome.
///
/// A bad outcome wins. Among good outcomes, the one that says most about what was written wins; rebuilt
/// tables beside verified tables make the run mixed, as rebuilt and verified entries do for a table.
pub fn verdict(outcomes: &[Outcome]) -> Option<Outcome> {
    let worst = ORDER.into_iter().find(|o| outcomes.contains(o))?;
    if worst == Outcome::Rebuilt && outcomes.contains(&Outcome::Verified) {
        return Some(Outcome::Mixed);
    }
    Some(worst)
}

/// Number of causes that are spelled out; for the others, only their tables are counted.
const TOLD: usize = 5;

/// Summarizes jobs that did not end well, by cause: `a, b failed: why; c disabled: why; 2 more tables`.
pub fn failures<'j>(jobs: impl IntoIterator<Item = &'j Job>) -> String {
    failures_named(jobs, Table::as_str)
}

/// The same, with the names that its reader knows tables by.
pub fn failures_named<'j>(
    jobs: impl IntoIterator<Item = &'j Job>,
    name: impl Fn(Table) -> &'static str,
) -> String {
    let mut groups: Vec<(Outcome, &str, Vec<Table>)> = Vec::new();
    for job in jobs {
        let Some(outcome) = job.outcome.filter(|outcome| !outcome.is_good()) else { continue };
        let why = job.error.as_deref().unwrap_or("the log says why");
        match groups.iter_mut().find(|(other, error, _)| (*other, *error) == (outcome, why)) {
            Some((.., tables)) => tables.push(job.table),
            None => groups.push((outcome, why, vec![job.table])),
        }
    }
    let mut told: Vec<String> = groups
        .iter()
        .take(TOLD)
        .map(|(outcome, why, tables)| {
            let names: Vec<&str> = tables.iter().map(|table| name(*table)).collect();
            format!("{} {outcome}: {}", names.join(", "), one_line(why))
        })
        .collect();
    match groups.iter().skip(TOLD).map(|(.., tables)| tables.len()).sum() {
        0 => {}
        1 => told.push("1 more table".to_owned()),
        more => told.push(format!("{more} more tables")),
    }
    told.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{
        Disabled, Failed, Guarded, Mixed, NotApplicable, Off, Rebuilt, Skipped, Verified, Withheld,
    };

    #[test]
    fn the_worst_table_decides_and_else_the_most_informative_one() {
        let cases: &[(&[Outcome], Option<Outcome>)] = &[
            (&[], None),
            (&[Rebuilt, Failed, Guarded], Some(Failed)),
            (&[Guarded, Disabled], Some(Disabled)),
            (&[Rebuilt, Guarded], Some(Guarded)),
            (&[Rebuilt, Verified], Some(Mixed)),
            (&[Mixed, Verified], Some(Mixed)),
            (&[Rebuilt, Skipped], Some(Rebuilt)),
            (&[Skipped, Verified], Some(Verified)),
            (&[NotApplicable, Skipped, Off], Some(Skipped)),
            (&[Off, Withheld], Some(Withheld)),
            (&[NotApplicable], Some(NotApplicable)),
        ];
        for (outcomes, expected) in cases {
            assert_eq!(verdict(outcomes), *expected, "{outcomes:?}");
        }
    }

    #[test]
    fn every_outcome_has_its_place_and_bad_ones_come_first() {
        for outcome in Outcome::ALL {
            assert!(ORDER.contains(outcome), "{outcome}");
        }
        assert!(ORDER.is_sorted_by_key(|o| o.is_good()));
    }
}
