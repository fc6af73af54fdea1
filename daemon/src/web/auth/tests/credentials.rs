//! Tests of credentials: VMS's cookies, against cookies made by VMS's own libraries (`cookies/record.py`); tokens in
//! headers of their own; and lookups in VMS's table `users`.

use sea_orm::{ConnectionTrait as _, Database, DbBackend, Statement};
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
            return unauthenticated(
                match (case.forged, has_ours && case.name != "an empty session cookie") {
                    (true, _) => Anonymous::Refused,
                    (false, true) => Anonymous::Void,
                    (false, false) => Anonymous::NoCredential,
                },
            );
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
async fn every_recorded_cookie_is_accepted_or_refused_as_by_vms() {
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
async fn a_valid_cookie_costs_one_lookup_and_a_forged_one_none() {
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
        (user(1, 3, false), unauthenticated(Anonymous::Void)),
        (user(2, 3, true), unauthenticated(Anonymous::Void)),
        (user(1, 3, true), admin(Way::Session)),
    ] {
        house.users.users = vec![user];
        assert_eq!(house.visitor(&cookie).await, expected);
    }
}

#[tokio::test]
async fn cookie_names_and_session_lifetime_follow_the_configuration() {
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
async fn a_session_that_decompresses_beyond_the_limit_is_refused() {
    use std::io::Write as _;

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use flate2::{Compression, write::ZlibEncoder};

    use super::super::secrets::{HmacSha1, hash};

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
    assert_eq!(house.visitor(&[("cookie", &signed(64 * 1024 + 1))]).await, unauthenticated(Anonymous::Void));
    assert_eq!(
        house.visitor(&[("cookie", &signed(16 * 1024 * 1024))]).await,
        unauthenticated(Anonymous::Void)
    );
}

#[tokio::test]
async fn without_vmss_key_its_cookies_are_ignored() {
    let recorded = recorded();
    let mut house = House::new("");
    house.users = recorded.users();
    for case in &recorded.cases {
        let visitor = house.visitor(&[("cookie", &case.cookie)]).await;
        assert_eq!(visitor, unauthenticated(Anonymous::NoCredential), "{}", case.name);
    }
}

#[tokio::test]
async fn a_new_key_is_used_after_a_reload() {
    let recorded = recorded();
    let case = recorded.case("a session");
    let mut house = House::with_key("the key of yesterday");
    house.users = recorded.users();
    let cookie = [("cookie", case.cookie.as_str())];
    assert_eq!(house.visitor(&cookie).await, unauthenticated(Anonymous::Refused));
    write_private(&house.dir.path().join("key"), &format!("{}\n", case.key));
    house.rebuild("secret_key_file = \"DIR/key\"");
    assert_eq!(house.visitor(&cookie).await, admin(Way::Session));
    house.rebuild("");
    assert_eq!(house.visitor(&cookie).await, unauthenticated(Anonymous::NoCredential));
}

fn bearer(how: &str) -> (&'static str, String) {
    ("authorization", format!("{how}{BEARER}"))
}

#[tokio::test]
async fn only_the_exact_operators_token_is_accepted() {
    let holder = Visitor::Admin { name: "bearer token".to_owned(), user_id: None, how: Way::Bearer };
    let (none, refused) = (unauthenticated(Anonymous::NoCredential), unauthenticated(Anonymous::Refused));
    let cases = [
        (bearer("Bearer "), &holder),
        (bearer("bearer "), &holder),
        (bearer("Bearer  "), &holder),
        (bearer("Bearer x"), &refused),
        (("authorization", format!("Bearer {}", &BEARER[1..])), &refused),
        (("authorization", format!("Bearer {}", &BEARER[..BEARER.len() - 1])), &refused),
        (("authorization", format!("Bearer {}", BEARER.to_uppercase())), &refused),
        (("authorization", "Bearer ".to_owned()), &refused),
        (("authorization", "Bearer \u{e9}".to_owned()), &refused),
        (bearer("Basic "), &none),
        (bearer("Bearer"), &none),
        (bearer(""), &none),
        (("x-api-token", String::new()), &refused),
        (("x-api-token", BEARER.to_owned()), &refused),
    ];
    for ((name, value), expected) in cases {
        // A new environment per case, so that failures are counted separately.
        let house = House::with_all("some key or other", "");
        assert_eq!(house.visitor(&[(name, &value)]).await, *expected, "{name}: {value}");
    }
}

#[tokio::test]
async fn an_api_token_needs_an_active_administrator_and_time_left() {
    let cases = [
        (user(1, 3, true), Some("2026-03-15 12:00:00.000001"), admin(Way::ApiToken)),
        (user(1, 3, true), Some("2026-03-15 12:00:00.000000"), unauthenticated(Anonymous::Void)),
        (user(1, 3, true), Some("2026-03-14 23:59:59.999999"), unauthenticated(Anonymous::Void)),
        (user(1, 3, true), Some("2027-01-01 00:00:00"), admin(Way::ApiToken)),
        (user(1, 3, true), Some("never"), unauthenticated(Anonymous::Void)),
        (user(1, 3, true), Some(""), unauthenticated(Anonymous::Void)),
        (user(1, 3, true), None, unauthenticated(Anonymous::Void)),
        (user(1, 3, false), Some("2027-01-01 00:00:00"), unauthenticated(Anonymous::Void)),
        (user(1, 2, true), Some("2027-01-01 00:00:00"), Visitor::NotAdmin { user_id: 1 }),
        (user(1, 4, true), Some("2027-01-01 00:00:00"), Visitor::NotAdmin { user_id: 1 }),
    ];
    let mut house = House::with_all("some key or other", "");
    for (user, expiry, expected) in cases {
        house.users.tokens = vec![(API_TOKEN, user, expiry)];
        assert_eq!(house.visitor(&[("x-api-token", API_TOKEN)]).await, expected, "{expiry:?}");
    }
}

#[tokio::test]
async fn a_token_that_vms_cannot_have_issued_is_not_looked_up() {
    let texts = [
        String::new(),
        API_TOKEN[1..].to_owned(),
        format!("{API_TOKEN}0"),
        API_TOKEN.to_uppercase(),
        API_TOKEN.replace('0', "'"),
        API_TOKEN.replace('0', "%"),
    ];
    for text in texts {
        let house = House::with_all("some key or other", "");
        assert_eq!(
            house.visitor(&[("x-api-token", &text)]).await,
            unauthenticated(Anonymous::Refused),
            "{text}"
        );
        assert_eq!(house.users.lookups.load(Ordering::Relaxed), 0, "{text}");
    }
    let house = House::with_all("some key or other", "");
    assert_eq!(house.visitor(&[("x-api-token", API_TOKEN)]).await, unauthenticated(Anonymous::Refused));
    assert_eq!(house.users.lookups.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_credential_of_a_disabled_way_is_ignored_and_not_counted() {
    let mut house = House::new("");
    house.users.tokens = vec![(API_TOKEN, user(1, 3, true), Some("2027-01-01 00:00:00"))];
    for _ in 0..50 {
        for header in [("authorization", "Bearer wrong"), ("x-api-token", API_TOKEN)] {
            assert_eq!(house.visitor(&[header]).await, unauthenticated(Anonymous::NoCredential));
        }
    }
}

#[tokio::test]
async fn without_vmss_database_its_users_are_refused_and_one_warning_is_logged() {
    let mut house = House::with_all("some key or other", "");
    house.users.tokens = vec![(API_TOKEN, user(1, 3, true), Some("2027-01-01 00:00:00"))];
    let log = Log::begin();
    house.users.is_down = true;
    for _ in 0..50 {
        assert_eq!(
            house.visitor(&[("x-api-token", API_TOKEN)]).await,
            unauthenticated(Anonymous::Unavailable)
        );
    }
    let (name, value) = bearer("Bearer ");
    assert!(matches!(house.visitor(&[(name, &value)]).await, Visitor::Admin { .. }));
    house.users.is_down = false;
    assert_eq!(house.visitor(&[("x-api-token", API_TOKEN)]).await, admin(Way::ApiToken));
    assert_eq!(
        log.lines(),
        [
            "WARN No login to the web interface is possible: the VMS database /srv/vms.db does not exist; put it back, or set \
             database.url (or --database) to VMS's SQLite file",
            "INFO VMS's users can be read again",
        ]
    );
}

#[tokio::test]
async fn a_hostile_user_name_becomes_one_short_line() {
    let mut house = House::with_all("some key or other", "");
    let user = User { username: format!("a\n{}", "b".repeat(100)), ..user(1, 3, true) };
    house.users.tokens = vec![(API_TOKEN, user, Some("2027-01-01 00:00:00"))];
    let visitor = house.visitor(&[("x-api-token", API_TOKEN)]).await;
    let name = format!("a\\n{}…", "b".repeat(60));
    assert_eq!(visitor, Visitor::Admin { name, user_id: Some(1), how: Way::ApiToken });
}

const USERS: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, username VARCHAR(64), security_level INTEGER, \
     is_active BOOLEAN)";
const WITH_TOKENS: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, username VARCHAR(64), security_level INTEGER, \
     is_active BOOLEAN, api_token VARCHAR(64) UNIQUE, token_expiry DATETIME)";

async fn run(path: &std::path::Path, statements: &[&str]) {
    let db = Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
    for sql in statements {
        db.execute_raw(Statement::from_string(DbBackend::Sqlite, *sql)).await.unwrap();
    }
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_changed_row_of_a_user_counts_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vms.db");
    let rows = "INSERT INTO users VALUES (1, 'ada', 3, 1), (2, 'bob', -1, 0), (3, NULL, NULL, NULL)";
    run(&path, &[USERS, rows]).await;
    let users = VmsUsers::new(&Gateway::new(&path));
    let named = |id, username: &str, security_level, is_active| {
        Some(User { id, username: username.to_owned(), security_level, is_active })
    };
    for (id, expected) in [
        (1, named(1, "ada", 3, true)),
        (2, named(2, "bob", -1, false)),
        (3, named(3, "", 0, false)),
        (4, None),
        (i64::MAX, None),
    ] {
        assert_eq!(users.by_id(id).await.unwrap(), expected, "{id}");
    }
    run(&path, &["UPDATE users SET security_level = 2 WHERE id = 1"]).await;
    assert_eq!(users.by_id(1).await.unwrap(), named(1, "ada", 2, true));
}

#[tokio::test]
async fn an_api_token_is_found_with_its_expiry() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vms.db");
    let rows = format!(
        "INSERT INTO users VALUES (1, 'ada', 3, 1, '{API_TOKEN}', '2026-04-01 00:00:00.000000'), \
         (2, 'bob', 3, 1, NULL, NULL), (3, 'eve', 3, 1, '{}', NULL)",
        "f".repeat(64)
    );
    run(&path, &[WITH_TOKENS, &rows]).await;
    let users = VmsUsers::new(&Gateway::new(&path));
    let (found, expiry) = users.by_api_token(API_TOKEN).await.unwrap().unwrap();
    assert_eq!((found, expiry.as_deref()), (user(1, 3, true), Some("2026-04-01 00:00:00.000000")));
    let (found, expiry) = users.by_api_token(&"f".repeat(64)).await.unwrap().unwrap();
    assert_eq!((found.id, expiry), (3, None));
    assert_eq!(users.by_api_token(&"0".repeat(64)).await.unwrap(), None);
}

