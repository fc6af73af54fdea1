//! Requests that VMS's own pages and scripts send, and the response fields that they read.

use std::time::Duration;

use cached_proto::words::Table;
use serde_json::json;

use crate::boot::execute;
use crate::boot::{Home, finished};
use crate::web_client::{JSON, get, post, serve_web, trusted};

#[tokio::test]
async fn the_json_status_has_the_keys_of_vms() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    let status = get(&daemon, "api/status").await;
    assert_eq!(status["success"], true);
    let data = &status["data"];
    assert_eq!(data["is_running"], true);
    assert_eq!(data["refresh_interval_hours"], 24);
    assert_eq!(data["last_refresh"], "2026-03-10T17:00:00+00:00");
    let counted = json!({
        "total_refreshes": 1, "successful_refreshes": 1, "failed_refreshes": 0, "last_error": null
    });
    assert_eq!(data["stats"], counted);
    assert_eq!(
        (&data["next_run"], &data["timezone"]),
        (&json!("2026-03-11T07:00:00Z"), &json!("America/Chicago"))
    );
    assert_eq!(data["queue"], json!({"pending": 0, "running": 0, "retrying": 0, "dead": 0}));
    assert_eq!((&data["rates"]["success"], &data["rates"]["error"]), (&json!(1.0), &json!(0.0)));
    let caches = data["caches"].as_array().unwrap();
    assert_eq!(caches.len(), Table::ALL.len());
    for key in
        ["type", "table", "expected", "fresh", "stale", "missing", "invalid", "oldest", "newest", "bytes"]
    {
        assert!(caches[0].get(key).is_some(), "{key}: {}", caches[0]);
    }
}

#[tokio::test]
async fn the_json_status_before_the_first_refresh_has_null_figures() {
    let mut home = Home::new();
    serve_web(&mut home);
    std::fs::rename(home.path("vms.db"), home.path("elsewhere")).unwrap();
    let daemon = home.boot().await;
    finished(&daemon, 1).await;
    let data = &get(&daemon, "api/status").await["data"];
    assert_eq!(data["last_refresh"], json!(null));
    assert_eq!(data["stats"]["failed_refreshes"], 1);
    assert!(data["stats"]["last_error"].as_str().unwrap().contains("vms.db"), "{data}");
    assert!(data["database_error"].as_str().unwrap().contains("vms.db"), "{data}");
    assert_eq!(data["rates"]["readiness"], json!(null));
    assert_ne!(data["queue"]["dead"], 0);
}

#[tokio::test]
async fn starting_or_stopping_the_scheduler_twice_succeeds() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    for (path, message, running) in [
        ("scheduler/stop", "Cache refresh scheduler stopped successfully", false),
        ("scheduler/stop", "Cache refresh scheduler stopped successfully", false),
        ("scheduler/start", "Cache refresh scheduler started successfully", true),
        ("scheduler/start", "Cache refresh scheduler started successfully", true),
    ] {
        // VMS's page sends a JSON content type and no body.
        let answer = post(&daemon, path, "").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        assert_eq!((&body["success"], &body["message"]), (&json!(true), &json!(message)));
        assert_eq!(get(&daemon, "api/status").await["data"]["is_running"], running);
    }
}

