//! Tests of the limit on failed attempts.

use std::time::Duration;

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
            Visitor::Nobody(Anonymous::Refused) => count += 1,
            Visitor::TooMany { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    count
}

#[tokio::test]
async fn ten_failures_are_let_go_and_one_every_six_seconds() {
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
async fn setting_the_wall_clock_frees_nobody() {
    let house = house();
    let_go(&house, "203.0.113.9", 10).await;
    house.clock.set(NOW + chrono::TimeDelta::days(1));
    assert_eq!(let_go(&house, "203.0.113.9", 5).await, 0);
}

#[tokio::test]
async fn clients_are_told_apart_by_the_address_that_they_have() {
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
async fn behind_a_proxy_the_client_pays_and_not_the_proxy() {
    let house = house();
    let from = async |client| house.visitor(&[WRONG, ("x-forwarded-for", client)]).await;
    for _ in 0..10 {
        from("203.0.113.9").await;
    }
    assert!(matches!(from("203.0.113.9").await, Visitor::TooMany { .. }));
    assert!(matches!(from("198.51.100.1, 203.0.113.9").await, Visitor::TooMany { .. }));
    assert_eq!(from("203.0.113.10").await, nobody(Anonymous::Refused));
}

#[tokio::test]
async fn who_is_right_comes_in_whatever_his_neighbours_do() {
    let mut house = house();
    house.users.tokens = vec![(API_TOKEN, user(1, 3, true), Some("2027-01-01 00:00:00"))];
    let token = [("x-api-token", API_TOKEN)];
    assert_eq!(house.visitor_from("203.0.113.8", &token).await, admin(Way::ApiToken));
    let_go(&house, "203.0.113.9", 50).await;
    let right = format!("Bearer {BEARER}");
    let visitor = house.visitor_from("203.0.113.9", &[("authorization", &right)]).await;
    assert!(matches!(visitor, Visitor::Admin { how: Way::Bearer, .. }));
    assert_eq!(house.visitor_from("203.0.113.9", &token).await, admin(Way::ApiToken));
    assert_eq!(house.visitor_from("203.0.113.9", &[]).await, nobody(Anonymous::NoCredential));
}

#[tokio::test]
async fn a_reload_forgives_nothing() {
    let mut house = house();
    let_go(&house, "203.0.113.9", 50).await;
    house.rebuild("token_file = \"DIR/token\"");
    assert_eq!(let_go(&house, "203.0.113.9", 1).await, 0);
}

/// More clients than are counted individually: memory is bounded, no new client is refused for long, and the
/// clients of the flood share a count.
#[tokio::test]
async fn many_clients_need_little_memory() {
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
