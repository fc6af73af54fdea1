//! A broken or hostile client loses its own connection and affects nothing else.

use std::time::Duration;

use cached::daemon::Daemon;
use cached_proto::codec::Message as _;
use cached_proto::fault::FaultCode;
use cached_proto::hello::{Protocols, encode_client, parse_daemon};
use cached_proto::message::{Reply, Request, Response};
use cached_proto::verb::refresh::RefreshRequest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::boot::{Home, TIMEOUT, connect, fault, served, within};

/// A timeout short enough to wait for, and long enough for a client that is merely slow on a busy machine.
const SOON: Duration = Duration::from_secs(1);

/// A client that can violate the protocol.
struct Raw(UnixStream);

const HELLO: Protocols = Protocols::OURS;

fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap();
    [&length.to_le_bytes(), message].concat()
}

fn request(request: &Request) -> Vec<u8> {
    framed(&request.encode().unwrap())
}

impl Raw {
    async fn connect(daemon: &Daemon) -> Self {
        Self(UnixStream::connect(daemon.socket()).await.unwrap())
    }

    /// Connects and completes the handshake.
    async fn greeted(daemon: &Daemon) -> Self {
        let mut raw = Self::connect(daemon).await;
        raw.send(&encode_client(HELLO)).await;
        let answer: [u8; 10] = raw.read().await;
        assert!(answer.starts_with(b"VMSC"));
        raw
    }

    /// Sends bytes. The daemon may close the connection before it has read them all: then the rest is not
    /// sent.
    async fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes).await;
    }

    async fn no_more(&mut self) {
        self.0.shutdown().await.unwrap();
    }

    async fn read<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        timeout(TIMEOUT, self.0.read_exact(&mut bytes)).await.unwrap().unwrap();
        bytes
    }

    async fn response(&mut self) -> Response {
        let length = u32::from_le_bytes(self.read().await);
        let mut bytes = vec![0; usize::try_from(length).unwrap()];
        timeout(TIMEOUT, self.0.read_exact(&mut bytes)).await.unwrap().unwrap();
        Response::decode(&bytes).unwrap()
    }

    /// Waits until the daemon has closed the connection, and returns how many bytes arrived before.
    async fn closed(&mut self) -> usize {
        let mut rest = Vec::new();
        // A connection with unread bytes in it is reset; that ends it as well.
        let _ = timeout(TIMEOUT, self.0.read_to_end(&mut rest)).await.unwrap();
        rest.len()
    }
}

#[tokio::test]
async fn a_frame_that_cannot_be_read_is_answered_with_a_fault_and_closed() {
    let home = Home::new();
    let daemon = home.boot().await;
    let trailing = framed(&[0, 0, 0, 0, 7]);
    let too_long = u32::to_le_bytes((1 << 20) + 1).to_vec();
    let unknown_variant = framed(&[200, 0, 0, 0]);
    // A list of types that claims 2^60 elements.
    let greedy = framed(&[3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16]);
    for (what, bytes, code) in [
        ("trailing bytes", trailing, FaultCode::Unsupported),
        ("an empty message", framed(&[]), FaultCode::Unsupported),
        ("an unknown variant", unknown_variant, FaultCode::Unsupported),
        ("garbage", framed(&[0xff; 64]), FaultCode::Unsupported),
        ("a frame over the cap", too_long, FaultCode::BadRequest),
    ] {
        let mut raw = Raw::greeted(&daemon).await;
        raw.send(&bytes).await;
        let Response::Answer(Err(fault)) = raw.response().await else { panic!("{what}: no fault") };
        assert_eq!(fault.code, code, "{what}: {fault:?}");
        assert!(!fault.hint.is_empty(), "{what}");
        assert_eq!(raw.closed().await, 0, "{what}");
        served(&daemon).await;
    }
    let mut raw = Raw::greeted(&daemon).await;
    raw.send(&greedy).await;
    assert!(matches!(raw.response().await, Response::Answer(Err(_))));
    raw.closed().await;
    served(&daemon).await;
}

