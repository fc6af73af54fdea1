//! The real daemon, controlled by the real client.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Stdio;

use cached_tests::binary::{cachectl, cached, run};
use cached_tests::daemon::Daemon;
use cached_tests::golden::Golden;
use cached_tests::vms::Other;
use cached_tests::wait;
use rustix::process::Signal;

#[test]
fn a_new_daemon_fills_all_tables_at_once_with_a_startup_run() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, "");
    daemon.idle();
    let status = daemon.json(&["status", "--sizes"]);
    assert_eq!(status["scheduler"], "running");
    assert_eq!(status["timezone"], "America/Chicago");
    assert!(status["next_run"].is_string(), "{status}");
    assert_eq!(status["last_run"]["trigger"], "startup");
    let tables = status["tables"].as_array().unwrap();
    assert_eq!(tables.len(), 11);
    for table in tables {
        let state = table["state"].as_str().unwrap();
        let switched_off = table["table"] == "organization_reports";
        assert_eq!(state, if switched_off { "off" } else { "fresh" }, "{table}");
        assert!(switched_off || table["bytes"].as_u64().unwrap() > 0, "{table}");
    }
    assert_eq!(daemon.json(&["health"])["health"], "healthy");
}

#[test]
fn a_refresh_of_one_type_is_followed_to_its_end() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, "");
    daemon.idle();
    let young = daemon.json(&["refresh", "district"]);
    assert_eq!(young["outcome"], "skipped", "{young}");
    Other::open(&golden.database()).execute("UPDATE event_participation SET delivery_hours = 9");
    let forced = daemon.json(&["refresh", "district", "--force"]);
    assert_eq!(forced["trigger"], "manual");
    assert_eq!(forced["tables"].as_array().unwrap().len(), 2);
    for table in forced["tables"].as_array().unwrap() {
        assert_eq!(table["type"], "district", "{table}");
        assert!(table["rebuilt"].as_u64().unwrap() > 0, "{table}");
    }
    let jobs = daemon.json(&["jobs"]);
    assert_eq!(jobs["jobs"][0]["run"].to_string(), forced["run"].as_str().unwrap());
}

#[test]
fn a_stopped_scheduler_stays_stopped_over_a_restart() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, "");
    assert_eq!(daemon.json(&["stop-scheduler"])["scheduler"], "stopped");
    daemon.idle();
    assert_eq!(daemon.stop(), Some(0));
    let daemon = Daemon::start(&golden, "");
    let status = daemon.json(&["status"]);
    assert_eq!((&status["scheduler"], status["next_run"].is_null()), (&"stopped".into(), true));
    assert_eq!(daemon.json(&["start-scheduler"])["scheduler"], "running");
    assert!(daemon.json(&["next"])["fires"][0]["at"].is_string());
}

#[test]
fn a_second_daemon_is_refused_and_the_first_keeps_running() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, "");
    let second = run(Daemon::command(&golden, "").stdin(Stdio::null()));
    assert_eq!(second.code, Some(2), "{second:?}");
    assert!(second.stderr.contains("cachectl"), "{second:?}");
    assert_eq!(daemon.ctl(&["ping"]).code, Some(0));
}

#[test]
fn the_socket_of_a_killed_daemon_is_replaced_by_the_next_one() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, "");
    daemon.signal(Signal::KILL);
    let socket = daemon.socket().to_owned();
    drop(daemon);
    assert!(socket.exists());
    let unreachable = run(cachectl().args(["status", "--socket"]).arg(&socket));
    assert_eq!(unreachable.code, Some(3), "{unreachable:?}");
    assert!(unreachable.stderr.contains("systemctl start cached"), "{unreachable:?}");
    let daemon = Daemon::start(&golden, "");
    daemon.idle();
    assert_eq!(daemon.json(&["health"])["health"], "healthy");
}

#[test]
fn a_daemon_without_vmss_database_is_unhealthy_and_recovers() {
    let golden = Golden::unpack("tiny1");
    let away = golden.directory().join("away.db");
    std::fs::rename(golden.database(), &away).unwrap();
    let daemon = Daemon::start(&golden, "");
    daemon.idle();
    let sick = daemon.ctl(&["health", "--json"]);
    assert_eq!(sick.code, Some(1), "{sick:?}");
    let health: serde_json::Value = serde_json::from_str(&sick.stdout).unwrap();
    assert_eq!(health["health"], "unhealthy");
    assert!(!health["reasons"][0]["hint"].as_str().unwrap().is_empty(), "{health}");
    std::fs::rename(&away, golden.database()).unwrap();
    assert_eq!(daemon.ctl(&["refresh"]).code, Some(0));
    assert_eq!(daemon.json(&["health"])["health"], "healthy");
}