#[tokio::test]
async fn a_refresh_with_wait_answers_with_the_message_of_vms() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    home.clock.advance(Duration::from_mins(5));
    for (body, message) in [
        (r#"{"cache_type": "district"}"#, "District caches refreshed successfully"),
        (r#"{"cache_type": "organization"}"#, "Organization caches refreshed successfully"),
        (r#"{"cache_type": "virtual_session"}"#, "Virtual_Session caches refreshed successfully"),
        (r#"{"cache_type": "volunteer"}"#, "Volunteer caches refreshed successfully"),
        (r#"{"cache_type": "recruitment"}"#, "Recruitment caches refreshed successfully"),
    ] {
        let forced = body.replace('}', r#", "force": true}"#);
        let answer = post(&daemon, "api/refresh?wait=1", &forced).await;
        assert_eq!((answer.status, &answer.json()["message"]), (200, &json!(message)));
        assert_eq!(answer.json()["success"], true);
    }
    // Refreshing one type moves neither the counters nor the last refresh.
    let data = &get(&daemon, "api/status").await["data"];
    assert_eq!(data["stats"]["total_refreshes"], 1);
    assert_eq!(data["last_refresh"], "2026-03-10T17:00:00+00:00");

    // A refresh of everything is the default, with a body and without.
    let answer = post(&daemon, "api/refresh?wait=1", r#"{"force": true}"#).await;
    assert_eq!(answer.json()["message"], "All caches refreshed successfully");
    for (headers, body) in [(&[][..], ""), (&[JSON], ""), (&[JSON], "{}")] {
        let answer = trusted(&daemon, "POST", "api/refresh?wait=1", headers, body).await;
        let nothing = "All caches had nothing to do: every entry is younger than 20 hours";
        assert_eq!((&answer.json()["success"], &answer.json()["message"]), (&json!(true), &json!(nothing)));
    }
    // A request that refreshes nothing does not count as a refresh.
    let data = &get(&daemon, "api/status").await["data"];
    assert_eq!(
        (&data["stats"]["total_refreshes"], &data["stats"]["successful_refreshes"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(data["last_refresh"], "2026-03-10T17:05:00+00:00");
}

#[tokio::test]
async fn a_refresh_without_wait_answers_202_with_the_run() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    let answer = post(&daemon, "api/refresh", r#"{"cache_type": "all", "force": true}"#).await;
    assert_eq!((answer.status, &answer.json()["success"]), (202, &json!(true)));
    assert_eq!(answer.json()["run"], "2");
    let jobs = get(&daemon, "api/runs/2").await["jobs"].as_array().unwrap().clone();
    let numbers: Vec<_> = jobs.iter().map(|job| job["id"].clone()).collect();
    assert_eq!((numbers.len(), &answer.json()["jobs"]), (Table::ALL.len(), &json!(numbers)));
    assert!(answer.json()["message"].as_str().unwrap().contains("run 2"));
    let run = finished(&daemon, 2).await;
    assert!(run.jobs.iter().any(|job| job.figures.rebuilt + job.figures.verified > 0), "{run:?}");
}

/// VMS's own page sends its form by script, as `multipart/form-data`, and a script may send nothing at all.
#[tokio::test]
async fn a_multipart_form_as_sent_by_vmss_page_is_accepted() {
    const KIND: (&str, &str) =
        ("Content-Type", "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxk");
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    let form = |cache_type: &str| {
        format!(
            "------WebKitFormBoundary7MA4YWxk\r\nContent-Disposition: form-data; name=\"cache_type\"\r\n\r\n\
             {cache_type}\r\n------WebKitFormBoundary7MA4YWxk--\r\n"
        )
    };
    let everything = ("Accept", "*/*");
    for (headers, body, tables) in [
        (&[KIND, everything][..], form("volunteer"), 2),
        (&[KIND, everything], form("all"), Table::ALL.len()),
        (&[everything], String::new(), Table::ALL.len()),
    ] {
        let answer = trusted(&daemon, "POST", "refresh", headers, &body).await;
        assert_eq!(answer.status, 303, "{body}: {answer:?}");
        let to = answer.header("location").unwrap();
        let run = to.strip_prefix("/management/cache/runs/").unwrap().split('?').next().unwrap();
        let run = finished(&daemon, run.parse().unwrap()).await;
        assert_eq!(run.jobs.len(), tables, "{body}");
    }
    for (headers, body, status) in [
        (&[KIND][..], form("nope"), 400),
        (&[KIND], "nonsense".to_owned(), 400),
        (&[("Content-Type", "text/plain")], "cache_type=all".to_owned(), 415),
    ] {
        // The page's script treats any status that is not a success as an error.
        let answer = trusted(&daemon, "POST", "refresh", headers, &body).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
    }
    let shown = trusted(&daemon, "POST", "refresh", &[JSON], "{}").await.json();
    assert_eq!(shown["code"], "not_a_form");
}

#[tokio::test]
async fn a_failed_refresh_with_wait_answers_500() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    std::fs::rename(home.path("vms.db"), home.path("elsewhere")).unwrap();
    let answer = post(&daemon, "api/refresh?wait=1", r#"{"cache_type": "volunteer"}"#).await;
    let body = answer.json();
    assert_eq!((answer.status, &body["success"], &body["run"]), (500, &json!(false), &json!("2")));
    assert!(body["error"].as_str().unwrap().contains("vms.db"), "{body}");
}

#[tokio::test]
async fn every_table_that_fails_is_named() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    home.set("watch", "enabled", "false");
    for (table, why) in [("dia_events_report_cache", "broken"), ("recruitment_candidates_cache", "full")] {
        let broken = format!(
            "CREATE TRIGGER broken_{table} BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, 'disk is {why}'); END"
        );
        execute(&home, &broken).await;
    }
    let daemon = home.boot().await;
    let answer = post(&daemon, "api/refresh?wait=1", r#"{"force": true}"#).await;
    let (status, body) = (answer.status, answer.json());
    assert_eq!((status, &body["code"]), (500, &json!("refresh_failed")));
    let error = body["error"].as_str().unwrap();
    for shown in [
        "dia_events_report_cache failed: ",
        "disk is broken",
        "recruitment_candidates_cache failed: ",
        "disk is full",
    ] {
        assert!(error.contains(shown), "{shown}: {error}");
    }
    let tables = body["tables"].as_array().unwrap();
    let failed = tables.iter().filter(|table| table["outcome"] == "failed").count();
    assert_eq!((tables.len(), failed), (Table::ALL.len(), 2), "{body}");
    let data = &get(&daemon, "api/status").await["data"];
    assert!(data["stats"]["last_error"].as_str().unwrap().contains("disk is "), "{data}");
}

#[tokio::test]
async fn an_unknown_type_table_or_field_is_named_in_the_error() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    for (headers, body, status, error) in [
        (&[JSON][..], r#"{"cache_type": "districts"}"#, 400, "Unknown cache type: districts"),
        (&[JSON], "{\"cache_type\": \"a\\nb\u{202e}<i>\"}", 400, r"Unknown cache type: a\nb\u{202e}<i>"),
        (&[JSON], r#"{"tables": ["events"]}"#, 400, "Unknown table: events"),
        (&[JSON], "{\"cache_type\":", 400, "the body cannot be used: "),
        (&[JSON], "[]", 400, "the body must be a JSON object"),
        (&[JSON], r#"{"forse": true}"#, 400, "the body cannot be used: unknown field `forse`"),
        (&[("Content-Type", "text/plain")], "{}", 415, "Content-Type must be application/json"),
        (&[], "cache_type=all", 415, "Content-Type must be application/json"),
    ] {
        let answer = trusted(&daemon, "POST", "api/refresh", headers, body).await;
        assert_eq!((answer.status, &answer.json()["success"]), (status, &json!(false)), "{body}");
        let shown = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(shown.starts_with(error), "{body}: {shown}");
        assert!(!answer.body.contains('\u{202e}'));
    }
    assert_eq!(daemon.queue().queued_count().await.unwrap(), 0);
}