#[tokio::test]
async fn a_vms_without_api_tokens_has_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vms.db");
    run(&path, &[USERS, "INSERT INTO users VALUES (1, 'ada', 3, 1)"]).await;
    let users = VmsUsers::new(&Gateway::new(&path));
    assert_eq!(users.by_api_token(API_TOKEN).await.unwrap(), None);
    assert_eq!(users.by_id(1).await.unwrap(), Some(user(1, 3, true)));
}

#[tokio::test]
async fn a_missing_or_replaced_database_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("vms.db"), dir.path().join("restored.db"));
    let users = VmsUsers::new(&Gateway::new(&path));
    assert!(matches!(users.by_id(1).await, Err(VmsError::Missing { .. })));
    run(&path, &[USERS, "INSERT INTO users VALUES (1, 'ada', 3, 1)"]).await;
    assert_eq!(users.by_id(1).await.unwrap(), Some(user(1, 3, true)));
    run(&other, &[USERS, "INSERT INTO users VALUES (1, 'ada', 0, 1)"]).await;
    std::fs::rename(&other, &path).unwrap();
    assert_eq!(users.by_id(1).await.unwrap(), Some(user(1, 0, true)));
    std::fs::remove_file(&path).unwrap();
    assert!(users.by_id(1).await.is_err());
}
