//! The JSON API returns the same data as `cachectl --json`.

use cached::daemon::Daemon;
use cached_present::json::EntryReport;
use cached_proto::message::{Reply, Request};
use cached_proto::verb::get::{GetRequest, KeyPart};
use cached_proto::verb::history::HistoryPageRequest;
use cached_proto::verb::job::JobRequest;
use cached_proto::verb::jobs::{JobFilter, JobsPageRequest};
use cached_proto::verb::status::StatusRequest;
use cached_proto::words::Table;
use serde_json::{Value, json};

use crate::boot::execute;
use crate::boot::{self, Home, finished};
use crate::queue::Locked;
use crate::session::remember_admin;
use crate::web_client::{ask, get, post, serve_web, trusted};
use crate::web_pages::{Ada, serve_pages};

/// Returns the control socket's response as JSON.
async fn socket(daemon: &Daemon, request: Request) -> Value {
    let reply = serde_json::to_value(boot::ask(daemon, request).await).unwrap();
    reply.as_object().unwrap().values().next().unwrap().clone()
}

#[tokio::test]
async fn lists_are_those_of_the_control_socket() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    let week = HistoryPageRequest { since_seconds: 7 * 24 * 3600, before: None, limit: 100 };
    let jobs = |filter, limit| Request::JobsPage(JobsPageRequest { filter, before: None, limit });
    for (path, request) in [
        ("api/tables", Request::Status(StatusRequest { sizes: true })),
        ("api/runs", Request::HistoryPage(week.clone())),
        ("api/runs?since=7d", Request::HistoryPage(week)),
        ("api/jobs", jobs(JobFilter::All, 100)),
        ("api/jobs?limit=2", jobs(JobFilter::All, 2)),
        ("api/jobs?filter=failed", jobs(JobFilter::Failed, 100)),
        ("api/jobs?filter=running", jobs(JobFilter::Running, 100)),
        ("api/jobs/3", Request::Job(JobRequest { job: 3 })),
    ] {
        assert_eq!(get(&daemon, path).await, socket(&daemon, request).await, "{path}");
    }
    let (mut one, listed) = (get(&daemon, "api/runs/1").await, get(&daemon, "api/runs").await);
    for job in one["jobs"].as_array_mut().unwrap() {
        assert_ne!(job["attempts"], json!([]), "attempts come with one run, not with a list");
        job["attempts"] = json!([]);
    }
    assert_eq!(one, listed["runs"][0]);
}

#[tokio::test]
async fn a_list_is_read_page_by_page_along_its_links() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    let all = get(&daemon, "api/jobs?limit=10000").await;
    let all = all["jobs"].as_array().unwrap();
    let (mut read, mut path) = (Vec::new(), Some("api/jobs?filter=all&limit=4".to_owned()));
    while let Some(asked) = path {
        let answer = trusted(&daemon, "GET", &asked, &[], "").await;
        let page = answer.json();
        let jobs = page["jobs"].as_array().unwrap();
        assert!(jobs.len() <= 4, "{asked}");
        read.extend(jobs.clone());
        path = answer.header("link").map(|link| {
            let next = link.strip_prefix("</management/cache/").unwrap();
            next.strip_suffix(">; rel=\"next\"").unwrap().to_owned()
        });
        assert_eq!(path.is_none(), page["next"].is_null(), "{page}");
    }
    assert!(all.len() > 8, "several pages");
    assert_eq!(&read, all);
    let page = trusted(&daemon, "GET", "jobs?cursor=3", &[], "").await;
    assert!(page.body.contains("/jobs/2") && !page.body.contains("/jobs/3\""), "{}", page.body);
}

#[tokio::test]
async fn an_entry_is_served_with_its_age_and_a_known_one_is_a_304() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    home.clock.advance(std::time::Duration::from_mins(10));
    let path = "api/entries/organization_summary_cache?key=school_year%3D2526";
    let answer = trusted(&daemon, "GET", path, &[], "").await;
    assert_eq!(
        (answer.status, answer.header("x-cache-state"), answer.header("age")),
        (200, Some("fresh"), Some("600"))
    );
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    let key = vec![KeyPart { column: "school_year".into(), value: "2526".into() }];
    let request = Request::Get(GetRequest { table: Table::OrganizationSummaryCache, key });
    let Reply::Get(reply) = boot::ask(&daemon, request).await else { panic!("no entry") };
    assert_eq!(answer.json(), serde_json::to_value(EntryReport::from(&reply)).unwrap());

    let tag = answer.header("etag").unwrap().to_owned();
    home.clock.advance(std::time::Duration::from_mins(1));
    let known = trusted(&daemon, "GET", path, &[("If-None-Match", &tag)], "").await;
    assert_eq!((known.status, known.body.as_str(), known.header("etag")), (304, "", Some(tag.as_str())));

    // The scheduler must not refresh the entry in the meantime.
    trusted(&daemon, "POST", "scheduler/stop", &[], "").await;
    home.clock.advance(std::time::Duration::from_hours(24));
    let stale = trusted(&daemon, "GET", path, &[("If-None-Match", &tag)], "").await;
    assert_eq!((stale.status, stale.header("x-cache-state")), (200, Some("stale")));
    assert_eq!(stale.json()["state"], "stale");
}

