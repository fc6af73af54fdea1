//! Requests that are refused, how the refusal is reported, and the headers of every response.

use serde_json::{Value, json};

use crate::boot::Home;
use crate::boot::execute;
use crate::web_client::{Answer, BROWSER, JSON, ask, authorization, serve_web, trusted};
use crate::web_pages::serve_pages;

const STATUS: &str = "/management/cache/api/status";
const REFRESH: &str = "/management/cache/api/refresh";
const ENTRY: &str = "/management/cache/api/entries/dia_events_report_cache";

#[tokio::test]
async fn requests_without_a_credential_are_answered_with_401() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    for (method, path, form) in [
        ("GET", STATUS, JSON),
        ("GET", ENTRY, JSON),
        ("POST", REFRESH, JSON),
        ("GET", STATUS, ("X-Requested-With", "XMLHttpRequest")),
        ("GET", STATUS, ("Accept", "application/json")),
        ("POST", "/management/cache/scheduler/stop", ("Accept", "*/*")),
        ("GET", STATUS, ("Authorization", "Bearer 00000000000000000000000000000000")),
    ] {
        let answer = ask(&daemon, method, path, &[form], "").await;
        assert_eq!(answer.status, 401, "{method} {path} {form:?}: {answer:?}");
        assert_eq!(answer.json(), json!({"error": "Authentication required"}));
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{answer:?}");
    }
    assert!(ask(&daemon, "GET", STATUS, &[("Authorization", &authorization())], "").await.status == 200);
}

#[tokio::test]
async fn browsers_are_redirected_to_vmss_login_with_the_way_back() {
    let mut home = Home::lived_in().await;
    serve_pages(&mut home).await;
    let daemon = home.boot().await;
    for (method, path, next) in [
        ("GET", "api/status", "api/status"),
        ("HEAD", "status", "status"),
        ("GET", "jobs?a=%0d%0aX:%20y&b", "jobs%3Fa%3D%250d%250aX%3A%2520y%26b"),
        // A form cannot be submitted again from there.
        ("POST", "jobs/1/retry", "jobs/1"),
        ("POST", "runs/1/cancel", "runs/1"),
        ("POST", "api/jobs/1/cancel", "jobs/1"),
        ("POST", "refresh", "refresh"),
        ("POST", "scheduler/stop?a=%0d%0aX:%20y&b", "status"),
    ] {
        let answer = ask(&daemon, method, &format!("/management/cache/{path}"), &[BROWSER], "").await;
        let login = format!("/login?next=/management/cache/{next}");
        assert_eq!((answer.status, answer.header("location")), (302, Some(login.as_str())), "{answer:?}");
    }
}

#[tokio::test]
async fn without_vmss_key_browsers_are_not_redirected_to_a_login() {
    let mut home = Home::lived_in().await;
    home.set("http", "listen", "127.0.0.1:0");
    let daemon = home.boot().await;
    for (method, path) in [("GET", "status"), ("POST", "scheduler/stop"), ("GET", "api/status")] {
        let answer = ask(&daemon, method, &format!("/management/cache/{path}"), &[BROWSER], "").await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")), "{answer:?}");
        for way in [
            "<code>http.secret_key_file</code>",
            "<code>http.open_viewing</code>",
            "<code>cachectl status</code>",
        ] {
            assert!(answer.body.contains(way), "{way}: {answer:?}");
        }
        assert!(!answer.body.contains("X-API-Token"), "a way that is off: {answer:?}");
    }
    daemon.stop().await.unwrap();
    serve_web(&mut home);
    let daemon = home.boot().await;
    let answer = ask(&daemon, "GET", "/management/cache/status", &[BROWSER], "").await;
    assert!(
        answer.status == 401 && answer.body.contains("<code>Authorization: Bearer TOKEN</code>"),
        "{answer:?}"
    );
    let lost = ask(&daemon, "GET", "/login?next=/management/cache/status", &[BROWSER], "").await;
    assert!(lost.status == 404 && lost.body.contains("log in at VMS"), "{lost:?}");
}

