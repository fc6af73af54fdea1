//! Rows that a reader would reject are found and replaced by a plain refresh; rows that the daemon does not
//! own are counted and left alone; and a row keeps its id.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use cached::refresh::RefreshScope;
use cached::refresh::survey::TableSurvey;
use cached::snapshot::Shapes;
use cached::vms::tables::{Table, TableSpec, spec};
use cached_proto::words::TableState;
use cached_tests::golden::Golden;
use cached_tests::inside::Inside;
use cached_tests::vms::Other;
use chrono::{DateTime, TimeDelta, Utc};

/// A refreshed database.
struct Refreshed {
    inside: Inside,
    vms: Other,
    now: DateTime<Utc>,
    /// Declared last, so that its directory outlives the connections.
    _golden: Golden,
}

impl Refreshed {
    fn new() -> Self {
        let golden = Golden::unpack("tiny1");
        let vms = Other::open(&golden.database());
        vms.execute("PRAGMA journal_mode = WAL");
        let now = golden.as_of().parse().unwrap();
        let inside = Inside::open(&golden.database(), &golden.state());
        let refreshed = Self { inside, vms, now, _golden: golden };
        refreshed.refresh(RefreshScope::Every);
        refreshed
    }

    /// Refreshes, and returns the numbers of replaced and removed rows of each table that has any.
    fn refresh(&self, scope: RefreshScope) -> BTreeMap<&'static str, (u64, u64)> {
        let (_, results) = self.inside.refresh(scope, self.now);
        let mut changes = BTreeMap::new();
        for result in results {
            assert!(result.error.is_none(), "{}: {:?}", result.report.table, result.error);
            if (result.report.figures.rebuilt, result.report.figures.pruned) != (0, 0) {
                changes.insert(
                    result.report.table.as_str(),
                    (result.report.figures.rebuilt, result.report.figures.pruned),
                );
            }
        }
        changes
    }

    fn survey(&self) -> BTreeMap<&'static str, TableSurvey> {
        self.inside.survey(self.now).into_iter().map(|survey| (survey.table.as_str(), survey)).collect()
    }

    /// Returns all columns of a table but its timestamps, including ids.
    fn dump(&self, table: Table) -> Vec<String> {
        let columns: Vec<String> = spec(table)
            .columns()
            .filter(|&name| name != "last_updated")
            .map(|name| format!("quote(\"{name}\")"))
            .collect();
        self.vms.texts(&format!("SELECT {} FROM \"{table}\" ORDER BY id", columns.join(" || ' ' || ")))
    }
}

