//! VMS itself responds badly, late or not at all.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use cached::clock::ManualClock;
use cached_proto::words::HealthLevel;

use super::tamed::Tamed;

/// Longer than a response is cached.
const LATER: Duration = Duration::from_secs(11);

/// One thread that answers every request the same way, until the process ends.
struct Vms {
    address: String,
    status: AtomicU16,
    asked: AtomicU32,
    /// Time that the clock is advanced before a response.
    delay: Mutex<Option<(Arc<ManualClock>, Duration)>>,
    request: Mutex<String>,
}

impl Vms {
    fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let vms = Arc::new(Self {
            address: listener.local_addr().unwrap().to_string(),
            status: AtomicU16::new(200),
            asked: AtomicU32::new(0),
            delay: Mutex::default(),
            request: Mutex::default(),
        });
        let server = Arc::clone(&vms);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 2048];
                let length = stream.read(&mut request).unwrap();
                *server.request.lock().unwrap() = String::from_utf8_lossy(&request[..length]).into_owned();
                server.asked.fetch_add(1, Ordering::SeqCst);
                if let Some((clock, delay)) = server.delay.lock().unwrap().take() {
                    clock.advance(delay);
                }
                let status = server.status.load(Ordering::SeqCst);
                // The announced body is longer than what is sent of it, so that the client waits for the rest
                // in vain.
                let head = format!(
                    "HTTP/1.1 {status} So\r\nLocation: http://{}/elsewhere\r\nContent-Length: 9\r\n\r\n{{}}",
                    server.address
                );
                let _ = stream.write_all(head.as_bytes());
            }
        });
        vms
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_vms_is_requested_only_when_the_last_answer_has_expired() {
    let vms = Vms::start();
    let url = format!("\"http://me:hunter2@{}/health?token=hunter2\"", vms.address);
    let settings = [("watch", "enabled", "false"), ("vms", "probe_url", url.as_str())];
    let tamed = Tamed::start("2026-03-10T17:00:00Z", &settings, None).await;

    let health = tamed.health().await;
    assert_eq!(health.health, HealthLevel::Healthy, "{health:?}");
    let page = health.vms_page.unwrap();
    assert_eq!((page.status, page.milliseconds, page.error), (Some(200), 0, None));
    assert!(page.url.contains(&vms.address) && !page.url.contains("hunter2"), "{}", page.url);
    assert!(vms.request.lock().unwrap().starts_with("GET /health?token=hunter2 HTTP/1.1\r\n"));
    for _ in 0..10 {
        tamed.health().await;
    }
    assert_eq!(vms.asked(), 1, "VMS is not asked each time");

    for (status, healthy) in [(302, true), (404, false), (500, false), (200, true)] {
        vms.status.store(status, Ordering::SeqCst);
        tamed.clock.advance(LATER);
        let (asked, reason) = (vms.asked(), tamed.reason("vms_page_failed").await);
        assert_eq!(vms.asked(), asked + 1, "redirects are not followed");
        assert_eq!(reason.is_none(), healthy, "{status}");
        if let Some(reason) = reason {
            assert!(
                reason.message.contains(&format!("answered with status {status} after 0 ms")),
                "{reason:?}"
            );
            assert!(
                reason.message.contains(&vms.address) && !reason.message.contains("hunter2"),
                "{reason:?}"
            );
            assert!(reason.hint.contains("vms.probe_url"), "{reason:?}");
        }
    }

    tamed.clock.advance(LATER);
    *vms.delay.lock().unwrap() = Some((Arc::clone(&tamed.clock), Duration::from_millis(2500)));
    let reason = tamed.reason("vms_page_slow").await.unwrap();
    assert!(reason.message.contains("took 2500 ms"), "{reason:?}");
    tamed.clock.advance(LATER);
    assert_eq!(tamed.health().await.health, HealthLevel::Healthy);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection_to_vms_is_reported_with_its_cause() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let url = format!("http://{nobody}/health");
    let quoted = format!("\"{url}\"");
    let settings = [("watch", "enabled", "false"), ("vms", "probe_url", quoted.as_str())];
    let tamed = Tamed::start("2026-03-10T17:00:00Z", &settings, None).await;
    let reason = tamed.reason("vms_page_failed").await.unwrap();
    assert!(reason.message.contains(&format!("{url} did not answer: Connection refused")), "{reason:?}");
    let page = tamed.health().await.vms_page.unwrap();
    assert_eq!(page.status, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_vms_is_reported_after_the_timeout() {
    // Connections are accepted by the system, and no process ever responds.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("\"http://{}/\"", silent.local_addr().unwrap());
    let settings = [
        ("watch", "enabled", "false"),
        ("vms", "probe_url", url.as_str()),
        ("vms", "probe_timeout", "\"100ms\""),
    ];
    let tamed = Tamed::start("2026-03-10T17:00:00Z", &settings, None).await;
    let reason = tamed.reason("vms_page_failed").await.unwrap();
    assert!(reason.message.contains("no answer within 100ms"), "{reason:?}");
}