#[tokio::test]
async fn a_connection_that_ends_within_a_frame_is_closed_without_an_answer() {
    let home = Home::new();
    let daemon = home.boot().await;
    let mut raw = Raw::greeted(&daemon).await;
    raw.send(&[9, 0, 0, 0, 1]).await;
    raw.no_more().await;
    assert_eq!(raw.closed().await, 0);
    served(&daemon).await;
}

#[tokio::test]
async fn a_client_with_another_magic_gets_no_answer() {
    let home = Home::new();
    let daemon = home.boot().await;
    let mut raw = Raw::connect(&daemon).await;
    raw.send(b"GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(raw.closed().await, 0);
    served(&daemon).await;
}

#[tokio::test]
async fn a_client_of_an_unknown_protocol_gets_the_supported_range() {
    let home = Home::new();
    let daemon = home.boot().await;
    let mut raw = Raw::connect(&daemon).await;
    raw.send(&encode_client(Protocols { lowest: 700, highest: 800 })).await;
    let hello = parse_daemon(raw.read().await).unwrap();
    assert_eq!((hello.chosen, hello.speaks), (None, Protocols::OURS));
    assert_eq!(raw.closed().await, 0);
    served(&daemon).await;
}

#[tokio::test]
async fn a_client_that_stalls_is_disconnected() {
    let mut home = Home::new();
    home.limits.hello = SOON;
    home.limits.read = SOON;
    let daemon = home.boot().await;
    let mut silent = Raw::connect(&daemon).await;
    let mut halting = Raw::greeted(&daemon).await;
    halting.send(&[4, 0]).await;
    assert_eq!(silent.closed().await, 0);
    assert_eq!(halting.closed().await, 0);
    served(&daemon).await;
}

#[tokio::test]
async fn an_idle_client_is_disconnected() {
    let mut home = Home::new();
    home.limits.read = SOON;
    home.limits.idle = 2 * SOON;
    let daemon = home.boot().await;
    let mut raw = Raw::greeted(&daemon).await;
    raw.send(&request(&Request::Ping)).await;
    assert!(matches!(raw.response().await, Response::Answer(Ok(_))));
    assert_eq!(raw.closed().await, 0);
}

#[tokio::test]
async fn a_client_beyond_the_limit_gets_a_fault_and_a_freed_place_is_reused() {
    let mut home = Home::new();
    (home.limits.connections, home.limits.kept) = (2, 0);
    let daemon = home.boot().await;
    let (mut first, mut second) = (connect(&daemon).await, connect(&daemon).await);
    first.call(&Request::Ping).await.unwrap();
    second.call(&Request::Ping).await.unwrap();
    let full = fault(connect(&daemon).await.call(&Request::Ping).await);
    assert_eq!((full.code, full.retryable), (FaultCode::Busy, true));
    drop(first);
    // The daemon detects the end of a connection after a delay.
    let freed = async { while connect(&daemon).await.call(&Request::Ping).await.is_err() {} };
    within("the place is free", freed).await;
    second.call(&Request::Ping).await.unwrap();
}

#[tokio::test]
async fn requests_sent_ahead_are_answered_in_order_even_behind_a_stream() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let mut raw = Raw::greeted(&daemon).await;
    let refresh = Request::Refresh(RefreshRequest { wait: true, ..RefreshRequest::default() });
    raw.send(&[request(&Request::Ping), request(&refresh), request(&Request::Ping)].concat()).await;
    assert!(matches!(raw.response().await, Response::Answer(Ok(Reply::Pong(_)))));
    assert!(matches!(raw.response().await, Response::Answer(Ok(Reply::Refresh(_)))));
    while matches!(raw.response().await, Response::Event(_)) {}
    // The response that was not an event is the answer to the second ping; the next one belongs to a third
    // request.
    raw.send(&request(&Request::Health)).await;
    assert!(matches!(raw.response().await, Response::Answer(Ok(Reply::Health(_)))));
}
