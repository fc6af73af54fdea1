//! Tests of viewing without logging in.

use super::*;

fn open() -> Visitor {
    Visitor::Admin { name: "this machine".to_owned(), user_id: None, how: Way::Open }
}

#[tokio::test]
async fn only_whoever_sits_at_this_machine_may_look() {
    let cases: &[(&str, Headers<'_>, bool)] = &[
        ("127.0.0.1", &[], true),
        ("127.0.0.1", &[("host", "localhost:8321")], true),
        ("::1", &[("host", "[::1]:8321")], true),
        ("::ffff:127.0.0.1", &[], true),
        ("192.0.2.1", &[], false),
        ("10.0.0.1", &[], false),
        // Signs of a proxy.
        ("127.0.0.1", &[("x-forwarded-for", "127.0.0.1")], false),
        ("127.0.0.1", &[("X-Forwarded-Proto", "https")], false),
        ("127.0.0.1", &[("x-forwarded-host", "localhost")], false),
        ("127.0.0.1", &[("x-forwarded-anything", "")], false),
        ("127.0.0.1", &[("forwarded", "for=127.0.0.1")], false),
        ("127.0.0.1", &[("x-real-ip", "127.0.0.1")], false),
        ("127.0.0.1", &[("via", "1.1 proxy")], false),
        ("127.0.0.1", &[("cf-connecting-ip", "127.0.0.1")], false),
        ("127.0.0.1", &[("x-cluster-client-ip", "127.0.0.1")], false),
        ("127.0.0.1", &[("fastly-client-ip", "127.0.0.1")], false),
        ("127.0.0.1", &[("x-original-forwarded-for", "127.0.0.1")], false),
        ("127.0.0.1", &[("x-envoy-external-address", "127.0.0.1")], false),
        ("127.0.0.1", &[("X-Azure-ClientIP", "127.0.0.1")], false),
        ("127.0.0.1", &[("fly-client-ip", "127.0.0.1")], false),
        ("127.0.0.1", &[("proxy-client-ip", "127.0.0.1")], false),
        ("127.0.0.1", &[("x-original-host", "vms.example.org")], false),
        ("127.0.0.1", &[("cdn-loop", "cloudflare")], false),
        // A host name that is not this machine's own: a proxy forwards it, or the name was rebound.
        ("127.0.0.1", &[("host", "vms.example.org")], false),
        ("127.0.0.1", &[("host", "192.0.2.1")], false),
    ];
    for (peer, headers, expected) in cases {
        let house = House::new("open_viewing = true\nhosts = [\"vms.example.org\"]");
        let visitor = house.visitor_from(peer, headers).await;
        let otherwise = nobody(Anonymous::NoCredential);
        assert_eq!(visitor, if *expected { open() } else { otherwise.clone() }, "{peer} {headers:?}");
        assert_eq!(House::new("").visitor_from(peer, headers).await, otherwise, "closed by default");
    }
}

#[tokio::test]
async fn who_says_who_he_is_is_judged_by_that() {
    let mut house = House::with_all("some key or other", "open_viewing = true");
    house.users.tokens = vec![(API_TOKEN, user(2, 1, true), Some("2027-01-01 00:00:00"))];
    assert_eq!(house.visitor(&[("x-api-token", API_TOKEN)]).await, Visitor::NotAdmin { user_id: 2 });
    assert_eq!(house.visitor(&[("authorization", "Bearer wrong")]).await, nobody(Anonymous::Refused));
    assert_eq!(house.visitor(&[("cookie", "vms_session=left.over.cookie")]).await, open());
}
