//! Tests that secrets are never shown.

use std::fmt::Write as _;

use super::*;

const KEY: &str = "hunter2-is-the-key-of-vms";

#[tokio::test]
async fn no_key_token_or_cookie_is_logged_or_printed() {
    let log = Log::begin();
    let mut house = House::with_all(KEY, "");
    house.users.tokens = vec![(API_TOKEN, user(1, 3, true), Some("2027-01-01 00:00:00"))];
    let right = format!("Bearer {BEARER}");
    let attempts = [
        ("cookie", "vms_session=wrong-session"),
        ("cookie", "vms_remember=1|wrong-remember"),
        ("authorization", "Bearer wrong-bearer"),
        ("x-api-token", "wrong-api-token"),
        ("authorization", &right),
        ("x-api-token", API_TOKEN),
    ];
    let mut shown = String::new();
    for _ in 0..10 {
        for header in attempts {
            let visitor = house.visitor_from("203.0.113.9", &[header]).await;
            write!(shown, "{visitor:?}").unwrap();
        }
    }
    let told = format!("{shown} {:?} {}", house.authority, log.text());
    for secret in [KEY, BEARER, API_TOKEN, "wrong-"] {
        assert!(!told.contains(secret), "{secret} is in {told}");
    }
}

#[tokio::test]
async fn each_failure_is_one_line_until_there_are_too_many() {
    let house = House::with_all(KEY, "");
    let log = Log::begin();
    for header in [
        ("cookie", "vms_session=wrong"),
        ("cookie", "vms_remember=1|wrong"),
        ("authorization", "Bearer wrong"),
        ("x-api-token", "wrong"),
    ] {
        house.visitor_from("203.0.113.9", &[header]).await;
    }
    let expected = ["session cookie", "remember cookie", "bearer token", "API token"];
    let expected = expected.map(|what| format!("WARN Refused a wrong {what} from 203.0.113.9"));
    assert_eq!(log.lines(), expected);
    for _ in 0..100 {
        house.visitor_from("203.0.113.9", &[("authorization", "Bearer wrong")]).await;
    }
    assert_eq!(log.lines().iter().filter(|line| line.starts_with("WARN")).count(), 10);
}
