//! Tests of the host names under which the web interface may be requested.

use super::*;

const PUBLIC: &str =
    "public_origin = \"https://VMS.example.org\"\nhosts = [\"cache.internal\", \"192.0.2.7\", \"::7\"]";
const EVERYWHERE: &str = "listen = \"0.0.0.0:8321\"\napi_tokens = true";
const ONE: &str = "listen = \"192.0.2.1:8321\"\napi_tokens = true";

#[test]
fn only_our_own_names_are_answered_to() {
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
        (PUBLIC, "vms.example.org", true),
        (PUBLIC, "Vms.Example.Org.:443", true),
        (PUBLIC, "example.org", false),
        (PUBLIC, "x.vms.example.org", false),
        (PUBLIC, "cache.internal:8321", true),
        (PUBLIC, "192.0.2.7", true),
        (PUBLIC, "[0::7]", true),
        (PUBLIC, "localhost", true),
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
fn a_request_that_names_none_or_two_is_judged_by_all_of_them() {
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
