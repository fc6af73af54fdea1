//! The request of each format, as a server receives it.

use std::fmt::Write as _;
use std::path::Path;

use cached_proto::verb::health::{HealthReply, Reason};
use cached_proto::words::HealthLevel::{Degraded, Healthy, Unhealthy};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Answer, Receiver, config, machine};
use crate::clock::ManualClock;
use crate::notify::Morning;
use crate::notify::channel::Channel;
use crate::notify::notice::Notice;

pub(super) fn at() -> DateTime<Utc> {
    "2026-03-10T13:00:00Z".parse().unwrap()
}

fn reason(code: &str, message: &str, hint: &str) -> Reason {
    Reason { code: code.to_owned(), level: Degraded, message: message.to_owned(), hint: hint.to_owned() }
}

fn health(level: cached_proto::words::HealthLevel, reasons: Vec<Reason>) -> HealthReply {
    HealthReply { health: level, reasons, vms_page: None }
}

/// One notice of each kind. The texts contain what services take for markup.
pub(super) fn kinds() -> Vec<(&'static str, Notice)> {
    let hostile = "<!channel> @everyone *bold* ~no~ [a](b) caf\u{e9} & \\ a_b_c > x\u{202e}";
    let bad = || {
        let stale = "3 entries of dia_events_report_cache are stale";
        vec![reason("entries_stale", stale, "run `cachectl refresh`"), reason("last_run_failed", hostile, "")]
    };
    let night = |summary: &str, detail: &str, health| Morning {
        summary: summary.to_owned(),
        details: vec![detail.to_owned()],
        health,
    };
    let good = night(
        "All 9 tables are fresh; next refresh Wed 11 Mar 02:00 CDT",
        "Run 12 (schedule, Tue 10 Mar 02:00 CDT) mixed in 4.56 s: 9 tables, 12 entries rebuilt, 3405 kept",
        health(Healthy, Vec::new()),
    );
    let stale = night(
        "1 of 9 tables is stale: dia_events_report_cache; next refresh Wed 11 Mar 02:00 CDT",
        "Run 12 (schedule, Tue 10 Mar 02:00 CDT) failed in 4.56 s: 9 tables, 12 entries rebuilt, 3405 kept; \
         1 table not refreshed",
        health(Degraded, bad()),
    );
    let late = Some("This message was due Tue 10 Mar 08:00 CDT");
    vec![
        ("problem", Notice::change(Healthy, &health(Unhealthy, bad()), "vps1", at())),
        ("recovery", Notice::change(Unhealthy, &health(Healthy, Vec::new()), "vps1", at())),
        ("test", Notice::test("caf\u{e9}", at())),
        ("good morning", Notice::morning(&good, None, "vps1", at())),
        ("bad morning", Notice::morning(&stale, late, "vps1", at())),
    ]
}

/// Sends a notice to a server and returns the request: its line, the headers that matter, and its body.
async fn request(format: &str, notice: &Notice) -> (String, String) {
    let mut receiver = Receiver::always(Answer::Status(200)).await;
    let config = config(&[("webhook", &*receiver.url("/hook/T0")), ("format", format)]);
    let clock = ManualClock::new(at());
    Channel::Webhook.send(&config.notify, notice, &machine(Path::new("/nowhere")), &clock).await.unwrap();
    let request = receiver.next().await;
    let matters = |line: &&String| {
        let name = line.split(':').next().unwrap().to_lowercase();
        ["content-type", "title", "priority", "tags"].contains(&name.as_str())
    };
    let mut text = format!("{}\n", request.line);
    for line in request.sent.iter().skip(1).filter(matters) {
        writeln!(text, "{line}").unwrap();
    }
    let body = match serde_json::from_str::<Value>(&request.body) {
        Ok(json) if format != "json" => serde_json::to_string_pretty(&json).unwrap(),
        _ => request.body,
    };
    writeln!(text, "\n{body}").unwrap();
    (text.replace(env!("CARGO_PKG_VERSION"), "VERSION"), body)
}

#[tokio::test]
async fn each_format_sends_each_kind_of_notice_as_recorded() {
    for format in ["json", "slack", "discord", "teams", "ntfy"] {
        let mut page = String::new();
        for (kind, notice) in kinds() {
            writeln!(page, "== {kind}\n{}", request(format, &notice).await.0).unwrap();
        }
        insta::assert_snapshot!(format!("requests_{format}"), page);
    }
}

#[tokio::test]
async fn a_notice_of_any_length_is_cut_to_what_the_service_takes() {
    let reasons = (0..40).map(|_| reason("entries_stale", &"_\u{20ac}<".repeat(300), "do it")).collect();
    let notice = Notice::change(Healthy, &health(Unhealthy, reasons), "vps1", at());
    for (format, limit, part) in
        [("slack", 4000, "/text"), ("discord", 2000, "/content"), ("teams", 24_000, ""), ("ntfy", 4000, "")]
    {
        let (_, body) = request(format, &notice).await;
        let text = match serde_json::from_str::<Value>(&body) {
            Ok(json) if !part.is_empty() => json.pointer(part).unwrap().as_str().unwrap().to_owned(),
            _ => body,
        };
        assert!(text.len() <= limit && text.len() > limit / 2, "{format}: {}", text.len());
        assert!(text.contains('…'), "{format}: {text}");
    }
}
