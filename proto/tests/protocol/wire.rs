//! The wire from the first byte: the hello, messages as bytes, and frames that come whole, in pieces, too long or cut
//! off.

use cached_proto::codec::{CodecError, Message};
use cached_proto::fault::{Fault, FaultCode};
use cached_proto::frame::{FrameError, REQUEST_CAP, RESPONSE_CAP, client_framed, daemon_framed};
use cached_proto::hello::{
    DaemonHello, HelloError, Protocols, encode_client, encode_daemon, greet, parse_client, parse_daemon,
    welcome,
};
use cached_proto::message::{Reply, Request, Response};
use cached_proto::verb::refresh::RefreshRequest;
use cached_proto::words::Table;
use futures_util::{SinkExt, StreamExt};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use crate::any::any;
use crate::samples;

const fn protocols(lowest: u16, highest: u16) -> Protocols {
    Protocols { lowest, highest }
}

#[test]
fn both_hellos_have_fixed_bytes() {
    assert_eq!(encode_client(protocols(1, 0x0203)), *b"VMSC\x01\x00\x03\x02");
    let chosen = DaemonHello { chosen: Some(2), speaks: protocols(1, 3) };
    assert_eq!(encode_daemon(chosen), *b"VMSC\x02\x00\x01\x00\x03\x00");
    let refused = DaemonHello { chosen: None, speaks: protocols(4, 5) };
    assert_eq!(encode_daemon(refused), *b"VMSC\x00\x00\x04\x00\x05\x00");
}

#[test]
fn the_newest_common_number_is_chosen() {
    for (ours, theirs, common) in [
        ((1, 1), (1, 1), Some(1)),
        ((1, 3), (2, 5), Some(3)),
        ((2, 5), (1, 3), Some(3)),
        ((1, 5), (2, 3), Some(3)),
        ((1, 1), (2, 2), None),
        ((3, 4), (1, 2), None),
        // Zero stands for "none" and is never a protocol.
        ((0, 0), (0, 0), None),
        ((0, u16::MAX), (0, u16::MAX), Some(u16::MAX)),
    ] {
        let (ours, theirs) = (protocols(ours.0, ours.1), protocols(theirs.0, theirs.1));
        assert_eq!(ours.common(theirs), common, "{ours} and {theirs}");
    }
}

#[tokio::test]
async fn client_and_daemon_agree() {
    let (mut client, mut daemon) = duplex(64);
    let (client, daemon) =
        tokio::join!(greet(&mut client, protocols(1, 2)), welcome(&mut daemon, protocols(2, 4)));
    assert_eq!((client.unwrap(), daemon.unwrap()), (2, 2));
}

#[tokio::test]
async fn without_a_common_number_both_sides_can_name_both() {
    let (mut client, mut daemon) = duplex(64);
    let (client, daemon) =
        tokio::join!(greet(&mut client, protocols(1, 1)), welcome(&mut daemon, protocols(2, 4)));
    let client = client.unwrap_err().to_string();
    assert!(client.contains("this side speaks 1, the peer 2 to 4"), "{client}");
    let daemon = daemon.unwrap_err().to_string();
    assert!(daemon.contains("this side speaks 2 to 4, the peer 1"), "{daemon}");
}

#[tokio::test]
async fn a_daemon_sends_nothing_to_a_peer_with_another_magic() {
    let (mut stranger, mut daemon) = duplex(64);
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let error = welcome(&mut daemon, Protocols::OURS).await.unwrap_err();
    assert!(error.to_string().contains("\"GET \""), "{error}");
    drop(daemon);
    let mut heard = Vec::new();
    stranger.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"");
}

