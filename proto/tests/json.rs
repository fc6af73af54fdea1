//! The same types as JSON, as `cachectl --json` prints them.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

#[path = "support/samples.rs"]
#[expect(dead_code, reason = "the samples of requests, faults and events have no JSON form to keep")]
mod samples;

use cached_proto::message::Reply;
use cached_proto::time::Timestamp;
use chrono::{DateTime, Utc};

#[test]
fn an_instant_is_rfc_3339_in_utc() {
    for (micros, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (1_772_956_800_000_000, "2026-03-08T08:00:00Z"),
        (1_772_956_800_250_000, "2026-03-08T08:00:00.250Z"),
        (1_772_956_800_000_001, "2026-03-08T08:00:00.000001Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
    ] {
        let json = serde_json::to_string(&Timestamp::from_micros(micros)).unwrap();
        assert_eq!(json, format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap().as_micros(), micros);
    }
}

#[test]
fn an_instant_may_be_given_in_another_zone() {
    let at: Timestamp = serde_json::from_str("\"2026-03-08T03:00:00-05:00\"").unwrap();
    assert_eq!(at.as_micros(), 1_772_956_800_000_000);
}

#[test]
fn an_instant_that_is_no_text_or_no_instant_is_refused() {
    for json in ["1772956800", "\"2026-03-08\"", "\"2026-13-08T08:00:00Z\"", "null"] {
        assert!(serde_json::from_str::<Timestamp>(json).is_err(), "{json}");
    }
}

#[test]
fn an_instant_out_of_range_is_the_nearest_one_in_range() {
    assert_eq!(Timestamp::from_micros(i64::MAX).to_utc(), DateTime::<Utc>::MAX_UTC);
    assert_eq!(Timestamp::from_micros(i64::MIN).to_utc(), DateTime::<Utc>::MIN_UTC);
}

#[test]
fn replies_keep_their_keys_and_words() {
    let json: Vec<_> = samples::replies().iter().map(bare).collect();
    insta::assert_snapshot!(json.join("\n"));
}

/// The reply as a script sees it: without the name of its variant.
fn bare(reply: &Reply) -> String {
    match reply {
        Reply::Pong(reply) => serde_json::to_string_pretty(reply),
        Reply::Status(reply) => serde_json::to_string_pretty(reply),
        Reply::Health(reply) => serde_json::to_string_pretty(reply),
        Reply::Refresh(reply) => serde_json::to_string_pretty(reply),
        Reply::Scheduler(reply) => serde_json::to_string_pretty(reply),
        Reply::Next(reply) => serde_json::to_string_pretty(reply),
        Reply::Jobs(reply) => serde_json::to_string_pretty(reply),
        Reply::History(reply) => serde_json::to_string_pretty(reply),
        Reply::Notify(reply) => serde_json::to_string_pretty(reply),
        Reply::Job(reply) => serde_json::to_string_pretty(reply),
        Reply::Cancel(reply) => serde_json::to_string_pretty(reply),
        Reply::Retry(reply) => serde_json::to_string_pretty(reply),
        Reply::Report(reply) => serde_json::to_string_pretty(reply),
        Reply::Get(reply) => serde_json::to_string_pretty(reply),
        Reply::Invalidate(reply) => serde_json::to_string_pretty(reply),
        Reply::Rehearse(reply) => serde_json::to_string_pretty(reply),
        Reply::Maintenance(reply) => serde_json::to_string_pretty(reply),
        Reply::Reload(reply) => serde_json::to_string_pretty(reply),
        Reply::Logs(reply) => serde_json::to_string_pretty(reply),
        Reply::JobsPage(reply) => serde_json::to_string_pretty(reply),
        Reply::HistoryPage(reply) => serde_json::to_string_pretty(reply),
        Reply::Backup(reply) => serde_json::to_string_pretty(reply),
    }
    .unwrap()
}
