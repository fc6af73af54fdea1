//! A report has a bug that makes it panic.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use cached::jobs::NewRun;
use cached::reports;
use cached::reports::{Builder, Context, Report, Section, report};
use cached::snapshot::Source;
use cached::vms::tables::{Key, Table};
use cached_proto::words::{HealthLevel, Outcome, Trigger};
use cached_tests::vms::Other;
use chrono::{DateTime, Utc};

use super::scene::{change_source, rows};
use super::tamed::Tamed;

const TABLE: Table = Table::RecentVolunteersReportCache;

static BROKEN: AtomicBool = AtomicBool::new(false);

/// A report of that table with a bug that can be switched on and off.
struct Buggy;

impl Buggy {
    fn sound() -> &'static dyn Report {
        report(TABLE).unwrap()
    }
}

impl Report for Buggy {
    fn table(&self) -> Table {
        TABLE
    }

    fn sources(&self) -> &'static [Source] {
        Self::sound().sources()
    }

    fn key_sources(&self) -> &'static [Source] {
        Self::sound().key_sources()
    }

    fn keys(&self, cx: Context<'_>) -> Vec<Key> {
        Self::sound().keys(cx)
    }

    fn rules_version(&self) -> u32 {
        Self::sound().rules_version()
    }

    fn sections(&self, cx: Context<'_>) -> Vec<Section> {
        Self::sound().sections(cx)
    }

    fn builder<'s>(&self, cx: Context<'s>) -> Builder<'s> {
        let sound = Self::sound().builder(cx);
        // Panics after the first group: groups that are written must stay consistent with those that are not.
        Box::new(move |section| {
            Box::new(sound(section).enumerate().map(|(position, group)| {
                assert!(position == 0 || !BROKEN.load(Ordering::Relaxed), "index out of\nbounds");
                group
            }))
        })
    }
}

fn reports(table: Table) -> Option<&'static dyn Report> {
    if table == TABLE { Some(&Buggy) } else { report(table) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_report_fails_only_its_table() {
    let mut tamed =
        Tamed::start("2026-03-10T17:00:00Z", &[("watch", "enabled", "false")], Some(reports)).await;
    let other = |tamed: &Tamed| Other::open(&tamed.golden.database());
    let before = tokio::task::block_in_place(|| {
        let vms = other(&tamed);
        change_source(&vms);
        rows(&vms)
    });
    BROKEN.store(true, Ordering::Relaxed);
    let new = || NewRun { force: true, ..NewRun::new(Trigger::Manual, reports::tables(&[], &[])) };
    let run = tamed.daemon.queue().enqueue(new()).await.unwrap().run;
    let run = tamed.finished(run).await;
    for job in &run.jobs {
        let failed = job.outcome == Some(Outcome::Failed);
        assert_eq!(failed, job.table == TABLE, "{job:?}");
    }
    let reason = tamed.reason("last_run_failed").await.unwrap();
    for part in [TABLE.as_str(), "the report panicked: index out of\\nbounds", "the old entries are kept"] {
        assert!(reason.message.contains(part), "{reason:?}");
    }
    assert_eq!((reason.level, reason.hint.is_empty()), (HealthLevel::Degraded, false));
    let after = tokio::task::block_in_place(|| rows(&other(&tamed)));
    before.none_lost(&after);
    assert_ne!(after, before, "the other tables went on");

    BROKEN.store(false, Ordering::Relaxed);
    let run = tamed.daemon.queue().enqueue(new()).await.unwrap().run;
    assert!(tamed.finished(run).await.outcome.unwrap().is_good());
    assert_eq!(tamed.health().await.health, HealthLevel::Healthy);
    tokio::select! {
        biased;
        failure = tamed.daemon.failed() => panic!("{failure}"),
        () = std::future::ready(()) => {}
    }
}

/// Parts of a report that can be broken.
const NOTHING: u8 = 0;
const KEYS: u8 = 1;
const WITHHELD: u8 = 2;
const NEXT: u8 = 3;

static FAULT: AtomicU8 = AtomicU8::new(NOTHING);

/// A report of that table with a bug outside the computation of its entries.
struct Faulty;

impl Faulty {
    fn sound(fault: u8) -> &'static dyn Report {
        assert!(FAULT.load(Ordering::Relaxed) != fault, "no such key");
        Buggy::sound()
    }
}

impl Report for Faulty {
    fn table(&self) -> Table {
        TABLE
    }

    fn sources(&self) -> &'static [Source] {
        Buggy::sound().sources()
    }

    fn key_sources(&self) -> &'static [Source] {
        Buggy::sound().key_sources()
    }

    fn keys(&self, cx: Context<'_>) -> Vec<Key> {
        Self::sound(KEYS).keys(cx)
    }

    fn withheld(&self, cx: Context<'_>) -> Option<String> {
        Self::sound(WITHHELD).withheld(cx)
    }

    fn next_payloads(&self, cx: Context<'_>) -> Option<DateTime<Utc>> {
        Self::sound(NEXT).next_payloads(cx)
    }

    fn rules_version(&self) -> u32 {
        Buggy::sound().rules_version()
    }

    fn sections(&self, cx: Context<'_>) -> Vec<Section> {
        Self::sound(KEYS).sections(cx)
    }

    fn builder<'s>(&self, cx: Context<'s>) -> Builder<'s> {
        Buggy::sound().builder(cx)
    }
}

fn faulty(table: Table) -> Option<&'static dyn Report> {
    if table == TABLE { Some(&Faulty) } else { report(table) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_any_part_of_a_report_fails_only_its_job() {
    let mut tamed =
        Tamed::start("2026-03-10T17:00:00Z", &[("watch", "enabled", "false")], Some(faulty)).await;
    for fault in [KEYS, WITHHELD, NEXT] {
        FAULT.store(fault, Ordering::Relaxed);
        // Long enough for every loop to check the tables.
        tamed.pass(16).await;
        let reason = tamed.reason("tables_disabled").await.unwrap();
        for part in [TABLE.as_str(), "the report panicked: no such key"] {
            assert!(reason.message.contains(part), "{fault}: {reason:?}");
        }
        assert_eq!(reason.level, HealthLevel::Degraded);
        let new = NewRun::new(Trigger::TopUp, reports::tables(&[], &[]));
        let run = tamed.daemon.queue().enqueue(new).await.unwrap().run;
        let run = tamed.finished(run).await;
        for job in &run.jobs {
            assert_eq!(job.outcome == Some(Outcome::Failed), job.table == TABLE, "{fault}: {job:?}");
        }
        FAULT.store(NOTHING, Ordering::Relaxed);
        // Each failure is repaired by the next run in its own way.
        let new = NewRun { force: true, ..NewRun::new(Trigger::Manual, vec![TABLE]) };
        let recovered = tamed.daemon.queue().enqueue(new).await.unwrap().run;
        assert!(tamed.finished(recovered).await.outcome.unwrap().is_good());
        tokio::select! {
            biased;
            failure = tamed.daemon.failed() => panic!("{fault}: {failure}"),
            () = std::future::ready(()) => {}
        }
    }
    assert_eq!(tamed.reason("tables_disabled").await, None);
}
