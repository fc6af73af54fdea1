//! The verdict on a run: the outcome of its worst table.

use cached_proto::words::Outcome;

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
