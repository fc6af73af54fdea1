//! Odd data never fails a refresh: it is counted, and payloads that it does not affect stay unchanged.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use cached::vms::tables::Table;
use cached_tests::binary::run;
use cached_tests::golden::Golden;
use cached_tests::vms::{Other, Rows};
use serde_json::Value;

/// A completed event of this school year that belongs to one district only, has participants, and is the
/// target of all odd data.
const EVENT: &str = "69";
/// District of the event.
const DISTRICT: &str = "4";

/// Query for the participants of the event.
const PARTICIPANTS: &str = "(SELECT volunteer_id FROM event_participation WHERE event_id = 69)";

struct Odd {
    name: &'static str,
    /// Statements in which `{event}` and `{participants}` stand for the two constants.
    sql: &'static str,
    /// Odd source rows that a report of all these tables counts.
    warnings: u64,
}

const fn odd(name: &'static str, sql: &'static str, warnings: u64) -> Odd {
    Odd { name, sql, warnings }
}

fn check(cases: &[Odd]) {
    let golden = Golden::unpack("tiny1");
    let vms = Other::open(&golden.database());
    vms.allow_nulls();
    // In VMS's own journal mode a group need not wait for the disk.
    vms.execute("PRAGMA journal_mode = WAL");
    let participants =
        vms.number(&format!("SELECT count(*) FROM event_participation WHERE event_id = {EVENT}"));
    assert!(participants > 1, "the event has nobody to whom anything odd could happen");
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
    for Odd { name, sql, warnings } in cases {
        let copy = golden.copy();
        let sql = sql.replace("{event}", EVENT).replace("{participants}", PARTICIPANTS);
        let other = Other::open(&copy.database());
        let changes = other.number("SELECT total_changes()");
        other.execute(&sql);
        assert!(other.number("SELECT total_changes()") > changes, "{name}: nothing became odd");
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
fn words_that_are_no_members_of_their_enums() {
    check(&[
        odd("a type", "UPDATE event SET type = 'SPACE_WALK' WHERE id = {event}", 1),
        odd("a status", "UPDATE event SET status = 'POSTPONED' WHERE id = {event}", 1),
        odd("a value for a name", "UPDATE event SET status = 'Completed' WHERE id = {event}", 1),
        odd(
            "a participation's status",
            "UPDATE event_participation SET status = 'Levitated' WHERE event_id = {event}",
            0,
        ),
    ]);
}

#[test]
fn rows_that_name_others_which_do_not_exist() {
    check(&[
        odd(
            "nobody took part",
            "UPDATE event_participation SET volunteer_id = volunteer_id + 1000000 WHERE event_id = {event}",
            0,
        ),
        odd("in no event", "UPDATE event_participation SET event_id = 1000069 WHERE event_id = {event}", 0),
        odd("nowhere", "UPDATE event SET school = 'nowhere' WHERE id = {event}", 0),
        odd(
            "members of nothing",
            "UPDATE OR REPLACE volunteer_organization SET organization_id = 1000000 WHERE volunteer_id IN {participants}",
            0,
        ),
        odd("people without a contact", "DELETE FROM contact WHERE id IN {participants}", 0),
        odd("contacts that are no volunteers", "DELETE FROM volunteer WHERE id IN {participants}", 0),
    ]);
}

#[test]
fn nulls_everywhere() {
    check(&[
        odd("no date", "UPDATE event SET start_date = NULL WHERE id = {event}", 0),
        odd(
            "an event of which nothing is known",
            "UPDATE event SET title = NULL, description = NULL, type = NULL, format = NULL, start_date = NULL, \
             end_date = NULL, duration = NULL, status = NULL, location = NULL, school = NULL, \
             district_partner = NULL, volunteers_needed = NULL, participant_count = NULL WHERE id = {event}",
            0,
        ),
        odd(
            "a completed one",
            "UPDATE event SET title = NULL, type = NULL, location = NULL WHERE id = {event}",
            0,
        ),
        odd(
            "people of whom nothing is known",
            "UPDATE contact SET type = NULL, first_name = NULL, last_name = NULL, do_not_contact = NULL, \
             email_opt_out = NULL, exclude_from_reports = NULL WHERE id IN {participants}",
            0,
        ),
        odd(
            "participations",
            "UPDATE event_participation SET status = NULL, delivery_hours = NULL WHERE event_id = {event}",
            0,
        ),
        odd(
            "a participation of NULL in NULL is left out",
            "UPDATE event_participation SET event_id = NULL, volunteer_id = NULL \
             WHERE id = (SELECT min(id) FROM event_participation WHERE event_id = {event})",
            1,
        ),
    ]);
}

#[test]
fn text_that_needs_care() {
    check(&[
        odd(
            "quotes, an emoji, and text that runs the other way",
            "UPDATE contact SET first_name = '\"Bo\" O''Neil \\', last_name = '\u{1f600} \u{5d0}\u{5d1} \u{202e}x' \
             WHERE id IN {participants}",
            0,
        ),
        odd(
            "control characters",
            "UPDATE event SET title = 'a' || char(10) || char(27) || '[31m' || char(0) || 'b' WHERE id = {event}",
            0,
        ),
        odd(
            "a title of ten thousand characters",
            "UPDATE event SET title = replace(hex(zeroblob(5000)), '0', '\u{e9}') WHERE id = {event}",
            0,
        ),
        odd("bytes in place of text", "UPDATE event SET title = x'00ff4142' WHERE id = {event}", 0),
        odd(
            "text that is no UTF-8",
            "UPDATE event SET title = CAST(x'41ff42' AS TEXT) WHERE id = {event}",
            0,
        ),
    ]);
}

#[test]
fn values_of_other_types() {
    check(&[
        odd("a date that is none", "UPDATE event SET start_date = 'soon' WHERE id = {event}", 1),
        odd("text for a number", "UPDATE event SET duration = 'long' WHERE id = {event}", 1),
        odd("bytes for a number", "UPDATE event SET participant_count = x'ff' WHERE id = {event}", 1),
        odd(
            "infinite hours",
            "UPDATE event_participation SET delivery_hours = 9e999 \
             WHERE id = (SELECT min(id) FROM event_participation WHERE event_id = {event})",
            1,
        ),
        odd(
            "hours that are no number",
            "UPDATE event_participation SET delivery_hours = 'nan' \
             WHERE id = (SELECT min(id) FROM event_participation WHERE event_id = {event})",
            1,
        ),
        odd(
            "hours whose sum would be infinite",
            "UPDATE event_participation SET delivery_hours = 1.7e308 \
             WHERE id = (SELECT min(id) FROM event_participation WHERE event_id = {event})",
            1,
        ),
    ]);
}

#[test]
fn too_many_and_too_few() {
    check(&[
        odd(
            "addresses twice",
            "INSERT INTO email (contact_id, email, type, \"primary\") \
             SELECT contact_id, email, type, 1 FROM email WHERE contact_id IN {participants}",
            0,
        ),
        odd(
            "an organization without volunteers",
            "INSERT INTO organization (id, name) VALUES (5000, 'Nobody''s')",
            0,
        ),
        odd("the largest id there is", "UPDATE event SET id = 9223372036854775807 WHERE id = {event}", 0),
    ]);
}
