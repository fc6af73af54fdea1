//! A broken or hostile client loses its own connection and affects nothing else.

use std::time::Duration;

use cached_proto::fault::FaultCode;
use cached_proto::hello::{Protocols, encode_client, parse_daemon};
use cached_proto::message::{Reply, Request, Response};
use cached_proto::verb::refresh::RefreshRequest;

use crate::boot::{Home, connect, fault, served, within};
use crate::raw::{Raw, framed, request};

/// A timeout short enough to wait for, and long enough for a client that is merely slow on a busy machine.
const SOON: Duration = Duration::from_secs(1);

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
async fn a_connection_that_ends_within_a_frame_is_closed_without_a_word() {
    let home = Home::new();
    let daemon = home.boot().await;
    let mut raw = Raw::greeted(&daemon).await;
    raw.send(&[9, 0, 0, 0, 1]).await;
    raw.no_more().await;
    assert_eq!(raw.closed().await, 0);
    served(&daemon).await;
}

#[tokio::test]
async fn a_stranger_is_not_answered() {
    let home = Home::new();
    let daemon = home.boot().await;
    let mut raw = Raw::connect(&daemon).await;
    raw.send(b"GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(raw.closed().await, 0);
    served(&daemon).await;
}

#[tokio::test]
async fn a_client_of_another_protocol_is_told_which_ones_are_spoken() {
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
async fn a_client_too_many_is_told_so_and_a_freed_place_is_given_again() {
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
async fn requests_may_be_sent_ahead_also_behind_one_that_streams() {
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
