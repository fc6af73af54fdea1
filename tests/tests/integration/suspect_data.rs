//! Suspect data never fails a refresh: it is counted, and payloads that it does not affect stay unchanged.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use cached::reports::REPORTS;
use cached::snapshot::{ReadDepth, Source, SourceSet, Warning, load};
use cached::vms::Vms;
use cached::vms::tables::Table;
use cached_tests::binary::run;
use cached_tests::golden::Golden;
use cached_tests::vms::{Other, Rows};
use chrono::DateTime;
use serde_json::Value;

/// A completed event of this school year that belongs to one district only, has participants, and is the
/// target of all suspect data.
const EVENT: &str = "69";
/// District of the event.
const DISTRICT: &str = "4";

/// Query for the participants of the event.
const PARTICIPANTS: &str = "(SELECT volunteer_id FROM event_participation WHERE event_id = 69)";

struct Case {
    name: &'static str,
    /// Statements in which `{event}` and `{participants}` stand for the two constants.
    sql: &'static str,
    /// Suspect source rows that a report of all these tables counts.
    warnings: u64,
}

const fn case(name: &'static str, sql: &'static str, warnings: u64) -> Case {
    Case { name, sql, warnings }
}

fn check(cases: &[Case]) {
    let golden = Golden::unpack("tiny1");
    let vms = Other::open(&golden.database());
    vms.allow_nulls();
    // In VMS's own journal mode a group need not wait for the disk.
    vms.execute("PRAGMA journal_mode = WAL");
    let participants =
        vms.number(&format!("SELECT count(*) FROM event_participation WHERE event_id = {EVENT}"));
    assert!(participants > 1, "the event has no participants to change");
    let concerned: BTreeSet<String> = vms
        .texts(&format!(
            "SELECT CAST(organization_id AS TEXT) FROM volunteer_organization WHERE volunteer_id IN {PARTICIPANTS}"
        ))
        .into_iter()
        .collect();
    drop(vms);
    let plain = golden.copy();
    refresh(&plain, "as it is", 0);
    let before = unconcerned(&plain, &concerned);
    assert!(before.iter().all(|rows| !rows.is_empty()), "everything is concerned by everything");
    for Case { name, sql, warnings } in cases {
        let copy = golden.copy();
        let sql = sql.replace("{event}", EVENT).replace("{participants}", PARTICIPANTS);
        let other = Other::open(&copy.database());
        let changes = other.number("SELECT total_changes()");
        other.execute(&sql);
        assert!(other.number("SELECT total_changes()") > changes, "{name}: no row was changed");
        drop(other);
        refresh(&copy, name, *warnings);
        let after = unconcerned(&copy, &concerned);
        for (before, after) in before.iter().zip(&after) {
            for (key, payload) in before {
                assert_eq!(after.get(key), Some(payload), "{name}: {key} is another one");
            }
        }
    }
}

/// Refreshes with the real binary: every table is written, and every payload is JSON.
fn refresh(golden: &Golden, name: &str, warnings: u64) {
    let ran = run(golden.refresh().args(["--force", "--json"]));
    assert_eq!(ran.code, Some(0), "{name}: {ran:?}");
    let outcome: Value = serde_json::from_str(&ran.stdout).unwrap();
    let mut most = 0;
    for table in outcome["tables"].as_array().unwrap() {
        let written = if table["table"] == "organization_reports" { "off" } else { "rebuilt" };
        assert_eq!(table["outcome"], written, "{name}: {table}");
        most = most.max(table["warnings"].as_u64().unwrap());
    }
    assert_eq!(most, warnings, "{name}: {outcome:#}");
    let vms = Other::open(&golden.database());
    for &table in Table::ALL {
        let rows = vms.rows(table);
        assert_eq!(rows.is_empty(), table == Table::OrganizationReports, "{name}: {table}");
        for (key, payload) in rows {
            // An organization's name is the only column that is not JSON.
            let json = payload.lines().skip(usize::from(table == Table::OrganizationDetailCache));
            for text in json {
                let parsed = serde_json::from_str::<Value>(text);
                assert!(parsed.is_ok(), "{name}: {table} {key}: {parsed:?}");
            }
        }
    }
}