/// Damages the first row of each table for which there is a statement, and checks that a plain refresh
/// repairs it.
fn repaired(refreshed: &Refreshed, state: TableState, damage: impl Fn(&'static TableSpec) -> Option<String>) {
    repaired_by(RefreshScope::Due, refreshed, state, damage);
}

/// Like [`repaired`], with a refresh of another scope.
fn repaired_by(
    scope: RefreshScope,
    refreshed: &Refreshed,
    state: TableState,
    damage: impl Fn(&'static TableSpec) -> Option<String>,
) {
    let mut damaged = BTreeMap::new();
    for &table in Table::ALL {
        if let Some(set) = damage(spec(table)) {
            let before = refreshed.dump(table);
            refreshed.vms.execute(&format!(
                "UPDATE \"{table}\" SET {set} WHERE id = (SELECT min(id) FROM \"{table}\")"
            ));
            damaged.insert(table, (set, before));
        }
    }
    let survey = refreshed.survey();
    for &table in Table::ALL {
        let survey = &survey[table.as_str()];
        let (incomplete, invalid) = match (damaged.contains_key(&table), state) {
            (false, _) => (0, 0),
            (true, TableState::Incomplete) => (1, 0),
            (true, _) => (0, 1),
        };
        let reported = (survey.audit.incomplete, survey.audit.invalid, survey.state);
        let expected = if damaged.contains_key(&table) { state } else { TableState::Fresh };
        assert_eq!(reported, (incomplete, invalid, expected), "{table} {:?}", damaged.get(&table));
    }
    let changes = refreshed.refresh(scope);
    let expected: BTreeMap<&str, (u64, u64)> = damaged.keys().map(|table| (table.as_str(), (1, 0))).collect();
    assert_eq!(changes, expected, "{damaged:?}");
    for (table, (set, before)) in damaged {
        assert_eq!(refreshed.dump(table), before, "{table} {set}");
    }
    assert!(refreshed.survey().values().all(|survey| survey.state == TableState::Fresh));
}

/// Returns the largest number of requirements of any reader.
fn most_required() -> usize {
    Table::ALL.iter().map(|&table| spec(table).required.len()).max().unwrap()
}

/// Violates the requirements of readers, one in every table at a time: `damage` assigns to a column, or to a
/// member of it where that is not empty.
fn is_incomplete(damage: impl Fn(&str, &str) -> String) {
    let refreshed = Refreshed::new();
    for position in 0..most_required() {
        repaired(&refreshed, TableState::Incomplete, |spec| {
            let required = spec.required.get(position)?;
            Some(damage(required.column, required.member))
        });
    }
}

#[test]
fn a_payload_without_a_required_member_is_incomplete_and_replaced() {
    is_incomplete(|column, member| match member {
        "" => format!("\"{column}\" = '\"no container\"'"),
        member => format!("\"{column}\" = json_remove(\"{column}\", '$.{member}')"),
    });
}

#[test]
fn a_payload_with_null_for_a_required_member_is_incomplete_and_replaced() {
    is_incomplete(|column, member| match member {
        // VMS stores Python's `None` as this.
        "" => format!("\"{column}\" = 'null'"),
        member => format!("\"{column}\" = json_set(\"{column}\", '$.{member}', json('null'))"),
    });
}

#[test]
fn a_truncated_payload_is_invalid_and_replaced() {
    let refreshed = Refreshed::new();
    let most = Table::ALL.iter().map(|&table| spec(table).payload.len()).max().unwrap();
    for position in 0..most {
        repaired(&refreshed, TableState::Invalid, |spec| {
            let column = spec.payload.get(position).filter(|column| column.json)?.name;
            Some(format!("\"{column}\" = substr(\"{column}\", 1, length(\"{column}\") - 1)"))
        });
    }
}

#[test]
fn the_nightly_run_replaces_a_damaged_payload_instead_of_stamping_it() {
    let refreshed = Refreshed::new();
    repaired_by(RefreshScope::Every, &refreshed, TableState::Invalid, |spec| {
        let column = spec.payload.iter().find(|column| column.json)?.name;
        Some(format!("\"{column}\" = substr(\"{column}\", 1, length(\"{column}\") - 1)"))
    });
}

#[test]
fn an_entry_with_an_invalid_time_stamp_is_invalid_and_stamped_again() {
    let refreshed = Refreshed::new();
    for stamp in ["'yesterday'", "''", "NULL", "x'ff'", "CAST(x'3200ff' AS TEXT)", "20260315"] {
        let before = Table::ALL.iter().map(|&table| refreshed.dump(table)).collect::<Vec<_>>();
        for table in Table::ALL {
            let first = format!("WHERE id = (SELECT min(id) FROM \"{table}\")");
            refreshed.vms.execute(&format!("UPDATE \"{table}\" SET last_updated = {stamp} {first}"));
        }
        for (table, survey) in refreshed.survey() {
            assert_eq!((survey.audit.invalid, survey.state), (1, TableState::Invalid), "{table} {stamp}");
        }
        refreshed.refresh(RefreshScope::Due);
        for (table, survey) in refreshed.survey() {
            assert_eq!(survey.state, TableState::Fresh, "{table} {stamp}");
        }
        let after = Table::ALL.iter().map(|&table| refreshed.dump(table)).collect::<Vec<_>>();
        assert_eq!(before, after, "{stamp}");
    }
}

/// Returns the statement that copies a table's first row, with other values in some columns.
fn copy(table: Table, other: &[(&str, &str)]) -> String {
    let columns: Vec<&str> = spec(table).columns().filter(|&name| name != "id").collect();
    let value = |&name: &&str| {
        let found = other.iter().find(|(column, _)| *column == name);
        found.map_or_else(|| format!("\"{name}\""), |(_, value)| (*value).to_owned())
    };
    format!(
        "INSERT INTO \"{table}\" ({}) SELECT {} FROM \"{table}\" ORDER BY id LIMIT 1",
        columns.join(", "),
        columns.iter().map(value).collect::<Vec<_>>().join(", ")
    )
}

#[test]
fn rows_with_foreign_keys_are_counted_and_left_alone() {
    let refreshed = Refreshed::new();
    let stranger = ("last_updated", "'2020-01-01 00:00:00.000000'");
    let mut strangers: BTreeMap<&str, u64> = BTreeMap::new();
    for (table, key) in [
        (Table::DistrictYearEndReports, &[("host_filter", "'prepkc'")][..]),
        (Table::DistrictYearEndReports, &[("school_year", "'9899'")]),
        (Table::DistrictEngagementReports, &[("school_year", "'2527'")]),
        (Table::OrganizationSummaryCache, &[("school_year", "'all_'")]),
        (Table::OrganizationDetailCache, &[("school_year", "'1718'")]),
        (Table::OrganizationReports, &[("school_year", "''")]),
        (Table::VirtualSessionReportCache, &[("virtual_year", "'2026'")]),
        (Table::VirtualSessionReportCache, &[("date_to", "'2026-01-31'")]),
        (Table::VirtualSessionDistrictCache, &[("virtual_year", "'2025-2027'")]),
        (Table::RecentVolunteersReportCache, &[("title_filter", "'career'")]),
        (Table::RecentVolunteersReportCache, &[("event_types", "'dia,fafsa'")]),
        (Table::FirstTimeVolunteerReportCache, &[("school_year", "'junk'")]),
        (Table::FirstTimeVolunteerReportCache, &[("school_year", "x'ff00'")]),
    ] {
        refreshed.vms.execute(&copy(table, &[key, &[stranger]].concat()));
        *strangers.entry(table.as_str()).or_default() += 1;
    }
    for (table, survey) in refreshed.survey() {
        let counted = (survey.audit.unmanaged, survey.state);
        assert_eq!(
            counted,
            (strangers.get(table).copied().unwrap_or_default(), TableState::Fresh),
            "{table}"
        );
    }
    let before: Vec<_> = Table::ALL.iter().map(|&table| refreshed.dump(table)).collect();
    for scope in [RefreshScope::Due, RefreshScope::Every, RefreshScope::Thorough] {
        assert_eq!(refreshed.refresh(scope), BTreeMap::new(), "{scope:?}");
    }
    let after: Vec<_> = Table::ALL.iter().map(|&table| refreshed.dump(table)).collect();
    assert_eq!(before, after);
    for (table, count) in strangers {
        let untouched = format!("SELECT count(*) FROM \"{table}\" WHERE last_updated = {}", stranger.1);
        assert_eq!(refreshed.vms.number(&untouched), i64::try_from(count).unwrap(), "{table}");
    }
}

#[test]
fn of_several_rows_with_one_key_the_lowest_id_is_kept() {
    let refreshed = Refreshed::new();
    // NULL key columns bypass VMS's constraints in the first; the others have no constraints.
    let tables =
        [Table::RecentVolunteersReportCache, Table::OrganizationSummaryCache, Table::DiaEventsReportCache];
    for scope in [RefreshScope::Due, RefreshScope::Every, RefreshScope::Thorough] {
        let before = tables.map(|table| refreshed.dump(table));
        for table in tables {
            for _ in 0..2 {
                refreshed.vms.execute(&copy(table, &[]));
            }
        }
        let changes = refreshed.refresh(scope);
        let removed: BTreeMap<&str, (u64, u64)> =
            tables.iter().map(|table| (table.as_str(), (0, 2))).collect();
        assert_eq!(changes, removed, "{scope:?}");
        assert_eq!(tables.map(|table| refreshed.dump(table)), before, "{scope:?}");
    }
}

#[test]
fn a_row_that_is_replaced_keeps_its_id() {
    let refreshed = Refreshed::new();
    let ids = || {
        Table::ALL
            .iter()
            .map(|&table| {
                let key: Vec<String> =
                    spec(table).key.iter().map(|name| format!(" || ' ' || quote(\"{name}\")")).collect();
                refreshed
                    .vms
                    .texts(&format!("SELECT id{} FROM \"{table}\" ORDER BY id", key.concat() + " || ''"))
            })
            .collect::<Vec<_>>()
    };
    let before = ids();
    refreshed.vms.execute(
        "UPDATE event SET title = title || '!'; UPDATE event_participation SET delivery_hours = 9; \
         UPDATE contact SET first_name = first_name || '!'",
    );
    let changes = refreshed.refresh(RefreshScope::Every);
    for table in Table::ALL {
        assert!(changes.contains_key(table.as_str()), "no row of {table} was replaced");
    }
    assert_eq!(ids(), before);
}

#[test]
fn districts_are_inserted_in_the_order_of_the_mapping() {
    let refreshed = Refreshed::new();
    let known = refreshed.vms.texts("SELECT salesforce_id FROM district WHERE salesforce_id <> ''");
    let mapping = refreshed.inside.settings().districts.shown();
    let expected: Vec<String> =
        mapping.map(|district| district.id.clone()).filter(|id| known.contains(id)).collect();
    assert!(expected.len() > 2);
    for table in [Table::DistrictYearEndReports, Table::DistrictEngagementReports] {
        for year in ["2425", "2526", "2627"] {
            let stored = refreshed.vms.texts(&format!(
                "SELECT salesforce_id FROM \"{table}\" AS cache JOIN district ON district.id = cache.district_id \
                 WHERE school_year = '{year}' ORDER BY cache.id"
            ));
            assert_eq!(stored, expected, "{table} {year}");
        }
    }
}

#[test]
fn a_survey_by_known_shapes_finds_the_same_as_one_by_parsing() {
    let refreshed = Refreshed::new();
    let shapes = Shapes::default();
    let (inside, vms, now) = (&refreshed.inside, &refreshed.vms, refreshed.now);
    let by_known = |now| inside.survey_by(shapes.depth(now), now);
    assert_eq!(by_known(now), inside.survey(now));
    let table = "district_year_end_reports";
    for damage in [
        format!("UPDATE {table} SET report_data = '{{}}' WHERE id = (SELECT min(id) FROM {table})"),
        format!(
            "UPDATE {table} SET report_data = 'x', last_updated = NULL WHERE id = (SELECT max(id) FROM {table})"
        ),
        format!("DELETE FROM {table} WHERE id = (SELECT min(id) FROM {table})"),
        "UPDATE organization_summary_cache SET last_updated = '2026-03-01 00:00:00.000000'".to_owned(),
    ] {
        let before = inside.survey(now);
        vms.execute(&damage);
        assert_ne!(inside.survey(now), before, "{damage}");
        assert_eq!(by_known(now), inside.survey(now), "{damage}");
    }

    // Damage that keeps timestamp and length is taken for the former content, for an hour.
    vms.execute("UPDATE first_time_volunteer_report_cache SET report_data = replace(report_data, '{', '[')");
    assert_ne!(by_known(now), inside.survey(now));
    let later = now + TimeDelta::hours(1);
    assert_eq!(by_known(later), inside.survey(later));
}

#[test]
fn a_damaged_index_of_a_source_table_changes_no_figure() {
    let refreshed = Refreshed::new();
    // It claims to order the events by id, and orders them by title.
    refreshed.vms.execute(
        "PRAGMA writable_schema = ON; \
         CREATE INDEX harmless ON event (title); \
         UPDATE sqlite_schema SET sql = 'CREATE INDEX harmless ON event (id)' WHERE name = 'harmless'; \
         PRAGMA writable_schema = RESET",
    );
    assert_eq!(refreshed.vms.number("SELECT min(rowid) FROM event WHERE rowid >= 1000"), 11, "not damaged");
    assert_eq!(refreshed.refresh(RefreshScope::Thorough), BTreeMap::new());
}
