//! The hello, as bytes and as a conversation.

use cached_proto::hello::{
    DaemonHello, HelloError, Protocols, encode_client, encode_daemon, greet, parse_client, parse_daemon,
    welcome,
};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

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
async fn a_daemon_tells_a_stranger_nothing() {
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
async fn a_client_believes_no_daemon_that_contradicts_itself() {
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
    fn what_is_sent_is_what_is_read(a: u16, b: u16) {
        let speaks = protocols(a.min(b), a.max(b));
        prop_assert_eq!(parse_client(encode_client(speaks))?, speaks);
        let hello = DaemonHello { chosen: speaks.common(speaks), speaks };
        prop_assert_eq!(parse_daemon(encode_daemon(hello))?, hello);
    }

    #[test]
    fn it_does_not_matter_who_chooses(a: u16, b: u16, c: u16, d: u16) {
        let (ours, theirs) = (protocols(a.min(b), a.max(b)), protocols(c.min(d), c.max(d)));
        prop_assert_eq!(ours.common(theirs), theirs.common(ours));
    }
}
