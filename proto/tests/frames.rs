//! Frames on a connection: whole, in pieces, too long, cut off.

#[path = "support/samples.rs"]
#[expect(dead_code, reason = "frames carry any message alike")]
mod samples;

use cached_proto::fault::{Fault, FaultCode};
use cached_proto::frame::{FrameError, REQUEST_CAP, RESPONSE_CAP, client_framed, daemon_framed};
use cached_proto::message::{Reply, Request, Response};
use cached_proto::verb::refresh::RefreshRequest;
use cached_proto::words::Table;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncWriteExt, duplex};

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

#[tokio::test]
async fn messages_cross_in_both_directions() {
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
async fn a_message_over_its_cap_is_not_sent_and_harms_nothing() {
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
