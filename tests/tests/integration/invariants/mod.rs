//! Invariants that hold after every refresh, whatever VMS's tables contain.
//!
//! Samples are generated, mutated at random, and refreshed. Then:
//!
//! * no table fails, and its suspect source rows are counted;
//! * every key of the report has one row, and no other row is there;
//! * every payload is consistent: totals are the sums of their parts, and lists have their order. The rules
//!   for each report are stated in the file of its type;
//! * a second refresh of unchanged data replaces nothing and updates every timestamp, whether it recognises
//!   that nothing has changed or computes everything again.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::cast_precision_loss, reason = "the figures of a sample are small")]

mod district;
mod mutations;
mod organization;
mod recruitment;
mod stored;
mod virtual_session;
mod volunteer;

use std::collections::BTreeSet;
use std::sync::OnceLock;

use cached::refresh::{RefreshScope, TableResult};
use cached::reports::{Context, REPORTS};
use cached::vms::tables::{Key, Table};
use cached_proto::words::Outcome;
use cached_tests::inside::{Inside, Sample, now};
use cached_tests::vms::Other;
use chrono::TimeDelta;
use mutations::mutations;
use proptest::prelude::*;

/// Returns a sample. Samples of one seed are generated once; every case takes a copy.
fn sample(seed: u64) -> Sample {
    static SAMPLES: [OnceLock<Sample>; 3] = [const { OnceLock::new() }; 3];
    let slot = usize::try_from(seed).unwrap() % SAMPLES.len();
    SAMPLES[slot]
        .get_or_init(|| {
            let sample = Sample::generate(seed, 1);
            let vms = Other::open(&sample.database());
            // One file, so that it can be copied.
            vms.execute("PRAGMA journal_mode = DELETE");
            vms.allow_nulls();
            sample
        })
        .copy()
}

fn inside(sample: &Sample, mutations: &[String]) -> Inside {
    let vms = Other::open(&sample.database());
    // VMS's own journal mode, in which a group need not wait for the disk.
    vms.execute("PRAGMA journal_mode = WAL");
    for mutation in mutations {
        vms.execute(mutation);
    }
    Inside::open(&sample.database(), &sample.state())
}

#[track_caller]
fn all_well(results: &[TableResult]) {
    for result in results {
        assert!(result.error.is_none(), "{}: {:?}", result.report.table, result.error);
        assert_eq!(result.report.figures.failed, 0, "{}", result.report.table);
    }
}

fn the_keys_are_the_rows(inside: &Inside) {
    let snapshot = inside.snapshot(RefreshScope::Due, now());
    for report in REPORTS {
        let table = report.table();
        let keys = report.keys(Context::new(&snapshot, inside.settings(), now()));
        let wanted: BTreeSet<&Key> = keys.iter().collect();
        assert_eq!(wanted.len(), keys.len(), "{table} has a key twice");
        let rows = snapshot.existing(table);
        let found: BTreeSet<&Key> = rows.iter().map(|row| &row.key).collect();
        assert_eq!(found.len(), rows.len(), "{table} has a row twice");
        assert_eq!(found, wanted, "{table}");
        for row in rows {
            assert!(row.valid && row.complete, "{table} {} would be rejected", row.key);
        }
    }
}

fn payloads_are_consistent(inside: &Inside) {
    district::check(inside);
    organization::check(inside);
    virtual_session::check(inside);
    volunteer::check(inside);
    recruitment::check(inside);
}

fn nothing_is_replaced_again(inside: &Inside, first: &[TableResult]) {
    for (scope, seconds) in [(RefreshScope::Every, 1), (RefreshScope::Thorough, 2)] {
        let (_, again) = inside.refresh(scope, now() + TimeDelta::seconds(seconds));
        all_well(&again);
        for (again, first) in again.iter().zip(first) {
            let (again, first) = (&again.report, &first.report);
            let counts =
                (again.figures.rebuilt, again.figures.verified, again.figures.pruned, again.figures.skipped);
            assert_eq!(counts, (0, first.figures.entries, 0, 0), "{} {scope:?}", again.table);
            assert_eq!(
                (again.outcome, again.figures.bytes),
                (Outcome::Verified, first.figures.bytes),
                "{}",
                again.table
            );
        }
    }
}

proptest! {
    // A case is three refreshes of eleven tables.
    #![proptest_config(ProptestConfig { cases: 5, failure_persistence: None, max_shrink_iters: 16, ..ProptestConfig::default() })]

    #[test]
    fn every_invariant_holds_after_random_mutations(seed in 0_u64..3, mutations in mutations()) {
        let sample = sample(seed);
        let inside = inside(&sample, &mutations);
        let (snapshot, results) = inside.refresh(RefreshScope::Every, now());
        all_well(&results);
        for (report, result) in REPORTS.iter().zip(&results) {
            let read: BTreeSet<&str> = report.sources().iter().map(|source| source.table()).collect();
            let suspect = snapshot.warnings.iter().filter(|warning| read.contains(warning.table)).count();
            prop_assert_eq!(result.report.figures.warnings, suspect as u64, "{}", report.table());
            prop_assert_eq!(result.report.figures.entries, result.report.figures.rebuilt, "{}", report.table());
        }
        the_keys_are_the_rows(&inside);
        payloads_are_consistent(&inside);
        nothing_is_replaced_again(&inside, &results);
    }
}

proptest! {
    // A case is three refreshes of eleven tables.
    #![proptest_config(ProptestConfig { cases: 5, failure_persistence: None, max_shrink_iters: 16, ..ProptestConfig::default() })]

    #[test]
    fn a_run_that_keeps_what_is_proved_leaves_the_rows_of_one_that_computes_everything(
        seed in 0_u64..3,
        before in mutations(),
        between in mutations(),
        hours in prop::sample::select(vec![1, 24, 30 * 24, 300 * 24]),
    ) {
        let sample = sample(seed);
        let inside = inside(&sample, &before);
        let (_, first) = inside.refresh(RefreshScope::Every, now());
        all_well(&first);
        let vms = Other::open(&sample.database());
        for mutation in &between {
            vms.execute(mutation);
        }
        let later = now() + TimeDelta::hours(hours);
        let (_, kept) = inside.refresh(RefreshScope::Every, later);
        all_well(&kept);
        let (_, computed) = inside.refresh(RefreshScope::Thorough, later);
        all_well(&computed);
        for (kept, computed) in kept.iter().zip(&computed) {
            let (kept, computed) = (&kept.report, &computed.report);
            let (table, figures) = (computed.table, computed.figures);
            prop_assert_eq!((figures.rebuilt, figures.pruned), (0, 0), "{} after {} h", table, hours);
            prop_assert_eq!(figures.verified, figures.entries, "{}", table);
            prop_assert_eq!((kept.figures.entries, kept.figures.bytes), (figures.entries, figures.bytes), "{}", table);
        }
    }
}

#[test]
fn every_invariant_holds_for_an_unchanged_sample() {
    let sample = Sample::generate(7, 1);
    let inside = inside(&sample, &[]);
    let (snapshot, results) = inside.refresh(RefreshScope::Every, now());
    all_well(&results);
    assert_eq!(snapshot.warnings, []);
    for table in Table::ALL {
        assert!(
            !stored::rows(&inside, *table).is_empty(),
            "{table} is empty: its invariants were not tested"
        );
    }
    the_keys_are_the_rows(&inside);
    payloads_are_consistent(&inside);
}
