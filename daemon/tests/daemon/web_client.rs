//! An HTTP client that sends exactly the given request.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;

use cached::daemon::Daemon;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::boot::{Home, TIMEOUT};

/// The operator's token.
const TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// The header that VMS's own scripts send.
pub(crate) const JSON: (&str, &str) = ("Content-Type", "application/json");

/// The `Accept` header of browsers.
pub(crate) const BROWSER: (&str, &str) = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");

/// Enables the web side of this home's daemons, on a port of their own, with the operator's token.
pub(crate) fn serve_web(home: &mut Home) {
    let file = home.path("token");
    std::fs::write(&file, TOKEN).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    home.set("http", "listen", "127.0.0.1:0");
    home.set("http", "token_file", &file.to_string_lossy());
}

pub(crate) fn address(daemon: &Daemon) -> SocketAddr {
    daemon.http().unwrap()
}

pub(crate) fn authorization() -> String {
    format!("Bearer {TOKEN}")
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }

    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_lowercase(), value.to_owned())
        };
        Self { status, headers: lines.map(header).collect(), body: body.to_owned() }
    }
}

/// A connection over which any bytes can be sent.
pub(crate) struct Line(TcpStream);

impl Line {
    pub(crate) async fn open(daemon: &Daemon) -> Self {
        Self(TcpStream::connect(address(daemon)).await.unwrap())
    }

    /// Sends text. The daemon may close the connection before it has read all of it: then the rest is not
    /// sent.
    pub(crate) async fn say(&mut self, text: &str) {
        let _ = self.0.write_all(text.as_bytes()).await;
    }

    /// Returns everything received until the daemon closes the connection.
    pub(crate) async fn hear(&mut self) -> String {
        let mut bytes = Vec::new();
        // On a reset, the bytes received before it count.
        let _ = timeout(TIMEOUT, self.0.read_to_end(&mut bytes)).await.unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Returns what is received up to and including `words`.
    pub(crate) async fn hear_until(&mut self, words: &str) -> String {
        let mut bytes = Vec::new();
        while !String::from_utf8_lossy(&bytes).contains(words) {
            let heard = timeout(TIMEOUT, self.0.read_buf(&mut bytes)).await.unwrap().unwrap();
            assert_ne!(heard, 0, "the end came before {words:?}: {}", String::from_utf8_lossy(&bytes));
        }
        String::from_utf8(bytes).unwrap()
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        Answer::read(&self.hear().await)
    }
}

/// Returns the text of a request.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut text = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    if !headers.iter().any(|(name, _)| *name == "Host") {
        text += "Host: 127.0.0.1\r\n";
    }
    if !body.is_empty() {
        write!(text, "Content-Length: {}\r\n", body.len()).unwrap();
    }
    text + "\r\n" + body
}

/// Sends a request without credentials.
pub(crate) async fn ask(
    daemon: &Daemon,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut line = Line::open(daemon).await;
    line.say(&request(method, path, headers, body)).await;
    line.answer().await
}

/// Sends a request with the operator's token.
pub(crate) async fn trusted(
    daemon: &Daemon,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let token = authorization();
    let headers: Vec<(&str, &str)> =
        headers.iter().copied().chain([("Authorization", token.as_str())]).collect();
    ask(daemon, method, &format!("/management/cache/{path}"), &headers, body).await
}

/// Returns the JSON of a `GET`, which must succeed.
pub(crate) async fn get(daemon: &Daemon, path: &str) -> Value {
    let answer = trusted(daemon, "GET", path, &[], "").await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

/// Sends JSON.
pub(crate) async fn post(daemon: &Daemon, path: &str, body: &str) -> Answer {
    trusted(daemon, "POST", path, &[JSON], body).await
}
