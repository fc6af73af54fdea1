//! Tests of where a request comes from: the client's address, the host names under which we may be asked, requests that
//! another site's page makes in an administrator's browser, and viewing without logging in.

use std::time::Duration;

use super::*;

#[test]
fn the_client_is_the_last_hop_that_is_not_a_trusted_proxy() {
    let house = House::new("trusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\", \"2001:db8::/32\"]");
    let cases: &[(&str, &[&str], &str)] = &[
        // An untrusted peer is itself the client, whatever its header contains.
        ("203.0.113.9", &[], "203.0.113.9"),
        ("203.0.113.9", &["198.51.100.1"], "203.0.113.9"),
        ("::ffff:203.0.113.9", &["198.51.100.1"], "203.0.113.9"),
        ("127.0.0.2", &["198.51.100.1"], "127.0.0.2"),
        // A trusted proxy names its caller.
        ("127.0.0.1", &[], "127.0.0.1"),
        ("127.0.0.1", &["198.51.100.1"], "198.51.100.1"),
        ("::ffff:127.0.0.1", &["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", &["198.51.100.1, 10.1.2.3"], "198.51.100.1"),
        ("127.0.0.1", &["198.51.100.1 ,10.1.2.3 , 10.9.9.9"], "198.51.100.1"),
        // Addresses that the client itself sent are further left.
        ("127.0.0.1", &["127.0.0.1, 198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", &["rubbish, 198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", &["192.0.2.1", "198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", &["192.0.2.1, 198.51.100.1", "10.0.0.1"], "198.51.100.1"),
        // Only proxies: the farthest one.
        ("127.0.0.1", &["10.0.0.1, 10.0.0.2"], "10.0.0.1"),
        // Other spellings.
        ("127.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
        ("127.0.0.1", &["[2001:db9::1]:4711"], "2001:db9::1"),
        ("127.0.0.1", &["[2001:db9::1]"], "2001:db9::1"),
        ("127.0.0.1", &["2001:db9::1"], "2001:db9::1"),
        ("2001:db8::5", &["::ffff:198.51.100.1"], "198.51.100.1"),
        // A header that cannot be parsed is ignored.
        ("127.0.0.1", &["rubbish"], "127.0.0.1"),
        ("127.0.0.1", &["198.51.100.1, unknown"], "127.0.0.1"),
        ("127.0.0.1", &["198.51.100.1,"], "127.0.0.1"),
        ("127.0.0.1", &[""], "127.0.0.1"),
        ("127.0.0.1", &["198.51.100.1, 10.0.0.1, \u{e9}"], "127.0.0.1"),
    ];
    for (peer, forwarded, expected) in cases {
        let headers: Vec<_> = forwarded.iter().map(|hops| ("x-forwarded-for", *hops)).collect();
        let address = house.authority.client_address(&request(&headers), ip(peer));
        assert_eq!(address, ip(expected), "{peer} {forwarded:?}");
    }
}

#[test]
fn without_trusted_proxies_the_header_is_ignored() {
    let house = House::new("");
    for peer in ["127.0.0.1", "::1", "10.0.0.1"] {
        let headers = [("x-forwarded-for", "198.51.100.1"), ("x-real-ip", "198.51.100.1")];
        assert_eq!(house.authority.client_address(&request(&headers), ip(peer)), ip(peer));
    }
}

const NAMED: &str =
    "public_origin = \"https://VMS.example.org\"\nhosts = [\"cache.internal\", \"192.0.2.7\", \"::7\"]";
const EVERYWHERE: &str = "listen = \"0.0.0.0:8321\"\napi_tokens = true";
const ONE: &str = "listen = \"192.0.2.1:8321\"\napi_tokens = true";

#[test]
fn only_requests_to_our_own_host_names_are_allowed() {
    let cases = [
        ("", "127.0.0.1:8321", true),
        ("", "127.0.0.1", true),
        ("", "localhost", true),
        ("", "LOCALHOST.:9999", true),
        ("", "[::1]:8321", true),
        ("", "[::ffff:127.0.0.1]", true),
        ("", "127.1.2.3", true),
        ("", "vms.example.org", false),
        ("", "localhost.example.org", false),
        ("", "evil.localhost", false),
        ("", "192.0.2.1", false),
        ("", "0.0.0.0", false),
        ("", "", false),
        ("", "localhost@evil.example", false),
        ("", "evil.example@localhost", false),
        ("", "localhost/evil.example", false),
        ("", "localhost:x", false),
        ("", "localhost:99999", false),
        ("", "local host", false),
        ("", "\u{e9}", false),
        (NAMED, "vms.example.org", true),
        (NAMED, "Vms.Example.Org.:443", true),
        (NAMED, "example.org", false),
        (NAMED, "x.vms.example.org", false),
        (NAMED, "cache.internal:8321", true),
        (NAMED, "192.0.2.7", true),
        (NAMED, "[0::7]", true),
        (NAMED, "localhost", true),
        (EVERYWHERE, "192.0.2.1:8321", true),
        (EVERYWHERE, "[2001:db8::1]:8321", true),
        (EVERYWHERE, "vms.example.org", false),
        (ONE, "192.0.2.1:8321", true),
        (ONE, "192.0.2.2:8321", false),
    ];
    for (lines, host, expected) in cases {
        let house = House::new(lines);
        let allowed = house.authority.allows_host(&request(&[("host", host)]));
        assert_eq!(allowed, expected, "{lines}: {host}");
    }
}

#[test]
fn a_request_with_no_host_or_a_foreign_host_is_refused() {
    let house = House::new("");
    let allowed = |request: Request<()>| house.authority.allows_host(&request.into_parts().0);
    let get = Request::get;
    assert!(!allowed(get("/").body(()).unwrap()));
    assert!(allowed(get("http://localhost/").body(()).unwrap()));
    assert!(!allowed(get("http://evil.example/").header("host", "localhost").body(()).unwrap()));
    assert!(!allowed(get("http://localhost/").header("host", "evil.example").body(()).unwrap()));
    assert!(!allowed(get("/").header("host", "localhost").header("host", "evil.example").body(()).unwrap()));
    assert!(!allowed(get("/").header("host", "evil.example").header("host", "localhost").body(()).unwrap()));
}

const PUBLIC: &str = "public_origin = \"https://vms.example.org\"";

#[test]
fn a_change_is_accepted_only_from_our_own_pages() {
    let vms = ("host", "vms.example.org");
    let own = ("host", "127.0.0.1:8321");
    let origin = |url| ("origin", url);
    let referer = |url| ("referer", url);
    let site = |word| ("sec-fetch-site", word);
    let cases: &[(&str, Headers<'_>, bool)] = &[
        (PUBLIC, &[vms, origin("https://vms.example.org")], true),
        (PUBLIC, &[vms, origin("https://VMS.example.org:443")], true),
        (PUBLIC, &[own, origin("https://vms.example.org")], true),
        (PUBLIC, &[vms, origin("http://vms.example.org")], false),
        (PUBLIC, &[vms, origin("http://vms.example.org:443")], false),
        (PUBLIC, &[vms, origin("https://vms.example.org:8443")], false),
        (PUBLIC, &[vms, origin("https://vms.example.org.evil.example")], false),
        (PUBLIC, &[vms, origin("https://evil.example")], false),
        (PUBLIC, &[own, origin("http://127.0.0.1:8321")], true),
        (PUBLIC, &[("host", "vms.example.org:8321"), origin("http://vms.example.org:8321")], true),
        (PUBLIC, &[("host", "vms.example.org:443"), origin("http://vms.example.org:443")], false),
        ("", &[own, origin("http://127.0.0.1:8321")], true),
        ("", &[own, origin("http://127.0.0.1:9999")], false),
        ("", &[own, origin("http://localhost:8321")], false),
        ("", &[("host", "localhost"), origin("http://localhost")], true),
        ("", &[("host", "localhost"), origin("https://localhost")], true),
        ("", &[("host", "localhost:80"), origin("http://localhost")], true),
        // The origin matches the request's host, but the host is not ours.
        ("", &[("host", "evil.example"), origin("http://evil.example")], false),
        // A wrong origin is decisive, whatever other headers contain.
        (PUBLIC, &[vms, origin("https://evil.example"), referer("https://vms.example.org/")], false),
        (PUBLIC, &[vms, origin("https://evil.example"), site("same-origin")], false),
        (PUBLIC, &[vms, origin(""), site("same-origin")], false),
        (PUBLIC, &[vms, origin("\u{e9}"), site("same-origin")], false),
        // Without an origin.
        (PUBLIC, &[vms, referer("https://vms.example.org/management/cache/?a=b#c")], true),
        (PUBLIC, &[vms, referer("https://vms.example.org")], true),
        (PUBLIC, &[vms, referer("https://evil.example/https://vms.example.org/")], false),
        (PUBLIC, &[vms, referer("https://vms.example.org@evil.example/")], false),
        (PUBLIC, &[vms, referer("/management/cache/"), site("same-origin")], false),
        (PUBLIC, &[vms, site("same-origin")], true),
        (PUBLIC, &[vms, site("same-site")], false),
        (PUBLIC, &[vms, site("cross-site")], false),
        (PUBLIC, &[vms, site("none")], false),
        (PUBLIC, &[vms], false),
        // A page that hides its address, and a sandboxed frame.
        (PUBLIC, &[vms, origin("null"), site("same-origin")], true),
        (PUBLIC, &[vms, origin("null"), site("cross-site")], false),
        (PUBLIC, &[vms, origin("null"), referer("https://vms.example.org/")], false),
        (PUBLIC, &[vms, origin("null")], false),
    ];
    for (lines, headers, expected) in cases {
        let house = House::new(lines);
        for how in [Way::Session, Way::Remember, Way::Open] {
            let ok = house.authority.csrf_ok(&admin(how), &request(headers), None, NOW);
            assert_eq!(ok, *expected, "{lines} {headers:?}");
        }
    }
}

#[test]
fn a_token_in_a_header_needs_no_own_origin() {
    let house = House::new("");
    let request = request(&[("origin", "https://evil.example")]);
    for how in [Way::Bearer, Way::ApiToken] {
        assert!(house.authority.csrf_ok(&admin(how), &request, None, NOW));
    }
}

#[test]
fn the_csrf_check_ignores_the_method() {
    let house = House::new("");
    for method in ["GET", "HEAD", "OPTIONS", "POST", "DELETE"] {
        let mut request = request(&[("origin", "https://evil.example")]);
        request.method = method.parse().unwrap();
        assert!(!house.authority.csrf_ok(&admin(Way::Session), &request, None, NOW), "{method}");
    }
}

#[test]
fn a_form_token_is_valid_for_its_visitor_until_it_expires() {
    let house = House::new("session_lifetime = \"1h\"");
    let request = request(&[]);
    let ok = |visitor: &Visitor, token: &str, at| house.authority.csrf_ok(visitor, &request, Some(token), at);
    let session = admin(Way::Session);
    let token = house.authority.csrf_token(&session, NOW);
    let hour = Duration::from_hours(1);
    assert!(ok(&session, &token, NOW));
    assert!(ok(&session, &token, NOW + hour));
    assert!(!ok(&session, &token, NOW + hour + Duration::from_secs(1)));
    assert!(ok(&admin(Way::Remember), &token, NOW), "the token of a user stays valid when the session ends");

    let other = Visitor::Admin { name: "ada".to_owned(), user_id: Some(11), how: Way::Session };
    let open = Visitor::Admin { name: "ada".to_owned(), user_id: None, how: Way::Open };
    for visitor in
        [&other, &open, &unauthenticated(Anonymous::NoCredential), &Visitor::NotAdmin { user_id: 2 }]
    {
        assert!(!ok(visitor, &token, NOW), "{visitor:?}");
        assert!(ok(visitor, &house.authority.csrf_token(visitor, NOW), NOW), "{visitor:?}");
    }
}

#[test]
fn a_changed_or_foreign_form_token_is_refused() {
    let mut house = House::new("");
    let (session, request) = (admin(Way::Session), request(&[]));
    let token = house.authority.csrf_token(&session, NOW);
    let (until, hash) = token.split_once('.').unwrap();
    let later = until.parse::<i64>().unwrap() + 1;
    let elsewhere = House::new("").authority.csrf_token(&session, NOW);
    let wrong = [
        String::new(),
        ".".to_owned(),
        format!("{later}.{hash}"),
        format!("{until}."),
        hash.to_owned(),
        elsewhere,
    ];
    for token in wrong {
        assert!(!house.authority.csrf_ok(&session, &request, Some(&token), NOW), "{token}");
    }
    house.rebuild("");
    assert!(house.authority.csrf_ok(&session, &request, Some(&token), NOW), "a reload keeps open forms good");
}

fn open() -> Visitor {
    Visitor::Admin { name: "this machine".to_owned(), user_id: None, how: Way::Open }
}

#[tokio::test]
async fn open_viewing_is_allowed_only_from_this_machine_without_a_proxy() {
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
        let otherwise = unauthenticated(Anonymous::NoCredential);
        assert_eq!(visitor, if *expected { open() } else { otherwise.clone() }, "{peer} {headers:?}");
        assert_eq!(House::new("").visitor_from(peer, headers).await, otherwise, "closed by default");
    }
}

#[tokio::test]
async fn with_open_viewing_a_given_credential_still_decides() {
    let mut house = House::with_all("some key or other", "open_viewing = true");
    house.users.tokens = vec![(API_TOKEN, user(2, 1, true), Some("2027-01-01 00:00:00"))];
    assert_eq!(house.visitor(&[("x-api-token", API_TOKEN)]).await, Visitor::NotAdmin { user_id: 2 });
    assert_eq!(
        house.visitor(&[("authorization", "Bearer wrong")]).await,
        unauthenticated(Anonymous::Refused)
    );
    assert_eq!(house.visitor(&[("cookie", "vms_session=left.over.cookie")]).await, open());
}
