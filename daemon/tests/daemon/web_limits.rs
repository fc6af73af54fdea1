//! A client can exhaust its own connection only; and how the web side starts and stops.

use std::time::Duration;

use cached_proto::verb::refresh::Progress;
use serde_json::json;
use tokio::net::TcpStream;

use crate::boot::{Home, TIMEOUT, finished, reason, served, until, within};
use crate::queue::Locked;
use crate::web_client::{BROWSER, Line, address, ask, authorization, request, serve_web, trusted};

const STATUS: &str = "/management/cache/api/status";

/// A timeout short enough to wait for, and long enough for a client that is merely slow on a busy machine.
const SOON: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_slow_client_loses_its_connection_and_delays_no_other() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    (home.web.head, home.web.body) = (SOON, SOON);
    let daemon = home.boot().await;
    let mut silent = Line::open(&daemon).await;
    let mut head = Line::open(&daemon).await;
    head.say("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ").await;
    let mut body = Line::open(&daemon).await;
    body.say("POST /management/cache/api/refresh HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{")
        .await;
    assert_eq!(ask(&daemon, "GET", "/health", &[], "").await.status, 200);
    assert_eq!(silent.hear().await, "");
    // Hyper may answer with an error.
    let shown = head.hear().await;
    assert!(shown.is_empty() || shown.starts_with("HTTP/1.1 408 "), "{shown}");
    assert!(body.hear().await.starts_with("HTTP/1.1 408 "));
    assert_eq!(ask(&daemon, "GET", "/health", &[], "").await.status, 200);
}

#[tokio::test]
async fn a_connection_beyond_the_limit_is_answered_with_503() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    (home.web.connections, home.web.spare) = (1, 0);
    let daemon = home.boot().await;
    let mut first = Line::open(&daemon).await;
    first.say("GET /health HTTP/1.1\r\n").await;
    let full = Line::open(&daemon).await.answer().await;
    assert_eq!((full.status, full.header("retry-after")), (503, Some("5")));
    first.say("Host: 127.0.0.1\r\nConnection: close\r\n\r\n").await;
    let served = first.answer().await;
    assert_eq!(served.status, 200);
    // What protects a page protects the refusal as well.
    let what_a_response_is_about = ["content-type", "content-length", "date"];
    for (name, value) in served.headers().filter(|(name, _)| !what_a_response_is_about.contains(name)) {
        assert_eq!(full.header(name), Some(value), "{name}");
    }
    assert!(full.header("content-security-policy").is_some(), "{full:?}");
    // Its slot is free as soon as the daemon has detected the end of the connection.
    let freed = async { while ask(&daemon, "GET", "/health", &[], "").await.status != 200 {} };
    within("the slot is free", freed).await;
}

#[tokio::test]
async fn beyond_its_share_a_client_gets_probes_and_a_503_with_a_retry_time() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    home.web.each = 2;
    let daemon = home.boot().await;
    let (first, _second) = (Line::open(&daemon).await, Line::open(&daemon).await);
    for probe in ["/health", "/ready"] {
        assert_eq!(ask(&daemon, "GET", probe, &[], "").await.status, 200, "{probe}");
    }
    assert_eq!(ask(&daemon, "GET", "/metrics", &[("Authorization", &authorization())], "").await.status, 200);
    let full = ask(&daemon, "GET", STATUS, &[("Authorization", &authorization())], "").await;
    assert_eq!((full.status, full.json()["code"].as_str()), (503, Some("busy")), "{full:?}");
    let later: u64 = full.header("retry-after").unwrap().parse().unwrap();
    assert!(later > 0);
    let page = ask(&daemon, "GET", "/management/cache/status", &[BROWSER], "").await;
    assert_eq!((page.status, page.header("retry-after")), (503, full.header("retry-after")));
    // A second request on a spare connection would keep it from others.
    let mut spare = Line::open(&daemon).await;
    spare.say(&request("GET", "/health", &[], "").replace("Connection: close\r\n", "")).await;
    assert_eq!(spare.answer().await.status, 200);
    drop(first);
    let freed = async {
        while ask(&daemon, "GET", STATUS, &[("Authorization", &authorization())], "").await.status != 200 {}
    };
    within("the share has room", freed).await;
}

#[tokio::test]
async fn a_body_that_is_too_long_is_not_read() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    let head = |length: &str| {
        format!(
            "POST /management/cache/api/refresh HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
             Authorization: {}\r\n{length}\r\n\r\n",
            authorization()
        )
    };
    let mut announced = Line::open(&daemon).await;
    announced.say(&head("Content-Length: 999999999999")).await;
    assert_eq!(announced.answer().await.status, 413);
    let mut chunked = Line::open(&daemon).await;
    chunked.say(&head("Transfer-Encoding: chunked")).await;
    chunked.say(&format!("11000\r\n{}\r\n", "x".repeat(0x11000))).await;
    assert_eq!(chunked.answer().await.status, 413);
}

