//! Property tests with arbitrary requests.

use proptest::prelude::*;

use super::*;

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
    fn nobody_comes_in_by_chance(parts in parts(), peer in any::<std::net::IpAddr>(), form in any::<String>()) {
        thread_local!(static HOUSE: House = {
            let mut house = House::with_all("some key or other", "trusted_proxies = [\"::/1\", \"0.0.0.0/1\"]");
            house.users.users = (0..1000).map(|id| user(id, 3, true)).collect();
            house
        });
        HOUSE.with(|house| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let visitor = runtime.block_on(house.authority.visitor(&parts, peer, &house.users, NOW));
            prop_assert!(matches!(visitor, Visitor::Nobody(_) | Visitor::TooMany { .. }), "{visitor:?}");
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
