//! The pages without JavaScript: their content, and their forms.

use cached::daemon::Daemon;
use cached_proto::message::Request;
use serde_json::json;

use crate::boot::{self, Home, execute, finished};
use crate::queue::Locked;
use crate::session::{ADMIN, KEY, remember_admin, session_of_admin};
use crate::web_client::{Answer, BROWSER, Line, address, ask, get, request, serve_web};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// Every page.
const PAGES: [&str; 7] =
    ["status", "refresh", "jobs", "jobs?filter=failed", "jobs?filter=running", "jobs/1", "runs/1"];

/// Gives the daemons of this home VMS's key and an administrator account.
pub(crate) async fn serve_pages(home: &mut Home) {
    use std::os::unix::fs::PermissionsExt as _;
    serve_web(home);
    let key = home.path("key");
    std::fs::write(&key, KEY).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    home.set("http", "secret_key_file", &key.to_string_lossy());
    execute(home, ADMIN).await;
}

/// The administrator's browser.
pub(crate) struct Ada<'a> {
    daemon: &'a Daemon,
    pub(crate) cookie: String,
}

impl<'a> Ada<'a> {
    pub(crate) fn visits(home: &Home, daemon: &'a Daemon) -> Self {
        use cached::clock::Clock as _;
        let cookie = format!("vms_session={}", session_of_admin(home.clock.now().timestamp()));
        Self { daemon, cookie }
    }

    pub(crate) async fn opens(&self, path: &str) -> Answer {
        let headers = [BROWSER, ("Cookie", self.cookie.as_str())];
        ask(self.daemon, "GET", &format!("/management/cache/{path}"), &headers, "").await
    }

    /// Sends a form without a header that names the page it comes from: the form's token must suffice.
    pub(crate) async fn sends(&self, path: &str, fields: &str) -> Answer {
        let headers = [BROWSER, FORM, ("Cookie", self.cookie.as_str())];
        ask(self.daemon, "POST", &format!("/management/cache/{path}"), &headers, fields).await
    }

    /// Returns the token of a page's forms.
    pub(crate) async fn token(&self) -> String {
        let page = self.opens("refresh").await.body;
        let (_, rest) = page.split_once("name=\"csrf_token\" value=\"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }

    /// Sends a form with its token, and opens the page that it redirects to.
    pub(crate) async fn submits(&self, path: &str, fields: &str) -> (String, Answer) {
        let sent = self.sends(path, &format!("csrf_token={}&{fields}", self.token().await)).await;
        assert_eq!(sent.status, 303, "{path} {fields}: {sent:?}");
        let to = sent.header("location").unwrap().strip_prefix("/management/cache/").unwrap().to_owned();
        let page = self.opens(&to).await;
        assert_eq!(page.status, 200, "{to}: {page:?}");
        (to, page)
    }
}

/// Returns whether every opened element is closed, in order.
pub(crate) fn is_well_formed(page: &str) -> bool {
    const EMPTY: [&str; 5] = ["meta", "link", "input", "br", "!DOCTYPE"];
    let mut open = Vec::new();
    for tag in page.split('<').skip(1) {
        let Some((tag, _)) = tag.split_once('>') else { return false };
        let name = tag.split_whitespace().next().unwrap_or_default();
        match name.strip_prefix('/') {
            Some(name) if open.pop() != Some(name) => return false,
            Some(_) => {}
            None if tag.ends_with('/') || EMPTY.contains(&name) => {}
            None => open.push(name),
        }
    }
    open.is_empty()
}

#[test]
fn the_check_for_well_formed_pages_finds_unclosed_elements() {
    for (page, well) in
        [("<p>a<br></p>", true), ("<p><b></p></b>", false), ("<p>", false), ("</p>", false), ("<p", false)]
    {
        assert_eq!(is_well_formed(page), well, "{page}");
    }
}

#[tokio::test]
async fn every_page_is_well_formed_and_has_no_inline_style_or_script() {
    let mut home = Home::lived_in().await;
    serve_pages(&mut home).await;
    let daemon = home.boot().await;
    let ada = Ada::visits(&home, &daemon);
    for path in PAGES {
        let page = ada.opens(path).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, Some("text/html; charset=utf-8")),
            "{path}"
        );
        assert!(is_well_formed(&page.body), "{path}: {}", page.body);
        assert!(page.body.contains("Signed in as ada"), "{path}: {}", page.body);
        for inline in ["style=", "<style", "onclick", "http://", "https://"] {
            assert!(!page.body.contains(inline), "{path} holds {inline}: {}", page.body);
        }
    }
    let front = ask(&daemon, "GET", "/management/cache", &[BROWSER], "").await;
    assert_eq!(front.header("location"), Some("/management/cache/status"));
}

