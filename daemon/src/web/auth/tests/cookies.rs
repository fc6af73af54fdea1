//! Tests of VMS's cookies, against cookies made by VMS's own libraries (`cookies/record.py`).

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Recorded {
    now: i64,
    lifetime: u64,
    users: Vec<RecordedUser>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct RecordedUser {
    id: i64,
    username: String,
    security_level: i64,
    is_active: bool,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    key: String,
    cookie: String,
    forged: bool,
    user: Option<i64>,
    by: Option<String>,
}

fn recorded() -> Recorded {
    serde_json::from_str(include_str!("cookies/recorded.json")).unwrap()
}

impl Recorded {
    fn users(&self) -> KnownUsers {
        let users = self.users.iter().map(|user| User {
            id: user.id,
            username: user.username.clone(),
            security_level: user.security_level,
            is_active: user.is_active,
        });
        KnownUsers { users: users.collect(), ..KnownUsers::default() }
    }

    /// The visitor expected from the user that VMS itself would log in.
    fn expected(&self, case: &Case) -> Visitor {
        let Some(id) = case.user else {
            let has_ours = case.cookie.contains("vms_remember=") || case.cookie.contains("vms_session=");
            return nobody(match (case.forged, has_ours && case.name != "an empty session cookie") {
                (true, _) => Anonymous::Refused,
                (false, true) => Anonymous::Void,
                (false, false) => Anonymous::NoCredential,
            });
        };
        let user = self.users.iter().find(|user| user.id == id).unwrap();
        let how = if case.by.as_deref() == Some("remember") { Way::Remember } else { Way::Session };
        match user.security_level {
            3 => Visitor::Admin { name: user.username.clone(), user_id: Some(id), how },
            _ => Visitor::NotAdmin { user_id: id },
        }
    }

    fn case(&self, name: &str) -> &Case {
        self.cases.iter().find(|case| case.name == name).unwrap()
    }
}

#[tokio::test]
async fn whom_vms_lets_in_comes_in_and_nobody_else() {
    let recorded = recorded();
    assert_eq!((NOW.timestamp(), 8 * 60 * 60), (recorded.now, recorded.lifetime));
    assert!(recorded.cases.len() > 50);
    for case in &recorded.cases {
        let mut house = House::with_key(&case.key);
        house.users = recorded.users();
        let visitor = house.visitor(&[("cookie", &case.cookie)]).await;
        assert_eq!(visitor, recorded.expected(case), "{}", case.name);
    }
}

#[tokio::test]
async fn an_administrator_costs_one_lookup_and_a_forger_none() {
    let recorded = recorded();
    for (name, lookups) in [
        ("a session", 1),
        ("a remembered admin", 1),
        ("a session of a manager, and a remembered admin", 1),
        ("a session of somebody deleted, and a remembered admin", 2),
        ("a session with a changed payload", 0),
        ("a session one second too old", 0),
    ] {
        let case = recorded.case(name);
        let mut house = House::with_key(&case.key);
        house.users = recorded.users();
        house.visitor(&[("cookie", &case.cookie)]).await;
        assert_eq!(house.users.lookups.load(Ordering::Relaxed), lookups, "{name}");
    }
}

#[tokio::test]
async fn a_demotion_and_a_deactivation_count_from_the_next_request_on() {
    let recorded = recorded();
    let case = recorded.case("a session");
    let mut house = House::with_key(&case.key);
    let cookie = [("cookie", case.cookie.as_str())];
    for (user, expected) in [
        (user(1, 3, true), admin(Way::Session)),
        (user(1, 2, true), Visitor::NotAdmin { user_id: 1 }),
        (user(1, 3, false), nobody(Anonymous::Void)),
        (user(2, 3, true), nobody(Anonymous::Void)),
        (user(1, 3, true), admin(Way::Session)),
    ] {
        house.users.users = vec![user];
        assert_eq!(house.visitor(&cookie).await, expected);
    }
}

#[tokio::test]
async fn names_and_lifetime_are_the_configurations() {
    let recorded = recorded();
    let key = recorded.case("a session").key.clone();
    let session = recorded.case("a session").cookie.replace("vms_session", "staging");
    let remember = recorded.case("a remembered admin").cookie.replace("vms_remember", "keep");
    let old = recorded.case("a session at its last second").cookie.clone();
    let cases = [
        ("session_cookie = \"staging\"", session.as_str(), Some(Way::Session)),
        ("", &session, None),
        ("remember_cookie = \"keep\"", &remember, Some(Way::Remember)),
        ("remember_cookie = \"\"", &recorded.case("a remembered admin").cookie, None),
        ("", &old, Some(Way::Session)),
        ("session_lifetime = \"7h 59m 59s\"", &old, None),
    ];
    for (line, cookie, way) in cases {
        let lines = format!("secret_key_file = \"DIR/key\"\n{line}");
        let mut house = House::with_secrets(&lines, &[("key", &key)]);
        house.users = recorded.users();
        let visitor = house.visitor(&[("cookie", cookie)]).await;
        let how = if let Visitor::Admin { how, .. } = visitor { Some(how) } else { None };
        assert_eq!(how, way, "{line} {cookie}");
    }
}

#[tokio::test]
async fn a_session_that_unpacks_to_too_much_is_void() {
    use std::io::Write as _;

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use flate2::{Compression, write::ZlibEncoder};

    use super::super::mac::{HmacSha1, hash};

    let signed = |length: usize| {
        let json = format!("{{\"_user_id\":\"1\",\"x\":\"{}\"}}", "x".repeat(length - 23));
        assert_eq!(json.len(), length);
        let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
        packer.write_all(json.as_bytes()).unwrap();
        let payload = URL_SAFE_NO_PAD.encode(packer.finish().unwrap());
        let time = URL_SAFE_NO_PAD.encode(&NOW.timestamp().to_be_bytes()[4..]);
        let text = format!(".{payload}.{time}");
        let key = hash::<HmacSha1>(b"some key or other", b"cookie-session").unwrap();
        let signature = hash::<HmacSha1>(&key, text.as_bytes()).unwrap();
        format!("vms_session={text}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    let mut house = House::with_key("some key or other");
    house.users.users = vec![user(1, 3, true)];
    assert_eq!(house.visitor(&[("cookie", &signed(64 * 1024))]).await, admin(Way::Session));
    assert_eq!(house.visitor(&[("cookie", &signed(64 * 1024 + 1))]).await, nobody(Anonymous::Void));
    assert_eq!(house.visitor(&[("cookie", &signed(16 * 1024 * 1024))]).await, nobody(Anonymous::Void));
}

#[tokio::test]
async fn without_vmss_key_its_cookies_mean_nothing() {
    let recorded = recorded();
    let mut house = House::new("");
    house.users = recorded.users();
    for case in &recorded.cases {
        let visitor = house.visitor(&[("cookie", &case.cookie)]).await;
        assert_eq!(visitor, nobody(Anonymous::NoCredential), "{}", case.name);
    }
}

#[tokio::test]
async fn a_new_key_counts_after_a_reload() {
    let recorded = recorded();
    let case = recorded.case("a session");
    let mut house = House::with_key("the key of yesterday");
    house.users = recorded.users();
    let cookie = [("cookie", case.cookie.as_str())];
    assert_eq!(house.visitor(&cookie).await, nobody(Anonymous::Refused));
    write_private(&house.dir.path().join("key"), &format!("{}\n", case.key));
    house.rebuild("secret_key_file = \"DIR/key\"");
    assert_eq!(house.visitor(&cookie).await, admin(Way::Session));
    house.rebuild("");
    assert_eq!(house.visitor(&cookie).await, nobody(Anonymous::NoCredential));
}