#[tokio::test]
async fn malformed_requests_are_refused() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    for nonsense in [
        "\r\n\r\n\0\u{1}\u{2}\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(200_000)),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
    ] {
        let mut line = Line::open(&daemon).await;
        line.say(&nonsense).await;
        let shown = line.hear().await;
        assert!(!shown.contains(" 200 "), "{shown}");
    }
    assert_eq!(ask(&daemon, "GET", STATUS, &[("Host", "")], "").await.status, 421);
    let nameless = async |path| {
        let mut line = Line::open(&daemon).await;
        line.say(&format!("GET {path} HTTP/1.0\r\n\r\n")).await;
        line.answer().await.status
    };
    assert_eq!(nameless(STATUS).await, 400);
    // Health probes of load balancers need no host name.
    for probe in ["/health", "/ready"] {
        assert_ne!(nameless(probe).await, 400, "{probe}");
        assert_ne!(ask(&daemon, "GET", probe, &[("Host", "10.0.0.7")], "").await.status, 421, "{probe}");
    }
    assert_eq!(ask(&daemon, "GET", "/health", &[], "").await.status, 200);
}

/// Hyper answers these itself, and no header can be added: so there must be nothing to protect.
#[tokio::test]
async fn an_unreadable_request_gets_a_status_and_an_empty_body() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    for (unreadable, status) in [
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), 400),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(65_600)), 414),
        (format!("GET / HTTP/1.1\r\nX-Long: {}\r\n\r\n", "x".repeat(200_000)), 431),
    ] {
        let mut line = Line::open(&daemon).await;
        line.say(&unreadable).await;
        let shown = line.answer().await;
        assert_eq!(
            (shown.status, shown.header("content-length"), shown.body.as_str()),
            (status, Some("0"), "")
        );
        assert_eq!(shown.header("content-type"), None);
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    for path in ["api/tables", "api/entries/organization_summary_cache?key=school_year%3D2526", "api/runs/77"]
    {
        let got = trusted(&daemon, "GET", path, &[], "").await;
        let head = trusted(&daemon, "HEAD", path, &[], "").await;
        assert_eq!((head.status, head.body.as_str()), (got.status, ""));
        assert_eq!(head.header("content-length"), got.header("content-length"), "{path}");
        assert_eq!(head.header("etag"), got.header("etag"));
    }
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    let mut line = Line::open(&daemon).await;
    let kept = request("GET", "/health", &[], "").replace("Connection: close\r\n", "");
    line.say(&(kept.clone() + &kept + &request("GET", "/health", &[], ""))).await;
    assert_eq!(line.hear().await.matches("HTTP/1.1 200 ").count(), 3);
}

#[tokio::test]
async fn a_stop_finishes_current_requests_and_accepts_no_new_ones() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    let locked = Locked::hold(&home).await;
    let address = address(&daemon);
    let mut idle = Line::open(&daemon).await;
    let token = authorization();
    let waiting = |body| {
        let headers = [("Authorization", token.as_str()), ("Content-Type", "application/json")];
        request("POST", "/management/cache/api/refresh?wait=1", &headers, body)
    };
    let mut working = Line::open(&daemon).await;
    working.say(&waiting(r#"{"tables": ["district_year_end_reports"], "force": true}"#)).await;
    let run = crate::boot::working(&daemon).await.id;
    let (_, mut events) = daemon.queue().subscribe(run).await.unwrap();
    let mut behind = Line::open(&daemon).await;
    behind.say(&waiting(r#"{"cache_type": "volunteer", "force": true}"#)).await;
    within("the second run is queued", async {
        while daemon.queue().queued_count().await.unwrap() < 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let stop = tokio::spawn(daemon.stop());
    within("no connection is accepted any more", async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(idle.hear().await, "");
    locked.release().await;
    let ended = tokio::time::timeout(TIMEOUT, async {
        while !matches!(
            within("the next event", events.next()).await.unwrap(),
            Some(Progress::RunDone(_)) | None
        ) {}
    });
    ended.await.unwrap();
    stop.await.unwrap().unwrap();
    let shown = behind.answer().await;
    assert_eq!((shown.status, &shown.json()["code"]), (503, &json!("unavailable")), "{shown:?}");
    let shown = working.answer().await;
    assert!(matches!(shown.status, 200 | 503), "{shown:?}");
}

#[tokio::test]
async fn a_taken_port_is_a_reason_of_health_and_is_used_once_free() {
    let mut home = Home::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    home.set("http", "listen", &address);
    let daemon = home.boot().await;
    assert_eq!(daemon.http(), None);
    assert!(finished(&daemon, 1).await.outcome.unwrap().is_good(), "refreshes need no page");
    let message = reason(&daemon, "component_failed").await.unwrap().message;
    for part in ["web: ", "http.listen", &address, "another program"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    // Still taken at the next attempts.
    for _ in 0..10 {
        home.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    assert_eq!(daemon.http(), None);
    drop(taken);
    until("the page is served", || {
        home.clock.advance(Duration::from_secs(1));
        daemon.http().is_some()
    })
    .await;
    assert_eq!(ask(&daemon, "GET", "/health", &[], "").await.status, 200);
    assert_eq!(reason(&daemon, "component_failed").await, None);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn without_an_address_nothing_is_served() {
    let home = Home::new();
    let daemon = home.boot().await;
    assert_eq!(daemon.http(), None);
    served(&daemon).await;
    daemon.stop().await.unwrap();
}