#[tokio::test]
async fn the_scheduler_is_stopped_and_started_by_forms() {
    let mut home = Home::lived_in().await;
    serve_pages(&mut home).await;
    let daemon = home.boot().await;
    let ada = Ada::visits(&home, &daemon);
    for (button, notice, state) in [
        ("stop", "The scheduler is stopped.", "<span class=\"state warn\">stopped</span>"),
        ("start", "The scheduler is started.", "<span class=\"state good\">running</span>"),
    ] {
        let (_, page) = ada.submits(&format!("scheduler/{button}"), "").await;
        assert!(page.body.contains(notice) && page.body.contains(state), "{}", page.body);
    }
    // A link must not make the page show a false notice.
    let lie = ada.opens("status?notice=stopped").await;
    assert!(lie.status == 200 && !lie.body.contains("The scheduler is stopped."), "{lie:?}");
    assert_eq!(ada.opens("status?notice=%3Cb%3E").await.status, 200);
}

#[tokio::test]
async fn a_form_refreshes_the_chosen_types_and_shows_the_progress() {
    let mut home = Home::lived_in().await;
    serve_pages(&mut home).await;
    let daemon = home.boot().await;
    let ada = Ada::visits(&home, &daemon);
    let locked = Locked::hold(&home).await;
    let (to, page) = ada.submits("refresh", "cache_type=recruitment&cache_type=volunteer&force=1").await;
    assert_eq!(to, "runs/2?notice=queued");
    assert!(page.body.contains("<progress max=\"4\" value=\"0\""), "{}", page.body);
    let status = ada.opens("status").await;
    assert!(status.body.contains("; run 2 is in progress</h1>"), "{}", status.body);
    locked.release().await;
    let run = finished(&daemon, 2).await;
    assert_eq!(run.jobs.len(), 4);
    let page = ada.opens("runs/2").await;
    assert!(page.body.contains("<h1>Run 2 ended well: 4 tables</h1>"), "{}", page.body);
    // As in VMS, a missing type means everything.
    let (to, _) = ada.submits("refresh", "").await;
    assert_eq!(
        get(&daemon, &format!("api/{}", to.split('?').next().unwrap())).await["jobs"]
            .as_array()
            .unwrap()
            .len(),
        11
    );
}

#[tokio::test]
async fn a_run_with_nothing_to_do_says_so_and_offers_a_forced_refresh() {
    let mut home = Home::lived_in().await;
    serve_pages(&mut home).await;
    let daemon = home.boot().await;
    let ada = Ada::visits(&home, &daemon);
    ada.submits("refresh", "cache_type=organization").await;
    finished(&daemon, 2).await;
    let page = ada.opens("runs/2").await.body;
    let shown = "<h1>Run 2 had nothing to do: every entry is younger than 20 hours</h1>";
    assert!(page.contains(shown) && is_well_formed(&page), "{page}");
    for (field, value) in [("cache_type", "organization"), ("force", "1")] {
        let field = format!("<input type=\"hidden\" name=\"{field}\" value=\"{value}\">");
        assert_eq!(page.matches(&field).count(), 1, "{field}: {page}");
    }
    ada.submits("refresh", "cache_type=organization&force=1").await;
    let run = finished(&daemon, 3).await;
    assert!(run.jobs.iter().all(|job| job.figures.skipped == 0), "{run:?}");
    let page = ada.opens("runs/3").await.body;
    assert!(page.contains("<h1>Run 3 ended well: ") && !page.contains("name=\"force\""), "{page}");
}

