//! Which entries a refresh computes, and which it keeps because they are proved to be unchanged.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Mutex;

use cached::refresh::RefreshScope;
use cached::reports::{Context, REPORTS};
use cached::snapshot::Source;
use cached::store::GroupSerializer;
use cached::vms::tables::{Table, spec};
use cached_tests::inside::{Inside, Sample, now};
use cached_tests::vms::{Other, payload_sql};
use chrono::{DateTime, TimeDelta, Utc};

/// Number of rows of a window of the recent volunteers: a base row, and one for each event type.
const WINDOW: u64 = 35;

/// A refreshed sample.
struct World {
    sample: Sample,
    inside: Inside,
}

impl World {
    fn refreshed() -> Self {
        let sample = Sample::generate(1, 1);
        let inside = Inside::open(&sample.database(), &sample.state());
        let world = Self { sample, inside };
        let computed = world.computed(RefreshScope::Every, now());
        assert!(computed.values().all(|computed| *computed > 0), "nothing was known: {computed:?}");
        world
    }

    fn vms(&self, sql: &str) {
        Other::open(&self.sample.database()).execute(sql);
    }

    /// Refreshes every table; returns the number of computed entries of each table that has any.
    fn computed(&self, scope: RefreshScope, at: DateTime<Utc>) -> BTreeMap<Table, u64> {
        let (_, results) = self.inside.refresh(scope, at);
        let computed = results.iter().map(|result| {
            let (error, report) = (&result.error, &result.report);
            assert!(error.is_none(), "{}: {error:?}", report.table);
            let figures = report.figures;
            assert_eq!(figures.rebuilt + figures.verified, figures.entries, "{}", report.table);
            (report.table, report.computed)
        });
        computed.filter(|(_, computed)| *computed > 0).collect()
    }

    fn payloads(&self, table: Table) -> impl PartialEq + use<> {
        Other::open(&self.sample.database()).rows(table)
    }
}

#[test]
fn of_unchanged_data_nothing_is_computed_also_by_another_process() {
    let world = World::refreshed();
    let later = now() + TimeDelta::minutes(1);
    assert_eq!(world.computed(RefreshScope::Every, later), BTreeMap::new());
    let World { sample, inside } = world;
    drop(inside);
    let inside = Inside::open(&sample.database(), &sample.state());
    let world = World { sample, inside };
    assert_eq!(world.computed(RefreshScope::Every, later), BTreeMap::new());
    assert_eq!(world.computed(RefreshScope::Thorough, later).len(), REPORTS.len());
}

#[test]
fn a_day_later_only_the_new_window_of_days_is_computed() {
    let world = World::refreshed();
    // Nobody's last activity is so long ago that it loses points on this day.
    world.vms("UPDATE volunteer SET last_volunteer_date = '2026-11-19'");
    world.computed(RefreshScope::Every, now());
    let computed = world.computed(RefreshScope::Every, now() + TimeDelta::days(1));
    assert_eq!(computed, BTreeMap::from([(Table::RecentVolunteersReportCache, WINDOW)]));
}

#[test]
fn a_change_of_one_source_computes_exactly_the_tables_that_read_it() {
    let world = World::refreshed();
    for (source, change) in [
        (Source::Email, "UPDATE email SET email = 'new@example.org' WHERE id = (SELECT min(id) FROM email)"),
        (Source::EventSkills, "DELETE FROM event_skills WHERE rowid = (SELECT min(rowid) FROM event_skills)"),
        (Source::Users, "UPDATE users SET is_active = 1 - is_active WHERE id = (SELECT max(id) FROM users)"),
    ] {
        world.vms(change);
        let reading = REPORTS.iter().filter(|report| report.sources().contains(&source));
        let reading: Vec<Table> = reading.map(|report| report.table()).collect();
        let mut computed: Vec<Table> = world.computed(RefreshScope::Every, now()).into_keys().collect();
        computed.sort_by_key(|table| REPORTS.iter().position(|report| report.table() == *table));
        assert_eq!(computed, reading, "{source:?}");
    }
}

