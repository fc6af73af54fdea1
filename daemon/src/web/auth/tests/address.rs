//! Tests of the client's address.

use super::*;

#[test]
fn the_client_is_the_last_hop_that_is_no_proxy_of_ours() {
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
