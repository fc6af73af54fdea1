//! Metrics of the cache tables. While VMS's database cannot be read, only those of their refreshes are
//! reported.

use cached_proto::verb::status::TableStatus;
use cached_proto::words::{Table, TableState};
use prometheus::proto::MetricFamily;

use super::family::{Family, Label, flag, number};
use super::scrape::Scrape;
use crate::figures::Histogram;
use crate::jobs::counters::Measured;

pub(super) fn families(scrape: &Scrape) -> Vec<MetricFamily> {
    let mut age = Family::gauge(
        "cached_table_oldest_entry_age_seconds",
        "Age of the oldest entry that the table should have; below 0 when it is stamped in the future.",
    );
    let mut entries = Family::gauge("cached_table_entries", "Entries by state.");
    let mut rows = Family::gauge("cached_table_rows", "Entries that are there, whatever their state.");
    let mut bytes = Family::gauge("cached_table_payload_bytes", "Payload of all rows.");
    let mut states = Family::gauge("cached_table_state", "1 for the state that the table is in.");
    for table in &scrape.status.tables {
        let labels = labels(table.table);
        if let Some(oldest) = table.oldest {
            age.add(&labels, (scrape.now - oldest.to_utc()).as_seconds_f64());
        }
        let counted = counted(table);
        for (state, count) in counted {
            entries.add(&and(labels, ("state", state)), number(count));
        }
        let there = counted.iter().filter(|(state, _)| *state != MISSING).map(|(_, count)| count);
        rows.add(&labels, number(there.sum()));
        bytes.add(&labels, number(table.bytes.unwrap_or_default()));
        for &state in TableState::ALL {
            states.add(&and(labels, ("state", state.as_str())), flag(state == table.state));
        }
    }
    let mut refreshes = Family::histogram(
        "cached_table_refresh_seconds",
        "Time of work on the table, by jobs that ended and did not skip every entry; of a job that was tried again, the last attempt.",
    );
    for &table in Table::ALL {
        let histogram = Histogram::of(&scrape.counters, Measured::Refresh(table));
        refreshes.add_histogram(&labels(table), &histogram);
    }
    [age, entries, rows, bytes, states, refreshes].into_iter().filter_map(Family::done).collect()
}

const fn labels(table: Table) -> [Label<'static>; 2] {
    [("type", table.cache_type().as_str()), ("table", table.as_str())]
}

fn and<'a>([first, second]: [Label<'a>; 2], third: Label<'a>) -> [Label<'a>; 3] {
    [first, second, third]
}

const MISSING: &str = TableState::Missing.as_str();

fn counted(table: &TableStatus) -> [(&'static str, u64); 6] {
    [
        (TableState::Fresh.as_str(), table.fresh),
        (TableState::Stale.as_str(), table.stale),
        (MISSING, table.missing),
        (TableState::Incomplete.as_str(), table.incomplete),
        (TableState::Invalid.as_str(), table.invalid),
        // Such entries are not judged, so no table is in this state.
        ("unmanaged", table.unmanaged),
    ]
}