/// Returns the rows of other districts, and of organizations without a member at the event.
fn unconcerned(golden: &Golden, concerned: &BTreeSet<String>) -> [Rows; 2] {
    let vms = Other::open(&golden.database());
    let of = |table, is_concerned: &dyn Fn(&str) -> bool| {
        let mut rows = vms.rows(table);
        rows.retain(|key, _| !is_concerned(key.rsplit(' ').next().unwrap()));
        rows
    };
    [
        of(Table::DistrictYearEndReports, &|district| district == DISTRICT),
        of(Table::OrganizationDetailCache, &|organization| concerned.contains(organization)),
    ]
}

#[test]
fn unknown_enum_members_are_counted_and_change_no_other_payload() {
    check(&[
        case("a type", "UPDATE event SET type = 'SPACE_WALK' WHERE id = {event}", 1),
        case("a status", "UPDATE event SET status = 'POSTPONED' WHERE id = {event}", 1),
        case("a value for a name", "UPDATE event SET status = 'Completed' WHERE id = {event}", 1),
        case(
            "a participation's status",
            "UPDATE event_participation SET status = 'Levitated' WHERE event_id = {event}",
            0,
        ),
    ]);
}

#[test]
fn references_to_missing_rows_change_no_other_payload() {
    check(&[
        case(
            "an event without participants",
            "UPDATE event_participation SET volunteer_id = volunteer_id + 1000000 WHERE event_id = {event}",
            0,
        ),
        case("in no event", "UPDATE event_participation SET event_id = 1000069 WHERE event_id = {event}", 0),
        case("nowhere", "UPDATE event SET school = 'nowhere' WHERE id = {event}", 0),
        case(
            "members of nothing",
            "UPDATE OR REPLACE volunteer_organization SET organization_id = 1000000 WHERE volunteer_id IN {participants}",
            0,
        ),
        case("people without a contact", "DELETE FROM contact WHERE id IN {participants}", 0),
        case("contacts that are not volunteers", "DELETE FROM volunteer WHERE id IN {participants}", 0),
    ]);
}

#[test]
fn nulls_change_no_other_payload() {
    check(&[
        case("no date", "UPDATE event SET start_date = NULL WHERE id = {event}", 0),
        case(
            "an event with only NULLs",
            "UPDATE event SET title = NULL, description = NULL, type = NULL, format = NULL, start_date = NULL, \
             end_date = NULL, duration = NULL, status = NULL, location = NULL, school = NULL, \
             district_partner = NULL, volunteers_needed = NULL, participant_count = NULL WHERE id = {event}",
            0,
        ),
        case(
            "a completed one",
            "UPDATE event SET title = NULL, type = NULL, location = NULL WHERE id = {event}",
            0,
        ),
        case(
            "participations with only NULLs",
            "UPDATE contact SET type = NULL, first_name = NULL, last_name = NULL, do_not_contact = NULL, \
             email_opt_out = NULL, exclude_from_reports = NULL WHERE id IN {participants}",
            0,
        ),
        case(
            "participations",
            "UPDATE event_participation SET status = NULL, delivery_hours = NULL WHERE event_id = {event}",
            0,
        ),
        case(
            "a participation of NULL in NULL is left out",
            "UPDATE event_participation SET event_id = NULL, volunteer_id = NULL \
             WHERE id = (SELECT min(id) FROM event_participation WHERE event_id = {event})",
            1,
        ),
    ]);
}

#[test]
fn unusual_text_changes_no_other_payload() {
    check(&[
        case(
            "quotes, an emoji, and text that runs the other way",
            "UPDATE contact SET first_name = '\"Bo\" O''Neil \\', last_name = '\u{1f600} \u{5d0}\u{5d1} \u{202e}x' \
             WHERE id IN {participants}",
            0,
        ),
        case(
            "control characters",
            "UPDATE event SET title = 'a' || char(10) || char(27) || '[31m' || char(0) || 'b' WHERE id = {event}",
            0,
        ),
        case(
            "a title of ten thousand characters",
            "UPDATE event SET title = replace(hex(zeroblob(5000)), '0', '\u{e9}') WHERE id = {event}",
            0,
        ),
        case("bytes in place of text", "UPDATE event SET title = x'00ff4142' WHERE id = {event}", 1),
        case(
            "text that is not UTF-8",
            "UPDATE event SET title = CAST(x'41ff42' AS TEXT) WHERE id = {event}",
            1,
        ),
    ]);
}

