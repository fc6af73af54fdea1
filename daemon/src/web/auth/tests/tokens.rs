//! Tests of credentials in headers of their own.

use super::*;

fn bearer(how: &str) -> (&'static str, String) {
    ("authorization", format!("{how}{BEARER}"))
}

#[tokio::test]
async fn the_operators_token_is_taken_whole_and_exactly() {
    let holder = Visitor::Admin { name: "bearer token".to_owned(), user_id: None, how: Way::Bearer };
    let (none, refused) = (nobody(Anonymous::NoCredential), nobody(Anonymous::Refused));
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
        (user(1, 3, true), Some("2026-03-15 12:00:00.000000"), nobody(Anonymous::Void)),
        (user(1, 3, true), Some("2026-03-14 23:59:59.999999"), nobody(Anonymous::Void)),
        (user(1, 3, true), Some("2027-01-01 00:00:00"), admin(Way::ApiToken)),
        (user(1, 3, true), Some("never"), nobody(Anonymous::Void)),
        (user(1, 3, true), Some(""), nobody(Anonymous::Void)),
        (user(1, 3, true), None, nobody(Anonymous::Void)),
        (user(1, 3, false), Some("2027-01-01 00:00:00"), nobody(Anonymous::Void)),
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
async fn what_vms_cannot_have_issued_is_not_looked_up() {
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
        assert_eq!(house.visitor(&[("x-api-token", &text)]).await, nobody(Anonymous::Refused), "{text}");
        assert_eq!(house.users.lookups.load(Ordering::Relaxed), 0, "{text}");
    }
    let house = House::with_all("some key or other", "");
    assert_eq!(house.visitor(&[("x-api-token", API_TOKEN)]).await, nobody(Anonymous::Refused));
    assert_eq!(house.users.lookups.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_way_that_is_off_leads_nowhere_and_counts_nothing() {
    let mut house = House::new("");
    house.users.tokens = vec![(API_TOKEN, user(1, 3, true), Some("2027-01-01 00:00:00"))];
    for _ in 0..50 {
        for header in [("authorization", "Bearer wrong"), ("x-api-token", API_TOKEN)] {
            assert_eq!(house.visitor(&[header]).await, nobody(Anonymous::NoCredential));
        }
    }
}

#[tokio::test]
async fn when_vms_cannot_be_asked_nobody_of_its_comes_in_and_it_is_said_once() {
    let mut house = House::with_all("some key or other", "");
    house.users.tokens = vec![(API_TOKEN, user(1, 3, true), Some("2027-01-01 00:00:00"))];
    let log = Log::begin();
    house.users.is_down = true;
    for _ in 0..50 {
        assert_eq!(house.visitor(&[("x-api-token", API_TOKEN)]).await, nobody(Anonymous::Unavailable));
    }
    let (name, value) = bearer("Bearer ");
    assert!(matches!(house.visitor(&[(name, &value)]).await, Visitor::Admin { .. }));
    house.users.is_down = false;
    assert_eq!(house.visitor(&[("x-api-token", API_TOKEN)]).await, admin(Way::ApiToken));
    assert_eq!(
        log.lines(),
        [
            "WARN Nobody can log in to the web side: the VMS database /srv/vms.db does not exist; set database.url \
             (or --database) to VMS's SQLite file",
            "INFO VMS's users can be looked up again",
        ]
    );
}

#[tokio::test]
async fn a_name_from_vms_is_one_short_line() {
    let mut house = House::with_all("some key or other", "");
    let user = User { username: format!("a\n{}", "b".repeat(100)), ..user(1, 3, true) };
    house.users.tokens = vec![(API_TOKEN, user, Some("2027-01-01 00:00:00"))];
    let visitor = house.visitor(&[("x-api-token", API_TOKEN)]).await;
    let name = format!("a\\n{}…", "b".repeat(60));
    assert_eq!(visitor, Visitor::Admin { name, user_id: Some(1), how: Way::ApiToken });
}
