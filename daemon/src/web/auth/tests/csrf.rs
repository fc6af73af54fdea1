//! Tests with requests that another site's page makes in an administrator's browser.

use std::time::Duration;

use super::*;

const PUBLIC: &str = "public_origin = \"https://vms.example.org\"";

#[test]
fn what_changes_something_must_come_from_our_own_page() {
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
        // The origin matches the request's host, but the host is none of ours.
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
fn what_no_browser_sends_by_itself_needs_no_proof() {
    let house = House::new("");
    let request = request(&[("origin", "https://evil.example")]);
    for how in [Way::Bearer, Way::ApiToken] {
        assert!(house.authority.csrf_ok(&admin(how), &request, None, NOW));
    }
}

#[test]
fn the_method_of_a_request_proves_nothing() {
    let house = House::new("");
    for method in ["GET", "HEAD", "OPTIONS", "POST", "DELETE"] {
        let mut request = request(&[("origin", "https://evil.example")]);
        request.method = method.parse().unwrap();
        assert!(!house.authority.csrf_ok(&admin(Way::Session), &request, None, NOW), "{method}");
    }
}

#[test]
fn a_form_token_is_good_for_its_visitor_until_its_end() {
    let house = House::new("session_lifetime = \"1h\"");
    let request = request(&[]);
    let ok = |visitor: &Visitor, token: &str, at| house.authority.csrf_ok(visitor, &request, Some(token), at);
    let session = admin(Way::Session);
    let token = house.authority.csrf_token(&session, NOW);
    let hour = Duration::from_hours(1);
    assert!(ok(&session, &token, NOW));
    assert!(ok(&session, &token, NOW + hour));
    assert!(!ok(&session, &token, NOW + hour + Duration::from_secs(1)));
    assert!(ok(&admin(Way::Remember), &token, NOW), "he stays himself when his session ends");

    let other = Visitor::Admin { name: "ada".to_owned(), user_id: Some(11), how: Way::Session };
    let open = Visitor::Admin { name: "ada".to_owned(), user_id: None, how: Way::Open };
    for visitor in [&other, &open, &nobody(Anonymous::NoCredential), &Visitor::NotAdmin { user_id: 2 }] {
        assert!(!ok(visitor, &token, NOW), "{visitor:?}");
        assert!(ok(visitor, &house.authority.csrf_token(visitor, NOW), NOW), "{visitor:?}");
    }
}

#[test]
fn a_changed_or_foreign_form_token_is_none() {
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