#[test]
fn values_of_other_types_are_counted_and_change_no_other_payload() {
    check(&[
        case("an invalid date", "UPDATE event SET start_date = 'soon' WHERE id = {event}", 1),
        case("text for a number", "UPDATE event SET duration = 'long' WHERE id = {event}", 1),
        case("bytes for a number", "UPDATE event SET participant_count = x'ff' WHERE id = {event}", 1),
        case(
            "infinite hours",
            "UPDATE event_participation SET delivery_hours = 9e999 \
             WHERE id = (SELECT min(id) FROM event_participation WHERE event_id = {event})",
            1,
        ),
        case(
            "hours that are not a number",
            "UPDATE event_participation SET delivery_hours = 'nan' \
             WHERE id = (SELECT min(id) FROM event_participation WHERE event_id = {event})",
            1,
        ),
        case(
            "hours whose sum would be infinite",
            "UPDATE event_participation SET delivery_hours = 1.7e308 \
             WHERE id = (SELECT min(id) FROM event_participation WHERE event_id = {event})",
            1,
        ),
    ]);
}

#[test]
fn extreme_counts_and_ids_change_no_other_payload() {
    check(&[
        case(
            "addresses twice",
            "INSERT INTO email (contact_id, email, type, \"primary\") \
             SELECT contact_id, email, type, 1 FROM email WHERE contact_id IN {participants}",
            0,
        ),
        case(
            "an organization without volunteers",
            "INSERT INTO organization (id, name) VALUES (5000, 'Nobody''s')",
            0,
        ),
        case("the largest id there is", "UPDATE event SET id = 9223372036854775807 WHERE id = {event}", 0),
    ]);
}

/// The rows of all tables after a refresh of the copy.
fn refreshed(golden: &Golden, name: &str, warnings: u64) -> BTreeMap<Table, Rows> {
    refresh(golden, name, warnings);
    let vms = Other::open(&golden.database());
    Table::ALL.iter().map(|&table| (table, vms.rows(table))).collect()
}

/// Gives each link to a district the next of these forms in turn, and returns the number of links.
fn write_links_as(golden: &Golden, forms: &[&str]) -> u64 {
    let vms = Other::open(&golden.database());
    let whens: Vec<String> =
        forms.iter().enumerate().map(|(turn, form)| format!("WHEN {turn} THEN {form}")).collect();
    vms.execute(&format!(
        "UPDATE event_districts SET district_id = CASE rowid % {} {} END",
        forms.len(),
        whens.join(" ")
    ));
    u64::try_from(vms.number("SELECT count(*) FROM event_districts")).unwrap()
}

/// SQLite compares the text of these links with an integer, so VMS's own figures are those of the plain links.
#[test]
fn a_link_to_a_district_counts_in_every_form_that_sqlite_joins_and_warns_in_all_others() {
    let golden = Golden::unpack("tiny1");
    let (plain, none) = (golden.copy(), golden.copy());
    let plain = refreshed(&plain, "as it is", 0);
    Other::open(&none.database()).execute("DELETE FROM event_districts");
    let none = refreshed(&none, "no links", 0);
    let joined = golden.copy();
    let forms =
        ["district_id || '.0'", "' ' || district_id || ' '", "district_id || 'e0'", "'+0' || district_id"];
    write_links_as(&joined, &forms);
    let joined = refreshed(&joined, "joined", 0);
    // The former generator of that table looks for the links of a district by its id as text.
    let by_integer = |table: &Table| *table != Table::DistrictEngagementReports;
    for table in Table::ALL.iter().copied().filter(by_integer) {
        assert_eq!(joined[&table], plain[&table], "{table}");
    }
    assert_ne!(joined[&Table::DistrictYearEndReports], none[&Table::DistrictYearEndReports]);
    let left_out = golden.copy();
    let forms = [
        "district_id || '.5'",
        "'0x' || district_id",
        "'d' || district_id",
        "CAST(district_id AS BLOB)",
        "''",
    ];
    let links = write_links_as(&left_out, &forms);
    assert_eq!(refreshed(&left_out, "left out", links), none);
}

