//! Tests of the two ways to send a notice.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use rustix::process::{Pid, Signal, kill_process};

use super::config;
use super::{Answer, Receiver, TIMEOUT};
use crate::clock::ManualClock;
use crate::config::{Config, Url};
use crate::describe::describe;
use crate::fetch::{Call, Content, host, with_suffix};
use crate::notify::send::{NotifyError, call, start};

/// Long enough that only a hang exceeds it.
const HTTP_LIMIT: Duration = Duration::from_secs(20);

fn post() -> Call {
    Call::Post(Content { media_type: "application/json", headers: Vec::new(), body: "{}".to_owned() })
}

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
fn a_message_shows_only_the_host_of_an_address_and_only_if_it_is_unambiguous() {
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
async fn only_a_status_from_200_to_299_is_a_success() {
    for (status, good) in
        [(200, true), (204, true), (301, false), (307, false), (404, false), (429, false), (500, false)]
    {
        let mut receiver = Receiver::always(Answer::Status(status)).await;
        let result = call(&url(&receiver.url("/hook")), post(), HTTP_LIMIT).await;
        let request = receiver.next().await;
        assert_eq!((request.line.as_str(), request.body.as_str()), ("POST /hook", "{}"));
        assert!(request.head.contains("content-type: application/json"), "{}", request.head);
        match result {
            Ok(()) => assert!(good, "{status}"),
            Err(NotifyError::Refused { status: refused, .. }) => assert!(!good && refused == status),
            Err(other) => panic!("{status}: {other}"),
        }
    }
}

#[tokio::test]
async fn user_and_password_of_the_address_are_sent() {
    let mut receiver = Receiver::always(Answer::Status(200)).await;
    let address = format!("http://me:secret@{}/", receiver.address);
    call(&url(&address), Call::Get(""), HTTP_LIMIT).await.unwrap();
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
        for sent in [Call::Get("/start"), post()] {
            call(&address, sent, HTTP_LIMIT).await.unwrap();
            let head = receiver.next().await.head;
            let found: Vec<_> = head.lines().filter(|line| line.starts_with("authorization:")).collect();
            assert_eq!(found, [expected.as_str()], "{user_info}");
        }
    }
    call(&url(&receiver.url("/hook")), Call::Get(""), HTTP_LIMIT).await.unwrap();
    assert!(!receiver.next().await.head.contains("authorization:"));
}

#[tokio::test]
async fn a_hanging_receiver_is_a_timeout() {
    let receiver = Receiver::always(Answer::Never).await;
    let limit = Duration::from_millis(100);
    let error = call(&url(&receiver.url("/")), Call::Get(""), limit).await.unwrap_err();
    assert!(matches!(error, NotifyError::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn no_error_contains_a_secret() {
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
        let error = call(&url(&address), post(), limit).await.unwrap_err();
        let (message, debug) = (describe(&error), format!("{error:?}"));
        assert!(!message.contains("secret") && !debug.contains("secret"), "{place}: {message} {debug}");
    }
}

const LIMIT: Duration = Duration::from_secs(10);

/// Runs a `sh` script, in which `F` stands for the path of a file.
async fn sh(script: &str, file: &Path, clock: &ManualClock) -> Result<(), NotifyError> {
    let script = script.replace('F', "\"$1\"");
    let line = format!("/bin/sh -c '{script}' sh \"{}\"", file.display());
    let config = config(&[("command", &line)]);
    run(&config, "first\nsecond\n", clock).await
}

async fn run(config: &Config, text: &str, clock: &ManualClock) -> Result<(), NotifyError> {
    let line = config.notify.command.as_ref().unwrap();
    start(line.program().as_ref(), line.arguments(), text, LIMIT, clock).await
}

struct Place {
    dir: tempfile::TempDir,
    clock: ManualClock,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("notify").tempdir().unwrap();
        Self { dir, clock: ManualClock::new(DateTime::UNIX_EPOCH) }
    }

    async fn sh(&self, script: &str) -> Result<(), NotifyError> {
        sh(script, &self.dir.path().join("out"), &self.clock).await
    }

    fn out(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("out")).unwrap_or_default()
    }

    /// Returns the process id that the script has written.
    async fn pid(&self) -> i32 {
        let written = async {
            loop {
                if let Some(pid) = self.out().strip_suffix('\n') {
                    return pid.parse().unwrap();
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(TIMEOUT, written).await.expect("the script writes no process id")
    }
}

/// Whether a process is running; a zombie does not count.
fn lives(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

#[tokio::test]
async fn the_text_is_standard_input() {
    let place = Place::new();
    place.sh("cat > F").await.unwrap();
    assert_eq!(place.out(), "first\nsecond\n");
}

#[tokio::test]
async fn a_command_that_does_not_read_its_input_succeeds() {
    Place::new().sh("exec 0<&-; exit 0").await.unwrap();
}

#[tokio::test]
async fn a_command_gets_no_variable_of_the_daemons_environment() {
    let place = Place::new();
    place.sh("env > F").await.unwrap();
    let out = place.out();
    let mut names: Vec<&str> = out.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    // Variables that the shell sets itself.
    names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    names.sort_unstable();
    assert_eq!(names, ["LANG", "PATH"]);
}

#[tokio::test]
async fn an_error_contains_the_commands_standard_error_on_one_line() {
    let error = Place::new().sh("echo no route >&2; echo to host >&2; exit 3").await.unwrap_err();
    let message = describe(&error);
    assert!(message.starts_with("/bin/sh ended with exit status: 3 (no route\\nto host); "), "{message}");
}

#[tokio::test]
async fn an_error_is_short_even_after_long_standard_error() {
    let error = Place::new().sh("head -c 200000 /dev/zero | tr \"\\000\" x >&2; exit 1").await.unwrap_err();
    assert!(describe(&error).len() < 500);
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_named_in_the_error() {
    let config = config(&[("command", "/nonexistent/mail root")]);
    let clock = ManualClock::new(DateTime::UNIX_EPOCH);
    let error = run(&config, "", &clock).await.unwrap_err();
    assert!(matches!(error, NotifyError::Start { .. }), "{error}");
    assert!(error.to_string().starts_with("/nonexistent/mail cannot be started"), "{error}");
}

#[tokio::test]
async fn after_the_timeout_a_command_is_killed_with_its_children() {
    let place = Place::new();
    let wait = async {
        let child = place.pid().await;
        assert!(lives(child));
        place.clock.advance(LIMIT);
        child
    };
    let (ended, child) = tokio::join!(place.sh("sleep 1000 & echo $! > F; wait"), wait);
    assert!(matches!(ended, Err(NotifyError::TimedOut { limit: LIMIT, .. })), "{ended:?}");
    let dying = async {
        while lives(child) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(TIMEOUT, dying).await.expect("the child lives on");
}

#[tokio::test]
async fn a_background_process_of_a_command_is_neither_waited_for_nor_killed() {
    let place = Place::new();
    place.sh("sleep 1000 & echo $! > F; exit 0").await.unwrap();
    let child = place.pid().await;
    assert!(lives(child));
    kill_process(Pid::from_raw(child).unwrap(), Signal::KILL).unwrap();
}