#[test]
fn a_valid_configuration_is_applied_on_sighup_and_an_invalid_one_is_not() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, "[schedule]\nrefresh_time = \"02:00\"\n");
    let slot = || daemon.json(&["next"])["fires"][0]["slot"].as_str().unwrap().to_owned();
    assert!(slot().ends_with("02:00"));
    Daemon::command(&golden, "[schedule]\nrefresh_time = \"03:30\"\n");
    daemon.signal(Signal::HUP);
    wait::until("the new time is taken over", || slot().ends_with("03:30").then_some(()));
    Daemon::command(&golden, "[schedule]\nrefresh_time = \"soon\"\n");
    daemon.signal(Signal::HUP);
    let log = golden.directory().join("log/cache_manager.log");
    wait::until("the refusal is logged", || {
        std::fs::read_to_string(&log).unwrap().contains("not reloaded").then_some(())
    });
    assert!(slot().ends_with("03:30"));
}

#[test]
fn a_run_cancelled_before_it_began_is_logged_as_failed() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, "[watch]\nenabled = false\n");
    daemon.idle();
    // VMS's lock keeps a first run at work while a second one waits.
    let vms = Other::open(&golden.database());
    vms.execute("UPDATE event_participation SET delivery_hours = 9");
    vms.execute("BEGIN IMMEDIATE");
    assert_eq!(daemon.ctl(&["refresh", "district", "--force", "--no-wait"]).code, Some(0));
    wait::until("the first run is at work", || {
        (!daemon.json(&["status"])["current_run"].is_null()).then_some(())
    });
    let waits = daemon.ctl(&["refresh", "recruitment", "--force", "--no-wait"]).stdout;
    let cancelled = daemon.ctl(&["cancel", &format!("run:{}", waits.trim())]);
    vms.execute("COMMIT");
    assert_eq!(cancelled.code, Some(0), "{cancelled:?}");
    let log = daemon.ctl(&["logs", "--run", waits.trim()]).stdout;
    let reported =
        log.lines().filter(|line| line.contains("ERROR - Cache refresh failed: cancelled by user ")).count();
    assert_eq!(reported, 1, "{log}");
    daemon.idle();
}

#[test]
fn changed_settings_regenerate_existing_entries() {
    let golden = Golden::unpack("tiny1");
    let state = golden.state();
    let mut exact = cached();
    exact.args(["refresh", "--exact", "--database"]).arg(golden.database()).arg("--state").arg(&state);
    assert_eq!(run(&mut exact).code, Some(0));
    // In fixed mode, and long before the hour after which a table is tried again.
    let daemon = Daemon::start(&golden, "[watch]\nenabled = false\n");
    wait::until("the entries are regenerated", || {
        let status = daemon.json(&["status"]);
        let tables = status["tables"].as_array().unwrap();
        let done = tables.iter().all(|table| matches!(table["state"].as_str(), Some("fresh" | "off")));
        (done && status["last_run"]["trigger"] == "top_up").then_some(())
    });
}

#[test]
fn a_history_too_long_for_one_answer_is_listed_completely() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, "[schedule]\ncatch_up = false\n");
    daemon.idle();
    assert_eq!(daemon.stop(), Some(0));
    // 5,000 runs of five jobs, with 75 MB of errors; an answer has at most 64 MiB.
    let runs = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)";
    let jobs = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 24999)";
    let error = "replace(hex(zeroblob(750)), '0', 'e')";
    Other::open(&golden.directory().join("state.db")).execute(&format!(
        "INSERT INTO runs (id, trigger, priority, force, accept, exact, phase, queued, ended, outcome) \
           {runs} SELECT 10000 + i, 'watch', 3, 0, 0, 0, 'done', queued, queued, 'failed' \
           FROM n, (SELECT max(queued) AS queued FROM runs); \
         INSERT INTO jobs (id, run_id, table_name, ordinal, phase, outcome, error) \
           {jobs} SELECT 100000 + i, 10001 + i / 5, 'dia_events_report_cache', i % 5, 'done', 'failed', {error} FROM n; \
         INSERT INTO attempts (job_id, number, started, ended, outcome, error) \
           {jobs} SELECT 100000 + i, 1, 0, 1, 'failed', {error} FROM n"
    ));
    let daemon = Daemon::start(&golden, "[schedule]\ncatch_up = false\n");
    let listed = daemon.ctl(&["history", "--since", "90d"]);
    assert_eq!(listed.code, Some(0), "{}", listed.stderr);
    let runs = listed.stdout.lines().filter(|line| line.contains("5 failed")).count();
    assert_eq!(runs, 5000);
}

