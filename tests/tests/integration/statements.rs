//! The number of statements that read VMS's tables is fixed: it does not grow with the data.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use cached::refresh::RefreshScope;
use cached::reports::REPORTS;
use cached::vms::tables::{Table, spec};
use cached_tests::inside::{Inside, Sample, now};

/// Number of reading statements, by the table that they read from.
type Counts = BTreeMap<&'static str, usize>;

/// Returns the tables that reports are built from.
fn sources() -> impl Iterator<Item = &'static str> {
    REPORTS.iter().flat_map(|report| report.sources()).map(|source| source.table())
}

fn reads(sql: &str, table: &str) -> bool {
    sql.contains(&format!("FROM \"{table}\""))
}

/// Returns every statement of a whole refresh of a new sample.
fn statements(scale: u32) -> Vec<String> {
    let sample = Sample::generate(1, scale);
    let statements = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&statements);
    let inside = Inside::open(&sample.database(), &sample.state())
        .observed(move |sql| recorded.lock().unwrap().push(sql.to_owned()));
    assert!(inside.schema().is_vms());
    let (_, results) = inside.refresh(RefreshScope::Every, now());
    for result in results {
        assert!(result.error.is_none(), "{}: {:?}", result.report.table, result.error);
        assert!(result.report.figures.rebuilt > 0, "{} is empty", result.report.table);
    }
    let statements = statements.lock().unwrap();
    statements.clone()
}

fn counts(statements: &[String], tables: impl Iterator<Item = &'static str>) -> Counts {
    tables.map(|table| (table, statements.iter().filter(|sql| reads(sql, table)).count())).collect()
}

#[test]
fn every_source_table_is_read_by_one_statement_whatever_its_size() {
    let (small, large) = (statements(1), statements(4));
    for statements in [&small, &large] {
        for (table, count) in counts(statements, sources()) {
            assert_eq!(count, 1, "statements that read {table}");
        }
        for (table, count) in counts(statements, Table::ALL.iter().map(|table| table.as_str())) {
            assert_eq!(count, 1, "statements that check the contents of {table}");
        }
    }
    // No other statement grows with the data either.
    assert_eq!(small.len(), large.len(), "{small:#?}\n{large:#?}");
}

#[test]
fn a_second_refresh_reads_each_stored_payload_once_and_the_source_no_more_often() {
    let sample = Sample::generate(1, 1);
    let inside = Inside::open(&sample.database(), &sample.state());
    inside.refresh(RefreshScope::Every, now());
    let statements = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&statements);
    let inside = inside.observed(move |sql| recorded.lock().unwrap().push(sql.to_owned()));
    for scope in [RefreshScope::Every, RefreshScope::Thorough] {
        statements.lock().unwrap().clear();
        inside.refresh(scope, now());
        let statements = statements.lock().unwrap();
        for (table, count) in counts(&statements, sources()) {
            assert_eq!(count, 1, "statements that read {table}");
        }
        for &table in Table::ALL {
            let reading: Vec<&String> = statements.iter().filter(|sql| reads(sql, table.as_str())).collect();
            let [reading] = reading.as_slice() else { panic!("{table}: {reading:#?}") };
            assert!(reading.contains(&spec(table).payload_sql()), "{scope:?} trusts rows unread: {reading}");
        }
    }
}