#[tokio::test]
async fn an_unknown_type_or_field_is_reported_on_the_form() {
    let mut home = Home::lived_in().await;
    serve_pages(&mut home).await;
    let daemon = home.boot().await;
    let ada = Ada::visits(&home, &daemon);
    for (fields, shown) in [
        ("cache_type=districts", "Unknown cache type: districts; use all, district"),
        ("cache_type=district&forse=1", "Unknown field: forse"),
        ("cache_type=district&force=perhaps", "force is either 0 or 1"),
        ("cache_type=%3Cb%3E%E2%80%AE", "Unknown cache type: &#60;b&#62;\\u{202e}"),
    ] {
        let page = ada.sends("refresh", &format!("csrf_token={}&{fields}", ada.token().await)).await;
        assert_eq!(page.status, 400, "{fields}: {page:?}");
        assert!(page.body.contains(shown) && is_well_formed(&page.body), "{fields}: {}", page.body);
    }
    assert_eq!(daemon.queue().queued_count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_form_of_another_site_does_nothing() {
    let mut home = Home::lived_in().await;
    serve_pages(&mut home).await;
    let daemon = home.boot().await;
    let ada = Ada::visits(&home, &daemon);
    for path in
        ["refresh", "scheduler/stop", "runs/1/retry", "runs/1/cancel", "jobs/1/retry", "jobs/1/cancel"]
    {
        for fields in ["", "csrf_token=", "csrf_token=9999999999.AAAA", "cache_type=all"] {
            let page = ada.sends(path, fields).await;
            assert_eq!(page.status, 403, "{path} {fields}: {page:?}");
            assert!(page.body.contains("<h1>Forbidden</h1>") && is_well_formed(&page.body), "{}", page.body);
        }
    }
    assert_eq!(get(&daemon, "api/status").await["data"]["is_running"], true);
    assert_eq!(get(&daemon, "api/runs").await["runs"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_error_is_shown_to_a_browser_as_a_page() {
    let mut home = Home::lived_in().await;
    serve_pages(&mut home).await;
    let daemon = home.boot().await;
    let ada = Ada::visits(&home, &daemon);
    for (path, status) in [
        ("nothing", 404),
        ("runs/77", 404),
        ("runs/x", 404),
        ("jobs/77", 404),
        ("jobs?filter=%3Cscript%3E", 400),
        ("assets/other.css", 404),
        ("runs/1/cancel", 405),
    ] {
        let page = ada.opens(path).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (status, Some("text/html; charset=utf-8")),
            "{path}"
        );
        assert!(is_well_formed(&page.body) && !page.body.contains("<script>"), "{path}: {}", page.body);
    }
    let headers = [("Accept", "application/json"), ("Cookie", ada.cookie.as_str())];
    let script = ask(&daemon, "GET", "/management/cache/runs/77", &headers, "").await;
    assert_eq!(script.json()["code"], json!("not_found"));
}

#[tokio::test]
async fn a_visitor_who_may_only_view_sees_no_buttons() {
    let mut home = Home::lived_in().await;
    home.set("http", "listen", "127.0.0.1:0");
    home.set("http", "open_viewing", "true");
    let daemon = home.boot().await;
    for path in PAGES {
        let page = ask(&daemon, "GET", &format!("/management/cache/{path}"), &[BROWSER], "").await;
        assert_eq!(page.status, 200, "{path}: {page:?}");
        assert!(page.body.contains("Viewing without signing in"), "{path}: {}", page.body);
        assert!(!page.body.contains("<form") && !page.body.contains("<button"), "{path}: {}", page.body);
    }
    // nginx with nothing but a `proxy_pass` sends this machine as host, adds no header, and uses HTTP/1.0.
    let mut proxied = Line::open(&daemon).await;
    let asked = "GET /management/cache/status HTTP/1.0\r\nHost: 127.0.0.1:8321\r\nConnection: close\r\n\r\n";
    proxied.say(asked).await;
    assert_eq!(proxied.answer().await.status, 401);
}

#[tokio::test]
async fn a_remembered_visitor_is_asked_to_log_in_again() {
    let mut home = Home::lived_in().await;
    serve_pages(&mut home).await;
    let daemon = home.boot().await;
    let cookie = format!("vms_remember={}", remember_admin());
    let headers = [BROWSER, ("Cookie", cookie.as_str())];
    for path in PAGES {
        let page = ask(&daemon, "GET", &format!("/management/cache/{path}"), &headers, "").await.body;
        assert!(
            page.contains("Remembered as ada") && page.contains("log in again to change anything"),
            "{page}"
        );
        assert_eq!(page.matches("<button").count(), page.matches(" disabled>").count(), "{path}: {page}");
    }
    let headers = [BROWSER, FORM, ("Cookie", cookie.as_str())];
    let sent = ask(&daemon, "POST", "/management/cache/scheduler/stop", &headers, "").await;
    assert_eq!(sent.status, 403, "{sent:?}");
}

#[tokio::test]
async fn style_and_script_are_cacheable_under_a_versioned_url() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    for (file, kind) in
        [("style.css", "text/css; charset=utf-8"), ("live.js", "text/javascript; charset=utf-8")]
    {
        let path = format!("/management/cache/assets/{file}");
        let answer = ask(&daemon, "GET", &path, &[], "").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"));
        let tag = answer.header("etag").unwrap();
        let known = ask(&daemon, "GET", &path, &[("If-None-Match", tag)], "").await;
        assert_eq!((known.status, known.body.as_str()), (304, ""));
    }
}

#[tokio::test]
async fn events_begin_with_a_snapshot_and_end_with_the_daemon() {
    let mut home = Home::lived_in().await;
    serve_pages(&mut home).await;
    home.web.followers = 1;
    let daemon = home.boot().await;
    let ada = Ada::visits(&home, &daemon);
    let events = "/management/cache/api/events";
    let headers = [("Accept", "text/event-stream"), ("Cookie", ada.cookie.as_str())];
    let mut line = Line::open(&daemon).await;
    line.say(&request("GET", events, &headers, "")).await;
    let mut shown = line.hear_until("event: snapshot").await;
    assert!(shown.contains("content-type: text/event-stream"), "{shown}");
    let one_too_many = ask(&daemon, "GET", events, &headers, "").await;
    assert_eq!((one_too_many.status, &one_too_many.json()["code"]), (503, &json!("unavailable")));
    ada.submits("refresh", "cache_type=district&force=1").await;
    shown += &line.hear_until("event: run_done").await;
    // The state is shown regardless of the user or interface that changed it.
    boot::ask(&daemon, Request::StopScheduler).await;
    shown += &line.hear_until("{\"scheduler\":\"stopped\"}").await;
    assert!(shown.contains("event: scheduler"), "{shown}");
    let page = ada.opens("status").await.body;
    assert!(page.contains("the scheduler is stopped"), "{page}");
    for event in ["event: job_started", "event: job_done", "\"outcome\":\"verified\""] {
        assert!(shown.contains(event), "{event}: {shown}");
    }
    let at = address(&daemon);
    daemon.stop().await.unwrap();
    line.hear().await;
    assert!(tokio::net::TcpStream::connect(at).await.is_err());
}
