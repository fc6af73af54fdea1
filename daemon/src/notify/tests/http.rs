use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::receiver::{Answer, Receiver};
use super::rig::config;
use crate::config::Url;
use crate::describe::describe;
use crate::fetch::{Call, host, with_suffix};
use crate::notify::error::NotifyError;
use crate::notify::http::call;

/// Long enough that only a hang exceeds it.
const LIMIT: Duration = Duration::from_secs(20);

fn url(text: &str) -> Url {
    config(&[("webhook", text)]).notify.webhook.clone().unwrap()
}

#[test]
fn a_suffix_goes_behind_the_path() {
    for (address, suffix, expected) in [
        ("https://hc.example/uuid", "/start", "https://hc.example/uuid/start"),
        ("https://hc.example/uuid/", "/fail", "https://hc.example/uuid/fail"),
        ("https://hc.example/uuid/?rid=1", "/start", "https://hc.example/uuid/start?rid=1"),
        ("https://hc.example/uuid/?rid=1", "", "https://hc.example/uuid/?rid=1"),
        ("https://hc.example", "/fail", "https://hc.example/fail"),
    ] {
        assert_eq!(with_suffix(address, suffix), expected);
    }
}

#[test]
fn of_an_address_only_the_host_is_shown_and_only_where_it_is_plain() {
    for (address, shown) in [
        ("https://hooks.example/T0/secret", "hooks.example"),
        ("https://hooks.example:8443?token=secret", "hooks.example:8443"),
        ("https://me:secret@hooks.example/secret", "hooks.example"),
        ("https://me:sec/ret@hooks.example/", "the receiver"),
        ("https://hooks.example/a@secret", "the receiver"),
    ] {
        assert_eq!(host(&url(address)), shown, "{address}");
    }
}

#[tokio::test]
async fn only_a_good_status_is_good() {
    for (status, good) in
        [(200, true), (204, true), (301, false), (307, false), (404, false), (429, false), (500, false)]
    {
        let mut receiver = Receiver::always(Answer::Status(status)).await;
        let result = call(&url(&receiver.url("/hook")), Call::Post("{}".to_owned()), LIMIT).await;
        let request = receiver.next().await;
        assert_eq!((request.line.as_str(), request.body.as_str()), ("POST /hook", "{}"));
        assert!(request.head.contains("content-type: application/json"), "{}", request.head);
        match result {
            Ok(()) => assert!(good, "{status}"),
            Err(NotifyError::Refused { status: told, .. }) => assert!(!good && told == status),
            Err(other) => panic!("{status}: {other}"),
        }
    }
}

#[tokio::test]
async fn user_and_password_of_the_address_are_sent() {
    let mut receiver = Receiver::always(Answer::Status(200)).await;
    let address = format!("http://me:secret@{}/", receiver.address);
    call(&url(&address), Call::Get(""), LIMIT).await.unwrap();
    let head = receiver.next().await.head;
    assert!(head.contains("authorization: basic bwu6c2vjcmv0"), "{head}");
}

#[tokio::test]
async fn escaped_characters_of_user_and_password_are_sent_as_what_they_stand_for() {
    let mut receiver = Receiver::always(Answer::Status(200)).await;
    for (user_info, credentials) in [
        ("user:p%40w", "user:p@w"),
        ("ada%40example.org:a%2Fb%3Ac%25d", "ada@example.org:a/b:c%d"),
        ("me:caf%C3%A9:x", "me:café:x"),
        ("me:100%", "me:100%"),
        ("token", "token:"),
    ] {
        let address = url(&format!("http://{user_info}@{}/hook", receiver.address));
        let expected = format!("authorization: Basic {}", STANDARD.encode(credentials)).to_lowercase();
        for sent in [Call::Get("/start"), Call::Post("{}".to_owned())] {
            call(&address, sent, LIMIT).await.unwrap();
            let head = receiver.next().await.head;
            let found: Vec<_> = head.lines().filter(|line| line.starts_with("authorization:")).collect();
            assert_eq!(found, [expected.as_str()], "{user_info}");
        }
    }
    call(&url(&receiver.url("/hook")), Call::Get(""), LIMIT).await.unwrap();
    assert!(!receiver.next().await.head.contains("authorization:"));
}

#[tokio::test]
async fn a_receiver_that_hangs_is_given_up() {
    let receiver = Receiver::always(Answer::Never).await;
    let limit = Duration::from_millis(100);
    let error = call(&url(&receiver.url("/")), Call::Get(""), limit).await.unwrap_err();
    assert!(matches!(error, NotifyError::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn no_error_gives_away_what_is_secret() {
    let mut receivers = Vec::new();
    for answer in [Answer::Status(403), Answer::Status(302), Answer::Garbage, Answer::Never] {
        receivers.push(Receiver::always(answer).await);
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut places: Vec<String> =
        receivers.iter().map(|receiver| format!("http://me:secret@{}", receiver.address)).collect();
    places.push(format!("https://me:secret@{}", receivers[2].address));
    places.push(format!("http://me:secret@{nobody}"));
    places.push("http://me:sec/secret@host".to_owned());
    places.push("http://me:secret@no host".replace(' ', "|"));
    places.push("http://me:secret@nowhere.invalid".to_owned());
    for place in places {
        let address = format!("{place}/secret-path?token=secret#secret");
        let limit = Duration::from_secs(2);
        let error = call(&url(&address), Call::Post("{}".to_owned()), limit).await.unwrap_err();
        let (told, debug) = (describe(&error), format!("{error:?}"));
        assert!(!told.contains("secret") && !debug.contains("secret"), "{place}: {told} {debug}");
    }
}