#[tokio::test]
async fn a_request_for_a_missing_entry_queues_its_table() {
    let mut home = Home::lived_in().await;
    execute(&home, "DELETE FROM organization_summary_cache").await;
    home.set("watch", "enabled", "false");
    serve_web(&mut home);
    let daemon = home.boot().await;
    let path = "api/entries/organization_summary_cache?key=school_year%3D2526";
    let answer = trusted(&daemon, "GET", path, &[], "").await;
    assert_eq!((answer.status, &answer.json()["state"]), (404, &json!("missing")));
    let run = answer.json()["run"].as_str().unwrap().parse().unwrap();
    finished(&daemon, run).await;
    assert_eq!(get(&daemon, path).await["state"], "fresh");
}

#[tokio::test]
async fn a_visitor_who_may_only_view_queues_no_run_for_a_missing_entry() {
    let mut home = Home::lived_in().await;
    execute(&home, "DELETE FROM organization_summary_cache").await;
    home.set("watch", "enabled", "false");
    serve_pages(&mut home).await;
    let daemon = home.boot().await;
    trusted(&daemon, "POST", "scheduler/stop", &[], "").await;
    let runs = async || get(&daemon, "api/runs").await["runs"].as_array().unwrap().len();
    finished(&daemon, 1).await;
    let before = runs().await;
    let remembered = format!("vms_remember={}", remember_admin());
    let session = Ada::visits(&home, &daemon).cookie;
    let path = "/management/cache/api/entries/organization_summary_cache?key=school_year%3D2526";
    let own = ("Sec-Fetch-Site", "same-origin");
    for (method, cookie, site) in [
        ("GET", &remembered, own),
        ("GET", &remembered, ("Sec-Fetch-Site", "cross-site")),
        ("GET", &session, ("Sec-Fetch-Site", "cross-site")),
        ("GET", &session, ("Referer", "https://evil.example/")),
        ("HEAD", &session, own),
    ] {
        let answer = ask(&daemon, method, path, &[("Cookie", cookie.as_str()), site], "").await;
        assert_eq!(answer.status, 404, "{method} {site:?}: {answer:?}");
        assert!(
            method == "HEAD"
                || answer.json()["error"] == "this entry of organization_summary_cache is missing"
        );
        assert_eq!(runs().await, before, "{method} {cookie} {site:?}");
    }
    trusted(&daemon, "HEAD", path.trim_start_matches("/management/cache/"), &[], "").await;
    assert_eq!(runs().await, before);
    let meant = ask(&daemon, "GET", path, &[("Cookie", session.as_str()), own], "").await;
    assert_eq!(meant.status, 404);
    assert!(meant.json()["run"].is_string(), "{meant:?}");
    assert_eq!(runs().await, before + 1);
}

#[tokio::test]
async fn hostile_text_in_a_report_is_escaped_in_json() {
    let mut home = Home::new();
    let name = "<script>alert(1)</script> \"a\"\n\u{202e}b\u{2028}c";
    execute(&home, &format!("UPDATE organization SET name = '{name}' WHERE id = 35")).await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    finished(&daemon, 1).await;
    let path = "api/entries/organization_detail_cache?key=school_year%3D2526&key=organization_id%3D35";
    let answer = trusted(&daemon, "GET", path, &[], "").await;
    assert_eq!(answer.json()["columns"]["organization_name"], name);
    assert!(!answer.body.contains(['\u{202e}', '\u{2028}']), "{}", answer.body);
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn a_job_can_be_cancelled_and_retried_over_the_api() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    let locked = Locked::hold(&home).await;
    let body = r#"{"tables": ["district_year_end_reports"], "force": true}"#;
    assert_eq!(post(&daemon, "api/refresh", body).await.status, 202);
    let waiting = post(&daemon, "api/refresh", r#"{"cache_type": "volunteer", "force": true}"#).await;
    let run = &get(&daemon, &format!("api/runs/{}", waiting.json()["run"].as_str().unwrap())).await;
    let job = &run["jobs"][0]["id"];
    let cancelled = post(&daemon, &format!("api/jobs/{job}/cancel"), "").await;
    assert_eq!((cancelled.status, &cancelled.json()["cancelled"]), (200, &json!([job])));
    assert_eq!(cancelled.json()["success"], true);
    let again = post(&daemon, &format!("api/jobs/{job}/retry"), "").await;
    assert_eq!((again.status, &again.json()["success"]), (200, &json!(true)));
    let over = post(&daemon, &format!("api/jobs/{job}/cancel"), "").await;
    assert_eq!((over.status, &over.json()["success"]), (409, &json!(false)));
    locked.release().await;
    finished(&daemon, again.json()["runs"][0].as_i64().unwrap()).await;
}
