//! A minimal HTTP/1.1 client that sends exactly the given headers.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

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

/// A connection that is kept for many requests.
#[derive(Debug)]
pub struct Line {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
}

impl Line {
    /// Connects. A daemon that does not answer within `timeout` makes a request fail.
    pub fn open(address: SocketAddr, timeout: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(timeout))?;
        Ok(Self { stream: BufReader::new(stream), address })
    }

    /// Sends a request and returns its answer, which must announce its length.
    pub fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> io::Result<Answer> {
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        for (name, value) in headers {
            write!(request, "{name}: {value}\r\n").unwrap();
        }
        self.stream.get_mut().write_all((request + "\r\n").as_bytes())?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        self.stream.read_exact(&mut body)?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Ok(Answer { status, head, body: String::from_utf8(body).unwrap() })
    }
}

impl Answer {
    /// Returns the value of a header; its name is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}
