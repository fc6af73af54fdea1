//! Tests of failed attempts: they are counted, logged without secrets, and none succeeds by chance.

use std::fmt::Write as _;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const WRONG: (&str, &str) = ("authorization", "Bearer wrong");

fn house() -> House {
    House::with_all("some key or other", "trusted_proxies = [\"127.0.0.1\"]")
}

/// Makes a number of wrong attempts and returns how many were tolerated.
async fn let_go(house: &House, peer: &str, tries: usize) -> usize {
    let mut count = 0;
    for _ in 0..tries {
        match house.visitor_from(peer, &[WRONG]).await {
            Visitor::Unauthenticated(Anonymous::Refused) => count += 1,
            Visitor::TooMany { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    count
}

#[tokio::test]
async fn ten_failures_and_then_one_every_six_seconds_are_tolerated() {
    let house = house();
    assert_eq!(let_go(&house, "203.0.113.9", 30).await, 10);
    let Visitor::TooMany { retry_after } = house.visitor_from("203.0.113.9", &[WRONG]).await else {
        panic!("let go")
    };
    assert_eq!(retry_after, Duration::from_secs(6));
    house.clock.advance(Duration::from_secs(6));
    assert_eq!(let_go(&house, "203.0.113.9", 5).await, 1);
    house.clock.advance(Duration::from_mins(1));
    assert_eq!(let_go(&house, "203.0.113.9", 30).await, 10);
}

#[tokio::test]
async fn setting_the_wall_clock_does_not_lift_the_limit() {
    let house = house();
    let_go(&house, "203.0.113.9", 10).await;
    house.clock.set(NOW + chrono::TimeDelta::days(1));
    assert_eq!(let_go(&house, "203.0.113.9", 5).await, 0);
}

#[tokio::test]
async fn failures_are_counted_by_client_address() {
    let cases = [
        // First client, second client, and whether they share a count.
        ("203.0.113.9", "203.0.113.9", true),
        ("203.0.113.9", "203.0.113.10", false),
        ("203.0.113.9", "::ffff:203.0.113.9", true),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", true),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
    ];
    for (first, second, together) in cases {
        let house = house();
        let_go(&house, first, 20).await;
        assert_eq!(let_go(&house, second, 1).await == 0, together, "{first} {second}");
    }
}

#[tokio::test]
async fn behind_a_proxy_failures_count_for_the_client_and_not_for_the_proxy() {
    let house = house();
    let from = async |client| house.visitor(&[WRONG, ("x-forwarded-for", client)]).await;
    for _ in 0..10 {
        from("203.0.113.9").await;
    }
    assert!(matches!(from("203.0.113.9").await, Visitor::TooMany { .. }));
    assert!(matches!(from("198.51.100.1, 203.0.113.9").await, Visitor::TooMany { .. }));
    assert_eq!(from("203.0.113.10").await, unauthenticated(Anonymous::Refused));
}

#[tokio::test]
async fn a_valid_credential_is_accepted_from_an_address_with_too_many_failures() {
    let mut house = house();
    house.users.tokens = vec![(API_TOKEN, user(1, 3, true), Some("2027-01-01 00:00:00"))];
    let token = [("x-api-token", API_TOKEN)];
    assert_eq!(house.visitor_from("203.0.113.8", &token).await, admin(Way::ApiToken));
    let_go(&house, "203.0.113.9", 50).await;
    let right = format!("Bearer {BEARER}");
    let visitor = house.visitor_from("203.0.113.9", &[("authorization", &right)]).await;
    assert!(matches!(visitor, Visitor::Admin { how: Way::Bearer, .. }));
    assert_eq!(house.visitor_from("203.0.113.9", &token).await, admin(Way::ApiToken));
    assert_eq!(house.visitor_from("203.0.113.9", &[]).await, unauthenticated(Anonymous::NoCredential));
}

#[tokio::test]
async fn a_reload_keeps_the_counted_failures() {
    let mut house = house();
    let_go(&house, "203.0.113.9", 50).await;
    house.rebuild("token_file = \"DIR/token\"");
    assert_eq!(let_go(&house, "203.0.113.9", 1).await, 0);
}

/// More clients than are counted individually: memory is bounded, no new client is refused for long, and the
/// clients of the flood share a count.
#[tokio::test]
async fn clients_beyond_the_memory_limit_share_one_count() {
    let house = house();
    let address = |number: u32| std::net::Ipv4Addr::from(0x0b00_0000 + number).to_string();
    for number in 0..4096 {
        assert_eq!(let_go(&house, &address(number), 1).await, 1, "{number}");
    }
    let mut beyond = 0;
    for number in 4096..4196 {
        beyond += let_go(&house, &address(number), 1).await;
    }
    assert_eq!(beyond, 10);
    house.clock.advance(Duration::from_mins(1));
    assert_eq!(let_go(&house, &address(5000), 20).await, 10);
}

#[tokio::test]
async fn a_guess_beyond_the_limit_is_refused_without_asking_vms() {
    let house = house();
    for guess in 0..50 {
        let token = format!("{guess:064}");
        let visitor = house.visitor_from("203.0.113.9", &[("x-api-token", &token)]).await;
        assert_eq!(matches!(visitor, Visitor::TooMany { .. }), guess >= 10, "{guess}: {visitor:?}");
    }
    assert_eq!(house.users.lookups.load(Ordering::Relaxed), 10);
}

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
    let printed = format!("{shown} {:?} {}", house.authority, log.text());
    for secret in [KEY, BEARER, API_TOKEN, "wrong-"] {
        assert!(!printed.contains(secret), "{secret} is in {printed}");
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

const NAMES: [&str; 12] = [
    "cookie",
    "authorization",
    "x-api-token",
    "x-forwarded-for",
    "forwarded",
    "host",
    "origin",
    "referer",
    "sec-fetch-site",
    "x-real-ip",
    "via",
    "x-other",
];

/// Bytes that a header may have, often in the shape of a credential.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let bytes = prop::collection::vec(prop_oneof![32..=126_u8, 128..=255_u8, Just(b'\t')], 0..80);
    let text = |pattern: &'static str| pattern.prop_map(String::into_bytes);
    prop_oneof![
        bytes,
        text("vms_session=\\.?[A-Za-z0-9_-]{0,60}\\.[A-Za-z0-9_-]{0,8}\\.[A-Za-z0-9_-]{27}"),
        text("(vms_session|vms_remember)=\"?[ -~]{0,60}\"?(; *vms_remember=[0-9]{0,3}\\|[0-9a-f]{128})?"),
        text("[Bb]earer [!-~]{0,60}"),
        text("[0-9a-f]{64}"),
        text("([0-9a-f.:\\[\\]]{0,20},? ?){0,5}"),
        text("(https?://)?[a-z0-9.:@\\[\\]/-]{0,40}"),
    ]
}

fn parts() -> impl Strategy<Value = Parts> {
    prop::collection::vec((prop::sample::select(&NAMES[..]), value()), 0..8).prop_map(|headers| {
        let mut request = Request::post("/");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.body(()).unwrap().into_parts().0
    })
}

proptest! {
    #[test]
    fn random_headers_are_never_accepted(parts in parts(), peer in any::<std::net::IpAddr>(), form in any::<String>()) {
        thread_local!(static HOUSE: House = {
            let mut house = House::with_all("some key or other", "trusted_proxies = [\"::/1\", \"0.0.0.0/1\"]");
            house.users.users = (0..1000).map(|id| user(id, 3, true)).collect();
            house
        });
        HOUSE.with(|house| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let visitor = runtime.block_on(house.authority.visitor(&parts, peer, &house.users, NOW));
            prop_assert!(matches!(visitor, Visitor::Unauthenticated(_) | Visitor::TooMany { .. }), "{visitor:?}");
            house.authority.client_address(&parts, peer);
            house.authority.allows_host(&parts);
            let without_origin = {
                let mut parts = parts;
                for name in ["origin", "referer", "sec-fetch-site"] {
                    parts.headers.remove(name);
                }
                parts
            };
            prop_assert!(!house.authority.csrf_ok(&admin(Way::Session), &without_origin, Some(&form), NOW));
            Ok(())
        })?;
    }
}
