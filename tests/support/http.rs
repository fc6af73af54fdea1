//! A minimal HTTP/1.1 client that sends exactly the given headers.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use crate::wait;

/// A response.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Status line and headers, in lower case.
    pub head: String,
    /// Body, as sent.
    pub body: String,
}

/// Sends one request on a connection of its own. Without a `Host` among the headers, the address is sent as
/// host.
pub fn ask(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    for (name, value) in headers {
        write!(request, "{name}: {value}\r\n").unwrap();
    }
    if !headers.iter().any(|(name, _)| *name == "Host") {
        write!(request, "Host: {address}\r\n").unwrap();
    }
    request += "\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_lowercase(), body: body.to_owned() }
}

/// Waits until the daemon that logs to this directory serves HTTP, and returns its address.
pub fn served_at(log: &Path) -> SocketAddr {
    wait::until("the daemon serves the web", || {
        let text = std::fs::read_to_string(log.join("cache_manager.log")).ok()?;
        let (_, rest) = text.rsplit_once("Serving http://")?;
        rest.split('/').next()?.parse().ok()
    })
}
