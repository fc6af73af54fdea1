//! What holds for every report, on real VMS data: it is built from its declared sources alone, its sections are
//! independent of each other, and a change of what it computes raises the version of its rules.

use std::collections::BTreeSet;
use std::fmt::{Debug, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, Utc};
use chrono_tz::America::Chicago;
use tempfile::TempDir;
use twox_hash::XxHash3_128;

use super::testing::settings;
use super::{Built, Context, Mode, REPORTS, Report, ReportSettings, Section};
use crate::directory::unpacked;
use crate::snapshot::{ExistingRow, ReadDepth, Snapshot, Source, load};
use crate::store::GroupSerializer;
use crate::vms::Vms;
use crate::vms::tables::{Key, Table, spec};

struct Database {
    vms: Vms,
    _dir: TempDir,
}

impl Database {
    async fn open() -> Self {
        Self::of_set("tiny1").await
    }

    async fn of_set(name: &str) -> Self {
        let dir = unpacked(name);
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
    sections: Vec<Section>,
    /// Its entries with their payload columns, as they are written.
    entries: Vec<(Key, Vec<String>)>,
    retired: Vec<Key>,
}

fn generated(report: &dyn Report, snapshot: &Snapshot) -> Generated {
    let settings = all_on();
    let cx = Context::new(snapshot, &settings, now());
    let (entries, retired) = built(report, report.build(cx));
    Generated { sections: report.sections(cx), entries, retired }
}

/// The entries of groups with their payload columns, as they are written, and the keys of removed rows.
fn built(report: &dyn Report, groups: Built<'_>) -> (Vec<(Key, Vec<String>)>, Vec<Key>) {
    let (mut entries, mut retired) = (Vec::new(), Vec::new());
    let mut serializer = GroupSerializer::default();
    for group in groups {
        let group = serializer.serialize(spec(report.table()), &group).unwrap();
        entries.extend(group.entries.into_iter().map(|entry| (entry.key, entry.columns)));
        retired.extend(group.retire);
    }
    (entries, retired)
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

#[tokio::test]
async fn sections_built_alone_and_in_any_order_have_their_own_keys_and_the_same_entries() {
    let source = Database::open().await;
    let mut everything = source.everything().await;
    for report in REPORTS {
        let table = report.table();
        // A key of each report's first year that it does not have, and one that it has never heard of.
        for text in ["2425|0|gone", "x"] {
            let keys = Key::from_text(text, spec(table));
            let rows = everything.existing.get_mut(&table).unwrap();
            rows.extend(keys.into_iter().map(|key| ExistingRow::of(-1, key)));
        }
        let all = generated(*report, &everything);
        let keys: Vec<&Key> = all.sections.iter().flat_map(|section| &section.keys).collect();
        let settings = all_on();
        assert_eq!(keys, report.keys(Context::new(&everything, &settings, now())).iter().collect::<Vec<_>>());
        let builder = report.builder(Context::new(&everything, &settings, now()));
        // Backwards, since sections may be built in any order.
        for (position, section) in all.sections.iter().enumerate().rev() {
            let (entries, retired) = built(*report, builder(position));
            let own: Vec<&Key> = entries.iter().map(|(key, _)| key).collect();
            assert_eq!(own, section.keys.iter().collect::<Vec<_>>(), "{table}, section {position}");
            if !own.is_empty() {
                assert_eq!(retired, section.retired, "{table}, section {position}");
            }
            let same = all.entries.iter().filter(|(key, _)| section.keys.contains(key));
            assert!(same.eq(&entries), "{table}: section {position} differs when it is built alone");
        }
    }
}

/// The version of each report's rules, and a digest of what they compute from three databases in both modes.
const RULES: &str = include_str!("rules.txt");

#[tokio::test]
async fn a_change_of_what_a_report_computes_raises_the_version_of_its_rules() {
    let mut lines = String::new();
    let mut hashers: Vec<XxHash3_128> = REPORTS.iter().map(|_| XxHash3_128::new()).collect();
    for set in ["tiny1", "doubles", "newyear"] {
        let everything = Database::of_set(set).await.everything().await;
        for mode in [Mode::Exact, Mode::Fixed] {
            let settings = ReportSettings { mode, ..all_on() };
            for (report, hasher) in REPORTS.iter().zip(&mut hashers) {
                let cx = Context::new(&everything, &settings, now());
                for (key, columns) in built(*report, report.build(cx)).0 {
                    hasher.write(format!("{key} {columns:?}").as_bytes());
                }
            }
        }
    }
    for (report, hasher) in REPORTS.iter().zip(hashers) {
        let (table, version) = (report.table(), report.rules_version());
        writeln!(lines, "{table} {version} {:032x}", hasher.finish_128()).unwrap();
    }
    assert_eq!(
        lines, RULES,
        "raise `rules_version` of a report whose digest differs, so that its stored entries are computed again, and \
         keep its new line in rules.txt"
    );
}