#[tokio::test]
async fn every_refusal_has_its_status_code_and_message() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    let big = format!("{{\"cache_type\": \"{}\"}}", "x".repeat(70_000));
    for (method, path, headers, body, status, code) in [
        ("GET", "api/nothing", &[][..], "", 404, "not_found"),
        ("GET", "api/runs/77", &[], "", 404, "not_found"),
        ("GET", "api/runs/x", &[], "", 404, "not_found"),
        ("GET", "api/jobs/77", &[], "", 404, "not_found"),
        ("GET", "api/entries/events", &[], "", 404, "not_found"),
        ("GET", "api/entries/organization_summary_cache?key=school_year%3D1718", &[], "", 404, "not_found"),
        ("GET", "api/runs?since=soon", &[], "", 400, "bad_request"),
        ("GET", "api/runs?until=7d", &[], "", 400, "bad_request"),
        ("GET", "api/jobs?filter=other", &[], "", 400, "bad_request"),
        ("GET", "api/jobs?limit=-1", &[], "", 400, "bad_request"),
        ("GET", "api/entries/organization_summary_cache?key=year%3D2526", &[], "", 400, "bad_request"),
        ("GET", "api/entries/organization_summary_cache?key=2526", &[], "", 400, "bad_request"),
        ("GET", "api/entries/organization_summary_cache?school_year=2526", &[], "", 400, "bad_request"),
        ("GET", "api/entries/organization_detail_cache", &[], "", 400, "bad_request"),
        ("POST", "api/refresh?wait=long", &[], "", 400, "bad_request"),
        ("POST", "api/jobs/77/retry", &[], "", 404, "not_found"),
        ("POST", "api/jobs/1/retry", &[], "", 409, "conflict"),
        ("POST", "api/jobs/1/cancel", &[], "", 409, "conflict"),
        ("POST", "api/refresh", &[JSON], &big, 413, "too_large"),
        ("POST", "api/refresh", &[("Content-Type", "text/html")], "x", 415, "not_json"),
        ("GET", "api/refresh", &[], "", 405, "wrong_method"),
        ("POST", "api/status", &[], "", 405, "wrong_method"),
        ("DELETE", "api/jobs/1", &[], "", 405, "wrong_method"),
        ("OPTIONS", "api/refresh", &[], "", 405, "wrong_method"),
        ("GET", "api/status", &[("Host", "evil.example")], "", 421, "wrong_host"),
    ] {
        let answer = trusted(&daemon, method, path, headers, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        let shown = answer.json();
        assert_eq!((&shown["success"], &shown["code"]), (&json!(false), &json!(code)), "{method} {path}");
        assert!(shown["error"].as_str().is_some_and(|error| !error.is_empty()), "{shown}");
    }
}

#[tokio::test]
async fn refusals_for_browsers_are_pages_without_scripts() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    for (method, path, status) in
        [("GET", "/management/cache/%3Cscript%3E", 404), ("DELETE", STATUS, 405), ("GET", "/", 404)]
    {
        let answer = ask(&daemon, method, path, &[BROWSER], "").await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.header("content-type").unwrap().starts_with("text/html"), "{answer:?}");
        assert!(!answer.body.contains("<script"), "{answer:?}");
    }
    let wrong = ask(&daemon, "DELETE", STATUS, &[], "").await;
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET,HEAD")));
    // A user who had to log in before a button worked is redirected to the address that the button posts to.
    let back = ask(&daemon, "GET", "/management/cache/scheduler/stop", &[BROWSER], "").await;
    assert!(back.status == 405 && back.body.contains("the status page is at"), "{back:?}");
}

#[tokio::test]
async fn every_response_has_the_security_headers() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    let answers = [
        ask(&daemon, "GET", "/health", &[], "").await,
        ask(&daemon, "GET", STATUS, &[], "").await,
        ask(&daemon, "GET", "/nothing", &[BROWSER], "").await,
        ask(&daemon, "DELETE", STATUS, &[], "").await,
        ask(&daemon, "GET", STATUS, &[("Host", "evil.example")], "").await,
        trusted(&daemon, "GET", "api/status", &[], "").await,
    ];
    for answer in answers {
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn probes_need_no_login() {
    let mut home = Home::lived_in().await;
    home.set("watch", "enabled", "false");
    home.set("cache", "max_cache_age_hours", "2");
    home.set("cache", "refresh_after_hours", "1");
    serve_web(&mut home);
    let daemon = home.boot().await;
    let health = ask(&daemon, "GET", "/health", &[], "").await;
    assert_eq!((health.status, &health.json()["status"]), (200, &json!("healthy")));
    assert_eq!(health.json()["database"], "connected");
    assert_eq!(ready(&ask(&daemon, "GET", "/ready", &[], "").await), (200, Vec::new()));

    // Old reports are served, missing ones are not.
    home.clock.advance(std::time::Duration::from_hours(3));
    assert_eq!(ready(&ask(&daemon, "GET", "/ready", &[], "").await).0, 200);
    daemon.stop().await.unwrap();
    execute(&home, "DELETE FROM dia_events_report_cache").await;
    home.set("schedule", "catch_up", "false");
    let daemon = home.boot().await;
    // The scheduler must not refill tables during the test.
    trusted(&daemon, "POST", "scheduler/stop", &[], "").await;
    let answer = ask(&daemon, "GET", "/ready", &[], "").await;
    assert_eq!(ready(&answer), (503, vec!["dia_events_report_cache".to_owned()]), "{answer:?}");
    std::fs::rename(home.path("vms.db"), home.path("elsewhere")).unwrap();
    home.clock.advance(std::time::Duration::from_secs(10));
    let answer = ask(&daemon, "GET", "/ready", &[], "").await;
    assert_eq!((answer.status, &answer.json()["ready"]), (503, &json!(false)));
    // The daemon is alive; VMS's database is missing.
    let health = ask(&daemon, "GET", "/health", &[], "").await;
    assert_eq!((health.status, &health.json()["status"]), (200, &json!("healthy")));
    assert_eq!(health.json()["database"], "disconnected");
}

fn ready(answer: &Answer) -> (u16, Vec<String>) {
    let lacking = answer.json()["not_ready"].as_array().unwrap().clone();
    let name = |table: &Value| table["table"].as_str().unwrap().to_owned();
    (answer.status, lacking.iter().map(name).collect())
}