#[test]
fn unknown_words_in_the_state_are_listed_and_left_unchanged() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, "");
    daemon.idle();
    assert_eq!(daemon.stop(), Some(0));
    let state = golden.directory().join("state.db");
    Other::open(&state).execute(
        "UPDATE jobs SET table_name = 'moon_report_cache', outcome = 'molten' WHERE id = 1; \
         INSERT INTO runs (id, trigger, priority, force, accept, exact, phase, queued) \
           VALUES (500, 'comet', 0, 0, 0, 0, 'queued', 1); \
         INSERT INTO jobs (run_id, table_name, ordinal, phase) VALUES (500, 'dia_events_report_cache', 0, 'queued'); \
         INSERT INTO slots VALUES ('nightly', '2020-01-01 02:00', 'dreamt', NULL, 1); \
         INSERT INTO chores (task, slot, queued) VALUES ('polish', '2020-01-01 02:00', 0); \
         INSERT INTO settings VALUES ('scheduler', 'dozing')",
    );
    let daemon = Daemon::start(&golden, "");
    daemon.idle();
    let refreshed = daemon.json(&["refresh", "--table", "dia_events_report_cache", "--force"]);
    assert_eq!(refreshed["outcome"], "verified", "{refreshed}");
    assert_eq!(daemon.json(&["status"])["scheduler"], "running");
    assert_eq!(daemon.json(&["health"])["health"], "healthy");
    let history = daemon.ctl(&["history", "--since", "100000d"]);
    assert_eq!(history.code, Some(0), "{history:?}");
    for shown in [
        "2 entries with words that this version of cached does not know",
        "run 500: trigger comet, phase queued",
        "job 1 of run 1: trigger startup, table moon_report_cache, phase done, outcome molten",
    ] {
        assert!(history.stdout.contains(shown), "{shown}: {}", history.stdout);
    }
    let jobs = daemon.json(&["jobs", "--limit", "10000"]);
    assert_eq!(jobs["unknown"].as_array().unwrap().len(), 2, "{jobs}");
    assert_eq!(daemon.stop(), Some(0));
    let kept =
        Other::open(&state).number("SELECT count(*) FROM runs WHERE trigger = 'comet' AND phase = 'queued'");
    assert_eq!(kept, 1);
}

fn reload(daemon: &Daemon, code: i32) -> serde_json::Value {
    let ran = daemon.ctl(&["reload", "--json"]);
    assert_eq!(ran.code, Some(code), "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn a_reload_applies_a_new_log_level_and_reports_it() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, "level = \"error\"\n");
    daemon.idle();
    let log = golden.directory().join("log/cache_manager.log");
    assert_eq!(std::fs::read_to_string(&log).unwrap_or_default(), "");

    Daemon::command(&golden, "level = \"info\"\n[http]\nlisten = \"127.0.0.1:1\"\n");
    let answer = reload(&daemon, 0);
    assert_eq!(answer["reloaded"], true);
    assert_eq!(answer["changed"][0]["key"], "log.level", "{answer}");
    assert_eq!(answer["changed"][0]["to"], "\"info\"", "{answer}");
    assert_eq!(answer["changed"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(answer["waiting"][0]["key"], "http.listen", "{answer}");
    assert_eq!(daemon.ctl(&["refresh", "district", "--force"]).code, Some(0));
    assert!(std::fs::read_to_string(&log).unwrap().contains(" - INFO - Cache refresh completed"));

    assert_eq!(reload(&daemon, 0)["changed"].as_array().unwrap().len(), 0);
}

#[test]
fn a_reload_with_errors_reports_each_with_its_line_and_changes_nothing() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, "");
    daemon.idle();
    let next = || daemon.json(&["next"])["fires"][0]["slot"].clone();
    let before = next();
    Daemon::command(&golden, "levle = \"debug\"\n[schedule]\nrefresh_time = \"soon\"\n");
    let answer = reload(&daemon, 1);
    assert_eq!(answer["reloaded"], false);
    let errors: Vec<&str> =
        answer["errors"].as_array().unwrap().iter().map(|error| error.as_str().unwrap()).collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    for error in &errors {
        assert!(error.contains("cached.toml") && error.contains("line "), "{error}");
    }
    assert!(errors.iter().any(|error| error.contains("log.level?")), "{errors:?}");
    assert_eq!(next(), before);
}

#[test]
fn a_run_is_shown_by_its_number_and_the_listings_are_limited() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, "[watch]\nenabled = false\n");
    daemon.idle();
    let asked = daemon.ctl(&["refresh", "DIA-Events-Report-Cache", "--force", "--quiet"]);
    assert_eq!((asked.code, asked.stderr.as_str()), (Some(0), ""), "{asked:?}");
    let newest = daemon.json(&["history", "-n", "1"]);
    assert_eq!(newest["runs"].as_array().unwrap().len(), 1, "{newest}");
    let id = newest["runs"][0]["id"].as_i64().unwrap();
    let shown = daemon.json(&["run", &id.to_string()]);
    assert_eq!(shown["run"], newest["runs"][0]);
    assert_eq!(shown["run"]["jobs"][0]["table"], "dia_events_report_cache");
    assert_eq!(daemon.json(&["run", &format!("run:{}", id - 1)])["run"]["id"], id - 1);
    let none = daemon.ctl(&["run", "999"]);
    assert_eq!(none.code, Some(1), "{none:?}");
    assert!(none.stderr.contains("there is no run 999; `cachectl history`"), "{none:?}");
    assert_eq!(daemon.ctl(&["status", "-o", "json"]).stdout, daemon.ctl(&["--json", "status"]).stdout);
}
