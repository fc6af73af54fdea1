//! Times as VMS stores them, and as scripts send them.

use cached::vms::time::{is_date, iso, parse, to_text};
use cached_proto::time::Timestamp;
use chrono::Timelike as _;

/// A time that is read is the one that is written again, in each of its forms.
pub(super) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(at) = parse(&text) {
        let micros = at.with_nanosecond(at.nanosecond() / 1000 * 1000).unwrap();
        assert_eq!(parse(&to_text(at)), Some(micros), "{text:?} is written as {:?}", to_text(at));
        assert_eq!(parse(&iso(at)), Some(micros), "{text:?} is written as {:?}", iso(at));
        if to_text(at).len() == text.len() && to_text(at).starts_with(&text[..10]) {
            assert!(is_date(&text[..10]), "{text:?} has a date");
        }
    }
    let json = serde_json::to_string(&text).unwrap();
    if let Ok(at) = serde_json::from_str::<Timestamp>(&json) {
        let written = serde_json::to_string(&at).unwrap();
        assert_eq!(
            serde_json::from_str::<Timestamp>(&written).unwrap(),
            at,
            "{text:?} is written as {written}"
        );
    }
}
