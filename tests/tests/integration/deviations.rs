//! Deviations of fixed mode from VMS, none of which exact mode has.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use cached::vms::tables::Table;
use cached_tests::binary::run;
use cached_tests::daemon::Daemon;
use cached_tests::golden::Golden;
use cached_tests::vms::Other;
use serde_json::Value;

const EXACT: &[&str] = &["--exact"];

/// Refreshes one table, which must end with exit code 0, and returns its entry in the report.
fn refresh(golden: &Golden, table: Table, arguments: &[&str]) -> Value {
    let mut command = golden.refresh();
    command.args(["--force", "--json", "--table", table.as_str()]).args(arguments);
    let ran = run(&mut command);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let outcome: Value = serde_json::from_str(&ran.stdout).unwrap();
    outcome["tables"][0].clone()
}

fn payloads(golden: &Golden, sql: &str) -> Vec<Value> {
    let texts = Other::open(&golden.database()).texts(sql);
    texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
}

/// Writes a configuration file next to the copy, and returns its path.
fn configured(golden: &Golden, text: &str) -> String {
    let file = golden.directory().join("cached.toml");
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

fn add_user(golden: &Golden, scope: &str, active: u8) {
    Other::open(&golden.database()).execute(&format!(
        "INSERT INTO users (username, email, password_hash, security_level, scope_type, is_active, created_at, \
         updated_at) VALUES (hex(randomblob(4)), hex(randomblob(4)), '', 1, '{scope}', {active}, \
         '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000')"
    ));
}

#[test]
fn events_of_a_month_carry_the_two_counts_that_vms_downloads_need() {
    let golden = Golden::unpack("tiny1");
    for (arguments, carry) in [(&[][..], true), (EXACT, false)] {
        refresh(&golden, Table::DistrictYearEndReports, arguments);
        let rows = payloads(&golden, "SELECT events_data FROM district_year_end_reports");
        let months = rows.iter().flat_map(|row| row["events_by_month"].as_object().unwrap().values());
        let events: Vec<&Value> = months.flat_map(|month| month["events"].as_array().unwrap()).collect();
        assert!(!events.is_empty());
        for event in events {
            for (added, figure) in [("student_count", "students"), ("volunteer_count", "volunteers")] {
                let expected = if carry { &event[figure] } else { &Value::Null };
                assert_eq!(&event[added], expected, "{arguments:?}: {event}");
                assert_eq!(event.get(added).is_some(), carry, "{arguments:?}: {event}");
            }
        }
    }
}

#[test]
fn typed_rows_of_recent_volunteers_list_the_active_volunteers_in_fixed_mode() {
    let golden = Golden::unpack("tiny1");
    let rows = |which: &str| {
        let sql =
            format!("SELECT report_data FROM recent_volunteers_report_cache WHERE event_types {which} 'ALL'");
        payloads(&golden, &sql)
    };
    let active = |rows: &[Value]| -> Vec<Value> {
        rows.iter().flat_map(|row| row["active_volunteers"].as_array().unwrap()).cloned().collect()
    };
    refresh(&golden, Table::RecentVolunteersReportCache, EXACT);
    let (exact, base) = (rows("<>"), rows("="));
    assert!(exact.len() > 100 && active(&exact).is_empty(), "VMS's own typed rows list no person");
    refresh(&golden, Table::RecentVolunteersReportCache, &[]);
    let fixed = rows("<>");
    assert_eq!(rows("="), base, "the base row is VMS's own in both modes");
    assert_eq!(fixed.len(), exact.len());
    let people = active(&fixed);
    assert!(!people.is_empty());
    for person in people {
        assert_eq!(person["event_count"], person["events"].as_array().unwrap().len(), "{person}");
        assert!(
            person["events"]
                .as_array()
                .unwrap()
                .iter()
                .all(|event| event["type"] == person["last_event_type"])
        );
        assert!(person["events_display"].is_string(), "{person}");
    }
}

const SESSIONS: Table = Table::VirtualSessionReportCache;

#[test]
fn the_virtual_report_is_withheld_from_vms_with_limited_accounts() {
    let golden = Golden::unpack("tiny1");
    add_user(&golden, "global", 1);
    add_user(&golden, "district", 0);
    assert_eq!(refresh(&golden, SESSIONS, &[])["outcome"], "rebuilt", "no user is limited");
    let stored = || Other::open(&golden.database()).rows(SESSIONS).len();
    let ours = stored();
    // The changed timestamp marks one of the rows as stored by VMS itself.
    Other::open(&golden.database()).execute(
        "UPDATE virtual_session_report_cache SET last_updated = '2026-03-15 02:00:01.000000' \
         WHERE virtual_year = '2025-2026'",
    );
    add_user(&golden, "district", 1);
    let withheld = refresh(&golden, SESSIONS, &[]);
    assert_eq!((&withheld["outcome"], &withheld["pruned"]), (&"withheld".into(), &(ours - 1).into()));
    let left = Other::open(&golden.database()).texts("SELECT virtual_year FROM virtual_session_report_cache");
    assert_eq!(left, ["2025-2026"], "what VMS wrote itself stays");
    let again = refresh(&golden, SESSIONS, &[]);
    assert_eq!((&again["outcome"], &again["pruned"]), (&"withheld".into(), &0.into()));
    // The district table has no such leak.
    assert_eq!(refresh(&golden, Table::VirtualSessionDistrictCache, &[])["outcome"], "rebuilt");
}

#[test]
fn the_virtual_report_is_written_if_allowed_or_in_exact_mode() {
    let golden = Golden::unpack("tiny1");
    add_user(&golden, "district", 1);
    let stored = || Other::open(&golden.database()).rows(SESSIONS).len();
    assert_eq!((refresh(&golden, SESSIONS, &[])["outcome"].clone(), stored()), ("withheld".into(), 0));
    let file = configured(&golden, "[virtual_session]\nallow_scoped_users = true\n");
    assert_eq!(refresh(&golden, SESSIONS, &["--config", &file])["outcome"], "rebuilt");
    assert_eq!(stored(), 2);
    assert_eq!((refresh(&golden, SESSIONS, &[])["outcome"].clone(), stored()), ("withheld".into(), 0));
    assert_eq!(refresh(&golden, SESSIONS, EXACT)["outcome"], "rebuilt");
    assert_eq!(stored(), 2);
}

#[test]
fn status_says_why_a_report_is_withheld() {
    let golden = Golden::unpack("tiny1");
    add_user(&golden, "district", 1);
    let daemon = Daemon::start(&golden, "");
    daemon.idle();
    let status = daemon.json(&["status"]);
    let table = status["tables"].as_array().unwrap().iter().find(|table| table["table"] == SESSIONS.as_str());
    let table = table.unwrap();
    assert_eq!(table["state"], "withheld", "{table}");
    assert!(table.to_string().contains("virtual_session.allow_scoped_users"), "{table}");
}

#[test]
fn events_of_an_organization_are_sorted_by_text_in_both_modes() {
    let golden = Golden::unpack("tiny1");
    for arguments in [&[][..], EXACT] {
        refresh(&golden, Table::OrganizationDetailCache, arguments);
        for column in ["in_person_events", "virtual_events"] {
            let lists = payloads(&golden, &format!("SELECT {column} FROM organization_detail_cache"));
            let events: Vec<&Value> = lists.iter().flat_map(|list| list.as_array().unwrap()).collect();
            assert!(!events.is_empty(), "{column}");
            for event in events {
                let date = event["date_sort"].as_str().unwrap();
                let parsed = chrono::NaiveDateTime::parse_from_str(date, "%Y-%m-%dT%H:%M:%S%.f");
                assert_eq!(parsed.unwrap().format("%m/%d/%y").to_string(), event["date"].as_str().unwrap());
            }
        }
    }
}

#[test]
fn organization_reports_are_off_unless_enabled() {
    let golden = Golden::unpack("tiny1");
    let stored = || Other::open(&golden.database()).rows(Table::OrganizationReports).len();
    for arguments in [&[][..], EXACT] {
        let reported = refresh(&golden, Table::OrganizationReports, arguments);
        assert_eq!((&reported["outcome"], stored()), (&"off".into(), 0));
    }
    let file = configured(&golden, "[organization]\nreports_table = true\n");
    let reported = refresh(&golden, Table::OrganizationReports, &["--config", &file]);
    assert_eq!(reported["outcome"], "rebuilt");
    let organizations = Other::open(&golden.database()).number("SELECT count(*) FROM organization");
    assert_eq!(i64::try_from(stored()).unwrap(), 2 * organizations);
}
