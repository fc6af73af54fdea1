//! Tests of authentication through `Authority`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use axum::http::Request;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use tracing::Dispatch;

use super::{Anonymous, Authority, Visitor, Way};
use crate::clock::ManualClock;
use crate::config::{Config, Instance, Overrides, ProcessEnvironment};
use crate::vms::users::{Lookup, User, Users, VmsUsers};
use crate::vms::{Gateway, VmsError};

mod attempts;
mod credentials;
mod requests;

const NOW: DateTime<Utc> = DateTime::from_timestamp(1_773_576_000, 0).unwrap();

const BEARER: &str = "a-bearer-token-of-40-characters-exactly.";
const API_TOKEN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// Names and values of headers.
type Headers<'a> = &'a [(&'a str, &'a str)];

/// The environment of a test: configuration, clock, and VMS's users.
pub(super) struct House {
    dir: tempfile::TempDir,
    pub(super) clock: Arc<ManualClock>,
    pub(super) authority: Authority,
    pub(super) users: KnownUsers,
}

impl House {
    /// An environment with these lines below `[http]`.
    pub(super) fn new(lines: &str) -> Self {
        Self::with_secrets(lines, &[])
    }

    /// An environment with these files next to the configuration, whose lines refer to them as `DIR/…`.
    pub(super) fn with_secrets(lines: &str, files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, contents) in files {
            write_private(&dir.path().join(name), contents);
        }
        let clock = Arc::new(ManualClock::new(NOW));
        let http = config(dir.path(), lines).http;
        let authority = Authority::new(&http, clock.clone());
        Self { dir, clock, authority: authority.unwrap(), users: KnownUsers::default() }
    }

    /// An environment with VMS's key.
    pub(super) fn with_key(key: &str) -> Self {
        Self::with_secrets("secret_key_file = \"DIR/key\"", &[("key", key)])
    }

    /// An environment with all ways to authenticate, except open viewing.
    pub(super) fn with_all(key: &str, more: &str) -> Self {
        let lines = "secret_key_file = \"DIR/key\"\ntoken_file = \"DIR/token\"\napi_tokens = true\n";
        Self::with_secrets(&format!("{lines}{more}"), &[("key", key), ("token", BEARER)])
    }

    /// Applies other lines; the files stay.
    pub(super) fn rebuild(&mut self, lines: &str) {
        self.authority = self.authority.rebuilt(&config(self.dir.path(), lines).http);
    }

    pub(super) async fn visitor(&self, headers: &[(&str, &str)]) -> Visitor {
        self.visitor_from("127.0.0.1", headers).await
    }

    pub(super) async fn visitor_from(&self, peer: &str, headers: &[(&str, &str)]) -> Visitor {
        self.authority.visitor(&request(headers), ip(peer), &self.users, NOW).await
    }
}

pub(super) fn write_private(path: &std::path::Path, contents: &str) {
    std::fs::write(path, contents).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn config(dir: &std::path::Path, lines: &str) -> Config {
    let file = dir.join("cached.toml");
    let lines = lines.replace("DIR", &dir.display().to_string());
    std::fs::write(&file, format!("[database]\nurl = \"/srv/vms.db\"\n[http]\n{lines}")).unwrap();
    let environment = ProcessEnvironment {
        env: BTreeMap::from([("HOME".to_owned(), "/home/ada".to_owned())]),
        cwd: PathBuf::from("/"),
        uid: 1000,
        now: chrono::DateTime::UNIX_EPOCH,
        instance: Instance::default(),
        system_zone: crate::config::SystemZone::default(),
        default_file: file,
    };
    Config::load(&Overrides::default(), &environment).unwrap()
}

/// A POST with these headers; the host is the address that the server listens on, unless they say otherwise.
pub(super) fn request(headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::post("/management/cache/");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        request = request.header("host", "127.0.0.1:8321");
    }
    for (name, value) in headers {
        request = request.header(*name, value.as_bytes());
    }
    request.body(()).unwrap().into_parts().0
}

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(super) fn admin(how: Way) -> Visitor {
    Visitor::Admin { name: "ada".to_owned(), user_id: Some(1), how }
}

pub(super) fn unauthenticated(why: Anonymous) -> Visitor {
    Visitor::Unauthenticated(why)
}

/// Users in memory, and a counter of lookups.
#[derive(Default)]
pub(super) struct KnownUsers {
    pub(super) users: Vec<User>,
    /// API token, user, expiry.
    pub(super) tokens: Vec<(&'static str, User, Option<&'static str>)>,
    pub(super) is_down: bool,
    pub(super) lookups: AtomicUsize,
}

impl KnownUsers {
    fn found<T: Send + 'static>(&self, found: Option<T>) -> Lookup<'_, T> {
        self.lookups.fetch_add(1, Ordering::Relaxed);
        let missing = || VmsError::Missing { path: "/srv/vms.db".into() };
        Box::pin(std::future::ready(if self.is_down { Err(missing()) } else { Ok(found) }))
    }
}

impl Users for KnownUsers {
    fn by_id(&self, id: i64) -> Lookup<'_, User> {
        self.found(self.users.iter().find(|user| user.id == id).cloned())
    }

    fn by_api_token<'a>(&'a self, token: &'a str) -> Lookup<'a, (User, Option<String>)> {
        let found = self.tokens.iter().find(|(known, ..)| *known == token);
        self.found(found.map(|(_, user, expiry)| (user.clone(), expiry.map(str::to_owned))))
    }
}

pub(super) fn user(id: i64, security_level: i64, is_active: bool) -> User {
    User { id, username: "ada".to_owned(), security_level, is_active }
}

/// While there is only one subscriber, tracing lets a thread that has none decide whether a message is wanted, and
/// remembers its "never" for all threads. A second subscriber prevents that.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));

/// Captures everything that is logged on this thread while it exists.
pub(super) struct Log {
    text: Arc<Mutex<Vec<u8>>>,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Log {
    pub(super) fn begin() -> Self {
        LazyLock::force(&SECOND);
        let text = Arc::<Mutex<Vec<u8>>>::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .without_time()
            .with_writer({
                let text = Arc::clone(&text);
                move || Lines(Arc::clone(&text))
            })
            .finish();
        Self { text, _guard: tracing::subscriber::set_default(subscriber) }
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.text.lock().unwrap().clone()).unwrap()
    }

    /// Level and message of each line.
    pub(super) fn lines(&self) -> Vec<String> {
        let target = "cached::web::auth::authority: ";
        self.text().lines().map(|line| line.trim_start().replace(target, "")).collect()
    }
}

/// A writer behind a lock.
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