#[test]
fn counts_that_no_column_of_vms_can_hold_are_read_as_null_with_a_warning() {
    let golden = Golden::unpack("tiny1");
    let set = |value: &str| {
        let copy = golden.copy();
        Other::open(&copy.database()).execute(&format!(
            "UPDATE event_attendance_detail SET total_students = {value} WHERE id IN \
             (SELECT id FROM event_attendance_detail ORDER BY id LIMIT 5)"
        ));
        copy
    };
    let unknown = refreshed(&set("NULL"), "NULL", 0);
    for value in ["9223372036854775807", "-9223372036854775808", "2147483648"] {
        assert_eq!(refreshed(&set(value), value, 5), unknown, "{value}");
    }
    // The largest number that VMS's column is declared to hold is summed as it is.
    let largest = refreshed(&set("2147483647"), "the largest", 0);
    assert_ne!(largest, unknown);
}

/// What no column of the declared type holds, and whether text columns warn of it, too.
const GARBAGE: [(&str, bool); 4] =
    [("x'41ff'", true), ("CAST(x'41ff' AS TEXT)", true), ("'soon'", false), ("'9' || char(160)", false)];

/// Text columns of which VMS's models know all words.
const WORDS: [(&str, &str); 5] = [
    ("event", "type"),
    ("event", "format"),
    ("event", "status"),
    ("volunteer", "status"),
    ("volunteer", "local_status"),
];

/// One cell of one row at a time is changed, in every column that any report reads.
#[test]
fn every_column_that_is_read_warns_of_what_vms_fails_on() {
    let golden = Golden::unpack("tiny1");
    let other = Other::open(&golden.database());
    other.execute(
        "INSERT INTO users (username, email, password_hash, security_level, scope_type, is_active, created_at, \
         updated_at) VALUES ('a', 'a@example.org', 'x', 0, 'global', 1, '2026-01-01 00:00:00', \
         '2026-01-01 00:00:00')",
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let vms = runtime.block_on(Vms::open(&golden.database())).unwrap();
    let warnings = |source: Source| {
        let sources = SourceSet::from([source]);
        let loading = load(&vms, &sources, &[], ReadDepth::Stamps, DateTime::UNIX_EPOCH);
        runtime.block_on(loading).unwrap().warnings
    };
    let mut probes = 0;
    for source in REPORTS.iter().flat_map(|report| report.sources()).copied().collect::<SourceSet>() {
        let table = source.table();
        assert_eq!(warnings(source), [], "{table} has warnings before any change");
        let row = other.number(&format!("SELECT coalesce(max(rowid), -1) FROM \"{table}\""));
        assert_ne!(row, -1, "{table} is empty");
        for column in source.columns() {
            let name = column.name;
            let about = |what: &str| {
                format!(
                    "SELECT coalesce(max({what}), '') FROM pragma_table_info('{table}') WHERE name = '{name}'"
                )
            };
            let declared = other.texts(&about("type")).remove(0);
            // The row id itself can hold integers only.
            if name == "id" && declared == "INTEGER" {
                continue;
            }
            let is_text = declared.starts_with("VARCHAR") || declared == "TEXT";
            // A key that is declared as text, but joined with integers.
            let is_key = (table, name) == ("event_districts", "district_id");
            for (value, in_text) in GARBAGE {
                if is_text && !in_text && !is_key && !WORDS.contains(&(table, name)) {
                    continue;
                }
                let stored = format!("SELECT quote(\"{name}\") FROM \"{table}\" WHERE rowid = {row}");
                let before = other.texts(&stored).remove(0);
                let set = |value: &str| {
                    other
                        .execute(&format!("UPDATE \"{table}\" SET \"{name}\" = {value} WHERE rowid = {row}"));
                };
                set(value);
                let found = warnings(source);
                set(&before);
                let is_named = |warning: &Warning| {
                    warning.table == table && warning.rowid == row && warning.what.contains(name)
                };
                assert!(
                    found.len() == 1 && found.iter().all(is_named),
                    "{table} row {row}, {name} = {value}: {found:?}"
                );
                probes += 1;
            }
        }
    }
    assert!(probes > 200, "only {probes} cells were changed");
}

#[test]
fn a_boolean_beyond_0_and_1_is_counted() {
    check(&[
        case("a boolean of 2", "UPDATE contact SET exclude_from_reports = 2 WHERE id = 1", 1),
        case(
            "a date with a time",
            "UPDATE volunteer SET last_volunteer_date = '2026-01-05 10:00' WHERE id = 1",
            1,
        ),
    ]);
}
