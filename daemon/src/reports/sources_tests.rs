//! Each report is built from its declared sources alone, on real VMS data.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, Utc};
use chrono_tz::America::Chicago;
use tempfile::TempDir;

use super::testing::settings;
use super::{Context, Mode, REPORTS, Report, ReportSettings};
use crate::directory::unpacked;
use crate::snapshot::{ReadDepth, Snapshot, Source, load};
use crate::store::serialize;
use crate::vms::Vms;
use crate::vms::tables::{Key, Table, spec};

struct Database {
    vms: Vms,
    _dir: TempDir,
}

impl Database {
    async fn open() -> Self {
        let dir = unpacked("tiny1");
        Self { vms: Vms::open(&dir.path().join("vms.db")).await.unwrap(), _dir: dir }
    }

    async fn snapshot(&self, sources: impl IntoIterator<Item = &Source>, tables: &[Table]) -> Snapshot {
        let sources = sources.into_iter().copied().collect();
        load(&self.vms, &sources, tables, ReadDepth::Stamps, now()).await.unwrap()
    }

    async fn of(&self, report: &dyn Report, sources: impl IntoIterator<Item = &Source>) -> Snapshot {
        self.snapshot(sources, &[report.table()]).await
    }

    /// All sources that any report may read.
    async fn everything(&self) -> Snapshot {
        let sources: BTreeSet<Source> = REPORTS.iter().flat_map(|report| report.sources()).copied().collect();
        self.snapshot(&sources, Table::ALL).await
    }
}

fn now() -> DateTime<Utc> {
    "2026-03-15T05:00:00Z".parse().unwrap()
}

/// Settings under which every report has entries and reads all its sources.
fn all_on() -> ReportSettings {
    ReportSettings { zone: Chicago, organization_reports_table: true, ..settings(Mode::Fixed) }
}

/// The parts of a report that surveys use.
fn surveyed(report: &dyn Report, snapshot: &Snapshot) -> (Vec<Key>, impl Debug + PartialEq) {
    let settings = all_on();
    let cx = Context::new(snapshot, &settings, now());
    let rest = (report.withheld(cx), report.next_keys(cx), report.next_payloads(cx));
    (report.keys(cx), rest)
}

/// The parts of a report that a refresh uses.
#[derive(PartialEq)]
struct Generated {
    clock: String,
    /// Its entries with their payload columns, as they are written.
    entries: Vec<(Key, Vec<String>)>,
    retired: Vec<Key>,
}

fn generated(report: &dyn Report, snapshot: &Snapshot) -> Generated {
    let settings = all_on();
    let cx = Context::new(snapshot, &settings, now());
    let (mut entries, mut retired) = (Vec::new(), Vec::new());
    for group in report.build(cx) {
        let group = serialize(spec(report.table()), &group).unwrap();
        let texts = |columns: Vec<std::sync::Arc<str>>| columns.iter().map(ToString::to_string).collect();
        entries.extend(group.entries.into_iter().map(|entry| (entry.key, texts(entry.columns))));
        retired.extend(group.retire);
    }
    Generated { clock: report.clock(cx), entries, retired }
}

#[tokio::test]
async fn each_report_is_the_same_from_its_declared_sources_as_from_all_sources() {
    let source = Database::open().await;
    let everything = source.everything().await;
    for report in REPORTS {
        let table = report.table();
        let declared = source.of(*report, report.sources()).await;
        let expected = generated(*report, &everything);
        assert!(!expected.entries.is_empty(), "{table}: nothing to compare");
        assert!(generated(*report, &declared) == expected, "{table} reads more than it declares");
        let keys = source.of(*report, report.key_sources()).await;
        assert_eq!(surveyed(*report, &keys), surveyed(*report, &everything), "{table}");
        let all: BTreeSet<&Source> = report.sources().iter().collect();
        assert!(report.key_sources().iter().all(|source| all.contains(source)), "{table}");
    }
}

#[tokio::test]
async fn a_report_without_one_of_its_declared_sources_fails() {
    let source = Database::open().await;
    for report in REPORTS {
        let table = report.table();
        for left_out in report.sources() {
            let rest = source.of(*report, report.sources().iter().filter(|other| *other != left_out)).await;
            // Users decide whether a report is stored at all; they are not part of its figures.
            let refused = catch_unwind(AssertUnwindSafe(|| {
                let _ = (report.withheld(Context::new(&rest, &all_on(), now())), generated(*report, &rest));
            }));
            assert!(refused.is_err(), "{table} does not read {left_out:?} and declares it");
        }
        for left_out in report.key_sources() {
            let rest =
                source.of(*report, report.key_sources().iter().filter(|other| *other != left_out)).await;
            let refused = catch_unwind(AssertUnwindSafe(|| drop(surveyed(*report, &rest))));
            assert!(refused.is_err(), "{table} does not read {left_out:?} for its keys and declares it");
        }
    }
}