/// Ways in which a row stops being what the daemon wrote, and how many entries are computed for it.
#[test]
fn a_row_that_is_not_as_it_was_written_is_computed_and_restored() {
    let (detail, recent) = (Table::OrganizationDetailCache, Table::RecentVolunteersReportCache);
    let world = World::refreshed();
    let year = format!("SELECT count(*) FROM {detail} WHERE school_year = '2627'");
    let year = Other::open(&world.sample.database()).number(&year).unsigned_abs();
    for (table, change, computed) in [
        (recent, "UPDATE {table} SET report_data = '{}' WHERE id = 3", WINDOW),
        (recent, "UPDATE {table} SET report_data = report_data || ' ' WHERE id = 3", WINDOW),
        (recent, "UPDATE {table} SET last_updated = '2026-11-20 01:00:00.000000' WHERE id = 3", WINDOW),
        (recent, "DELETE FROM {table} WHERE id = 3", WINDOW),
        (detail, "UPDATE {table} SET summary_stats = NULL WHERE id = (SELECT max(id) FROM {table})", year),
        (
            detail,
            "INSERT INTO {table} (organization_id, school_year, last_updated) VALUES (99999, '2627', 'x')",
            year,
        ),
    ] {
        let before = world.payloads(table);
        world.vms(&change.replace("{table}", table.as_str()));
        assert_eq!(
            world.computed(RefreshScope::Every, now()),
            BTreeMap::from([(table, computed)]),
            "{change}"
        );
        assert!(world.payloads(table) == before, "{change}: not restored");
        assert_eq!(world.computed(RefreshScope::Every, now()), BTreeMap::new(), "{change}");
    }
}

#[test]
fn the_rows_are_in_order_what_one_thread_computes() {
    let sample = Sample::generate(1, 1);
    let inside = Inside::open(&sample.database(), &sample.state());
    let (snapshot, _) = inside.refresh(RefreshScope::Every, now());
    for report in REPORTS {
        let (table, mut serializer) = (report.table(), GroupSerializer::default());
        let groups = report.build(Context::new(&snapshot, inside.settings(), now()));
        let entries = groups.flat_map(|group| serializer.serialize(spec(table), &group).unwrap().entries);
        let computed: Vec<String> = entries.map(|entry| entry.columns.join("\n")).collect();
        let stored = format!("SELECT {} FROM {table} ORDER BY id", payload_sql(table));
        assert!(
            !computed.is_empty() && computed == Other::open(&sample.database()).texts(&stored),
            "{table}"
        );
    }
}

/// Calls `then` as soon as a refresh has begun to read the stored rows, and before it reads the sources.
fn at_the_first_view(inside: Inside, then: impl FnOnce() + Send + 'static) -> Inside {
    let then = Mutex::new(Some(then));
    inside.observed(move |_| {
        if let Some(then) = then.lock().unwrap().take() {
            // Another process has a runtime of its own.
            std::thread::scope(|scope| scope.spawn(then).join()).unwrap();
        }
    })
}

#[test]
fn a_row_that_vms_writes_before_the_sources_are_read_stays_as_vms_wrote_it() {
    let table = Table::OrganizationSummaryCache;
    let World { sample, inside } = World::refreshed();
    drop(inside);
    let vms = Other::open(&sample.database());
    vms.execute("PRAGMA journal_mode = WAL");
    let inside = Inside::open(&sample.database(), &sample.state());
    let page_view = format!(
        "UPDATE organization SET name = 'Renamed' WHERE id = (SELECT min(id) FROM organization); \
         UPDATE {table} SET organizations_data = '[\"of VMS\"]', last_updated = '2026-11-22 20:00:00.000000' \
         WHERE id = (SELECT min(id) FROM {table})"
    );
    let inside = at_the_first_view(inside, move || vms.execute(&page_view));
    let (snapshot, results) = inside.refresh(RefreshScope::Every, now() + TimeDelta::minutes(1));
    assert!(
        snapshot.organizations.iter().any(|one| one.name.as_deref() == Some("Renamed")),
        "not in between"
    );
    let result = results.iter().find(|result| result.report.table == table).unwrap();
    assert_eq!(result.contested.len(), 1, "{:?}", result.report);
    let rows = Other::open(&sample.database()).rows(table);
    assert!(rows.values().any(|row| row == "[\"of VMS\"]"), "replaced with figures from before VMS's");
}

#[test]
fn a_writer_that_waits_between_the_two_views_of_a_rollback_journal_is_let_through() {
    let World { sample, inside } = World::refreshed();
    drop(inside);
    Other::open(&sample.database()).execute("PRAGMA journal_mode = DELETE");
    let inside = Inside::open(&sample.database(), &sample.state());
    let (database, (wrote, written)) = (sample.database(), std::sync::mpsc::channel());
    let inside = at_the_first_view(inside, move || {
        let (begins, begun) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let vms = Other::open(&database);
            vms.execute("BEGIN IMMEDIATE");
            vms.execute("UPDATE event SET title = title WHERE id = (SELECT min(id) FROM event)");
            begins.send(()).unwrap();
            // It waits for the reader, and lets no other begin.
            wrote.send(vms.try_execute("COMMIT")).unwrap();
        });
        begun.recv().unwrap();
    });
    let (_, results) = inside.refresh(RefreshScope::Every, now() + TimeDelta::minutes(1));
    assert!(results.iter().all(|result| result.error.is_none()), "{results:#?}");
    written.recv().unwrap().unwrap();
}