#[tokio::test]
async fn a_daemon_hello_that_contradicts_itself_is_an_error() {
    for (hello, why) in [
        (b"VMSC\x02\x00\x01\x00\x01\x00", "it does not speak"),
        (b"VMSC\x02\x00\x01\x00\x02\x00", "not offered"),
        (b"VMSC\x01\x00\x02\x00\x01\x00", "above its highest"),
        (b"ESC\x1b\x01\x00\x01\x00\x01\x00", "ESC\\x1b"),
    ] {
        let (mut client, mut daemon) = duplex(64);
        daemon.write_all(hello).await.unwrap();
        let error = greet(&mut client, protocols(1, 1)).await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_peer_that_hangs_up_is_an_error() {
    let (mut client, mut daemon) = duplex(64);
    client.write_all(b"VMSC\x01").await.unwrap();
    drop(client);
    let error = welcome(&mut daemon, Protocols::OURS).await.unwrap_err();
    assert!(matches!(error, HelloError::Io(_)), "{error}");
}

proptest! {
    #[test]
    fn any_bytes_are_a_client_hello_or_an_error(bytes: [u8; 8]) {
        if let Ok(speaks) = parse_client(bytes) {
            prop_assert_eq!(encode_client(speaks), bytes);
        }
    }

    #[test]
    fn any_bytes_are_a_daemon_hello_or_an_error(bytes: [u8; 10]) {
        if let Ok(hello) = parse_daemon(bytes) {
            prop_assert_eq!(encode_daemon(hello), bytes);
        }
    }

    #[test]
    fn a_hello_decodes_to_what_was_encoded(a: u16, b: u16) {
        let speaks = protocols(a.min(b), a.max(b));
        prop_assert_eq!(parse_client(encode_client(speaks))?, speaks);
        let hello = DaemonHello { chosen: speaks.common(speaks), speaks };
        prop_assert_eq!(parse_daemon(encode_daemon(hello))?, hello);
    }

    #[test]
    fn the_common_number_is_the_same_from_both_sides(a: u16, b: u16, c: u16, d: u16) {
        let (ours, theirs) = (protocols(a.min(b), a.max(b)), protocols(c.min(d), c.max(d)));
        prop_assert_eq!(ours.common(theirs), theirs.common(ours));
    }
}

proptest! {
    #[test]
    fn every_request_decodes_to_what_was_encoded(request in any::<Request>()) {
        prop_assert_eq!(Request::decode(&request.encode()?)?, request);
    }

    #[test]
    fn every_response_decodes_to_what_was_encoded(response in any::<Response>()) {
        prop_assert_eq!(Response::decode(&response.encode()?)?, response);
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error(bytes in prop::collection::vec(0..=u8::MAX, 0..256)) {
        let _ = Request::decode(&bytes);
        let _ = Response::decode(&bytes);
    }

    /// Damaged messages get further into the decoder than random bytes do.
    #[test]
    fn a_damaged_message_is_a_message_or_an_error(
        response in any::<Response>(),
        at: prop::sample::Index,
        patch: [u8; 8],
    ) {
        let mut bytes = response.encode()?;
        let at = at.index(bytes.len());
        for (byte, new) in bytes.iter_mut().skip(at).zip(patch) {
            *byte = new;
        }
        let _ = Response::decode(&bytes);
    }

    #[test]
    fn a_message_cut_short_is_refused(response in any::<Response>(), at: prop::sample::Index) {
        let bytes = response.encode()?;
        let cut = &bytes[..at.index(bytes.len())];
        let refused = matches!(Response::decode(cut), Err(CodecError::Malformed { .. }));
        prop_assert!(refused);
    }

    #[test]
    fn bytes_after_a_message_are_refused(request in any::<Request>(), extra in 1_usize..9) {
        let mut bytes = request.encode()?;
        bytes.resize(bytes.len() + extra, 0);
        match Request::decode(&bytes) {
            Err(CodecError::Trailing { extra: found, .. }) => prop_assert_eq!(found, extra),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}

/// A refresh of so many tables; its encoding has 23 bytes and 4 more for each.
fn refresh_of(tables: usize) -> Request {
    Request::Refresh(RefreshRequest {
        tables: vec![Table::OrganizationReports; tables],
        ..Default::default()
    })
}

/// A fault with so long a message; its encoding has 29 bytes and the message's.
fn fault_of(length: usize) -> Response {
    let message = "x".repeat(length);
    Response::Answer(Err(Fault { code: FaultCode::Internal, message, hint: String::new(), retryable: false }))
}

#[test]
fn a_request_of_exactly_its_cap_is_accepted_and_one_byte_more_is_refused() {
    let most = (REQUEST_CAP - 23) / 4;
    let largest = refresh_of(most);
    assert_eq!(Request::decode(&largest.encode().unwrap()).unwrap(), largest);
    let error = refresh_of(most + 1).encode().unwrap_err();
    assert!(matches!(error, CodecError::TooLong { cap: REQUEST_CAP, .. }), "{error}");
}

#[test]
fn a_response_of_exactly_its_cap_is_accepted_and_one_byte_more_is_refused() {
    let largest = fault_of(RESPONSE_CAP - 29);
    let bytes = largest.encode().unwrap();
    assert_eq!(bytes.len(), RESPONSE_CAP);
    assert!(Response::decode(&bytes).unwrap() == largest);
    let error = fault_of(RESPONSE_CAP - 28).encode().unwrap_err();
    assert!(matches!(error, CodecError::TooLong { cap: RESPONSE_CAP, .. }), "{error}");
}

/// A fault whose message claims `length` bytes and has two.
fn fault_that_claims(length: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in [0_u32, 1, 5] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(length.to_le_bytes());
    bytes.extend(b"hi");
    bytes
}

#[test]
fn a_text_that_claims_more_than_the_cap_is_refused_before_anything_is_allocated() {
    // Allocating what is claimed would abort the process, so this test ends if the limit is ever lost.
    for claimed in [RESPONSE_CAP as u64, 1 << 40, 1 << 62, u64::MAX] {
        let error = Response::decode(&fault_that_claims(claimed)).unwrap_err();
        assert!(matches!(error, CodecError::TooLong { cap: RESPONSE_CAP, .. }), "{claimed}: {error}");
    }
}

#[test]
fn a_text_longer_than_its_message_is_refused() {
    let error = Response::decode(&fault_that_claims(3)).unwrap_err();
    assert!(matches!(error, CodecError::Malformed { .. }), "{error}");
}

#[test]
fn a_list_longer_than_its_message_is_refused() {
    for claimed in [1, 1 << 20, 1 << 40, u64::MAX] {
        let mut bytes = 3_u32.to_le_bytes().to_vec();
        bytes.extend(claimed.to_le_bytes());
        let error = Request::decode(&bytes).unwrap_err();
        assert!(matches!(error, CodecError::Malformed { .. }), "{claimed}: {error}");
    }
}

#[test]
fn an_unknown_variant_is_an_error_and_not_another_request() {
    for position in [255_u32, 1 << 16, u32::MAX] {
        let error = Request::decode(&position.to_le_bytes()).unwrap_err();
        assert!(matches!(error, CodecError::Malformed { what: "request", .. }), "{error}");
    }
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

#[tokio::test]
async fn client_and_daemon_exchange_messages_and_end_cleanly() {
    let (client, daemon) = duplex(1 << 16);
    let (mut client, mut daemon) = (client_framed(client), daemon_framed(daemon));
    for request in samples::requests() {
        client.send(&request).await.unwrap();
        assert_eq!(daemon.next().await.unwrap().unwrap(), request);
    }
    for reply in samples::replies() {
        let response = Response::Answer(Ok(reply));
        daemon.send(&response).await.unwrap();
        assert_eq!(client.next().await.unwrap().unwrap(), response);
    }
    drop(client);
    assert!(daemon.next().await.is_none(), "a clean end is no error");
}

#[tokio::test]
async fn the_pieces_in_which_bytes_arrive_do_not_matter() {
    // A pipe of one byte makes every read a piece of its own.
    let (client, daemon) = duplex(1);
    let (mut client, daemon) = (client_framed(client), daemon_framed(daemon));
    let requests = samples::requests();
    let send = async {
        for request in &requests {
            client.send(request).await.unwrap();
        }
        drop(client);
    };
    let ((), received) = tokio::join!(send, daemon.collect::<Vec<_>>());
    let received: Vec<Request> = received.into_iter().map(Result::unwrap).collect();
    assert_eq!(received, requests);
}

#[tokio::test]
async fn each_direction_has_its_own_cap() {
    for announced in [REQUEST_CAP + 1, u32::MAX as usize] {
        let (mut hostile, daemon) = duplex(64);
        hostile.write_all(&length(announced)).await.unwrap();
        let error = daemon_framed(daemon).next().await.unwrap().unwrap_err();
        assert!(matches!(error, FrameError::TooLong { cap: REQUEST_CAP }), "{error}");
    }
    let (client, mut hostile) = duplex(64);
    hostile.write_all(&length(RESPONSE_CAP + 1)).await.unwrap();
    let error = client_framed(client).next().await.unwrap().unwrap_err();
    assert!(matches!(error, FrameError::TooLong { cap: RESPONSE_CAP }), "{error}");
}

#[tokio::test]
async fn an_announcement_alone_costs_no_memory() {
    let (client, mut hostile) = duplex(64);
    hostile.write_all(&length(RESPONSE_CAP)).await.unwrap();
    drop(hostile);
    let mut client = client_framed(client);
    assert!(matches!(client.next().await, Some(Err(FrameError::CutOff))));
    assert!(client.read_buffer().capacity() < 1 << 16, "{}", client.read_buffer().capacity());
}

#[tokio::test]
async fn a_connection_that_ends_within_a_frame_is_an_error() {
    let whole = [&length(4)[..], &[0; 4]].concat();
    for cut in 1..whole.len() {
        let (mut client, daemon) = duplex(64);
        client.write_all(&whole[..cut]).await.unwrap();
        drop(client);
        let end = daemon_framed(daemon).next().await;
        assert!(matches!(end, Some(Err(FrameError::CutOff))), "{cut}: {end:?}");
    }
}

#[tokio::test]
async fn the_daemon_can_answer_a_message_that_it_cannot_read() {
    let (mut client, daemon) = duplex(1 << 10);
    let mut daemon = daemon_framed(daemon);
    client.write_all(&[&length(4)[..], &[0xff; 4]].concat()).await.unwrap();
    assert!(matches!(daemon.next().await, Some(Err(FrameError::Codec(_)))));
    assert!(daemon.next().await.is_none(), "nothing more is read from such a peer");

    let fault = Fault {
        code: FaultCode::Unsupported,
        message: "unknown request".to_owned(),
        hint: String::new(),
        retryable: false,
    };
    daemon.send(&Response::Answer(Err(fault.clone()))).await.unwrap();
    let heard = client_framed(client).next().await.unwrap().unwrap();
    assert_eq!(heard, Response::Answer(Err(fault)));
}

#[tokio::test]
async fn a_message_over_its_cap_is_not_sent_and_the_connection_stays_usable() {
    let (client, daemon) = duplex(1 << 10);
    let (mut client, mut daemon) = (client_framed(client), daemon_framed(daemon));
    let tables = vec![Table::OrganizationReports; REQUEST_CAP];
    let error =
        client.send(&Request::Refresh(RefreshRequest { tables, ..Default::default() })).await.unwrap_err();
    assert!(matches!(error, FrameError::Codec(_)), "{error}");

    client.send(&Request::Ping).await.unwrap();
    assert_eq!(daemon.next().await.unwrap().unwrap(), Request::Ping);
    daemon.send(&Response::Answer(Ok(Reply::Pong(samples::pong())))).await.unwrap();
    assert!(client.next().await.unwrap().is_ok());
}
