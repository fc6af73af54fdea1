//! The client against a daemon that follows a script.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cached_proto::client::{Client, ClientError, Events, Timeouts};
use cached_proto::fault::Fault;
use cached_proto::frame::{DaemonFrames, daemon_framed};
use cached_proto::hello::{PROTOCOL, Protocols, welcome};
use cached_proto::message::{Reply, Request, Response};
use cached_proto::verb::ping::PingRequest;
use cached_proto::verb::refresh::{Progress, RefreshReply, RefreshRequest};
use cached_proto::verb::reload::ReloadRequest;
use futures_util::{SinkExt, StreamExt};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use crate::samples;

/// So long that only a hang would reach it.
const PATIENT: Timeouts = Timeouts { connect: Duration::from_mins(1), answer: Duration::from_mins(1) };

/// For peers that never send anything.
const IMPATIENT: Timeouts =
    Timeouts { connect: Duration::from_millis(20), answer: Duration::from_millis(20) };

/// A socket in a directory of its own, and the task that listens there.
struct Listening {
    path: PathBuf,
    daemon: JoinHandle<()>,
    _dir: TempDir,
}

/// Listens, and gives the one connection to `script` before the hello.
fn listen<F>(script: impl FnOnce(UnixStream) -> F + Send + 'static) -> Listening
where
    F: Future<Output = ()> + Send,
{
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cached.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let daemon = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        script(stream).await;
    });
    Listening { path, daemon, _dir: dir }
}

/// Listens, says hello, and gives the one connection to `script`.
fn serve<F>(script: impl FnOnce(DaemonFrames<UnixStream>) -> F + Send + 'static) -> Listening
where
    F: Future<Output = ()> + Send,
{
    listen(async move |mut stream| {
        welcome(&mut stream, Protocols::OURS).await.unwrap();
        script(daemon_framed(stream)).await;
    })
}

async fn answer(frames: &mut DaemonFrames<UnixStream>, answer: Result<Reply, Fault>) {
    frames.next().await.unwrap().unwrap();
    frames.send(&Response::Answer(answer)).await.unwrap();
}

fn pong() -> Reply {
    Reply::Pong(samples::pong())
}

async fn connect_error(path: &Path, timeouts: Timeouts) -> ClientError {
    Client::connect(path, timeouts).await.unwrap_err()
}

#[tokio::test]
async fn one_connection_carries_one_call_after_another() {
    let listening = serve(async |mut frames| {
        for _ in 0..3 {
            answer(&mut frames, Ok(pong())).await;
        }
    });
    let mut client = Client::connect(&listening.path, PATIENT).await.unwrap();
    assert_eq!(client.protocol(), PROTOCOL);
    for _ in 0..3 {
        assert_eq!(client.call(&Request::Ping).await.unwrap(), pong());
    }
}

#[tokio::test]
async fn a_fault_is_an_error_and_leaves_the_connection_usable() {
    let fault = samples::faults().remove(1);
    let sent = fault.clone();
    let listening = serve(async move |mut frames| {
        answer(&mut frames, Err(sent)).await;
        answer(&mut frames, Ok(pong())).await;
    });
    let mut client = Client::connect(&listening.path, PATIENT).await.unwrap();
    let error = client.call(&Request::StopScheduler).await.unwrap_err();
    assert!(matches!(error, ClientError::Fault(ref heard) if *heard == fault), "{error}");
    assert_eq!(client.call(&Request::Ping).await.unwrap(), pong());
}

#[tokio::test]
async fn an_answer_has_the_type_of_its_request() {
    let listening = serve(async |mut frames| {
        answer(&mut frames, Ok(pong())).await;
        answer(&mut frames, Ok(pong())).await;
    });
    let mut client = Client::connect(&listening.path, PATIENT).await.unwrap();
    assert_eq!(client.call(PingRequest).await.unwrap(), samples::pong());
    let error = client.call(ReloadRequest).await.unwrap_err();
    assert!(matches!(error, ClientError::WrongReply { verb: "reload" }), "{error:?}");
}

#[tokio::test]
async fn without_a_listener_the_error_says_how_to_start_the_daemon() {
    let dir = tempfile::tempdir().unwrap();
    let stale = dir.path().join("stale.sock");
    drop(UnixListener::bind(&stale).unwrap());
    for path in [dir.path().join("missing.sock"), stale] {
        let error = connect_error(&path, PATIENT).await;
        assert!(matches!(error, ClientError::Unreachable { .. }), "{error:?}");
        let message = error.to_string();
        assert!(message.contains(path.to_str().unwrap()), "{message}");
        assert!(message.contains("`systemctl start cached` or `cached run`"), "{message}");
    }
}

#[tokio::test]
async fn a_path_that_no_socket_can_have_is_unreachable() {
    for path in ["", "/nul\0byte", &format!("/{}", "x".repeat(200))] {
        let error = connect_error(Path::new(path), PATIENT).await;
        assert!(matches!(error, ClientError::Unreachable { .. }), "{path:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_path_cannot_break_the_line_of_an_error() {
    let error = connect_error(Path::new("/no\nsuch\u{202e}socket"), PATIENT).await;
    assert!(error.to_string().contains("/no\\nsuch\\u{202e}socket"), "{error}");
}

#[tokio::test]
async fn a_daemon_of_other_protocols_is_a_mismatch_that_names_both_ranges() {
    let listening = listen(async |mut stream| {
        let future = Protocols { lowest: 7, highest: 9 };
        welcome(&mut stream, future).await.unwrap_err();
    });
    let error = connect_error(&listening.path, PATIENT).await;
    assert!(matches!(error, ClientError::Protocol { .. }), "{error:?}");
    assert!(error.to_string().contains("speaks protocol 7 to 9, this client 1 to 2;"), "{error}");
}

#[tokio::test]
async fn a_peer_without_a_valid_hello_is_a_hello_error() {
    let listening = listen(async |mut stream| {
        stream.write_all(b"220 mail.example ESMTP\r\n").await.unwrap();
        // Closing before the client's hello is read would reset the connection under its answer.
        stream.readable().await.unwrap();
    });
    let error = connect_error(&listening.path, PATIENT).await;
    assert!(matches!(error, ClientError::Hello { .. }), "{error:?}");
}

#[tokio::test]
async fn a_daemon_that_never_says_hello_is_a_timeout() {
    let listening = listen(async |_stream| std::future::pending().await);
    let error = connect_error(&listening.path, IMPATIENT).await;
    assert!(matches!(error, ClientError::TimedOut { what: "the connection", .. }), "{error:?}");
}

#[tokio::test]
async fn after_a_timeout_the_connection_is_refused_so_that_a_late_answer_is_not_read() {
    let listening = serve(async |mut frames| {
        frames.next().await.unwrap().unwrap();
        std::future::pending::<()>().await;
    });
    let timeouts = Timeouts { connect: PATIENT.connect, answer: IMPATIENT.answer };
    let mut client = Client::connect(&listening.path, timeouts).await.unwrap();
    let error = client.call(&Request::Ping).await.unwrap_err();
    assert!(matches!(error, ClientError::TimedOut { what: "the answer", .. }), "{error:?}");
    let error = client.call(&Request::Ping).await.unwrap_err();
    assert!(matches!(error, ClientError::Spent), "{error:?}");
}

#[tokio::test]
async fn a_daemon_that_hangs_up_is_a_broken_connection() {
    let listening = serve(async |mut frames| {
        frames.next().await.unwrap().unwrap();
    });
    let mut client = Client::connect(&listening.path, PATIENT).await.unwrap();
    let error = client.call(&Request::Ping).await.unwrap_err();
    assert!(matches!(error, ClientError::Broken { .. }), "{error:?}");
}

#[tokio::test]
async fn the_fault_of_a_daemon_that_rejects_the_client_is_returned() {
    let fault = samples::faults().remove(4);
    let sent = fault.clone();
    let mut listening =
        serve(async move |mut frames| frames.send(&Response::Answer(Err(sent))).await.unwrap());
    let mut client = Client::connect(&listening.path, PATIENT).await.unwrap();
    // The daemon is gone before the request is sent.
    (&mut listening.daemon).await.unwrap();
    let error = client.call(&Request::Ping).await.unwrap_err();
    assert!(matches!(error, ClientError::Fault(ref heard) if *heard == fault), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_cannot_be_decoded_says_to_install_the_same_versions() {
    let listening = listen(async |mut stream| {
        welcome(&mut stream, Protocols::OURS).await.unwrap();
        stream.write_all(&[4, 0, 0, 0, 9, 9, 9, 9]).await.unwrap();
        std::future::pending::<()>().await;
    });
    let mut client = Client::connect(&listening.path, PATIENT).await.unwrap();
    let error = client.call(&Request::Ping).await.unwrap_err();
    assert!(matches!(error, ClientError::Codec(_)), "{error:?}");
    assert!(error.to_string().contains("same version"), "{error}");
}

fn refresh(wait: bool) -> Request {
    Request::Refresh(RefreshRequest { wait, ..Default::default() })
}

fn queued() -> Reply {
    Reply::Refresh(RefreshReply { run: 12, joined: false })
}

/// Answers a refresh and sends `responses` after it.
async fn follow(responses: Vec<Response>) -> (Listening, Events) {
    let listening = serve(async move |mut frames| {
        answer(&mut frames, Ok(queued())).await;
        for response in responses {
            frames.send(&response).await.unwrap();
        }
    });
    let client = Client::connect(&listening.path, PATIENT).await.unwrap();
    let (reply, events) = client.follow(&refresh(true)).await.unwrap();
    assert_eq!(reply, queued());
    (listening, events)
}

#[tokio::test]
async fn events_follow_until_the_run_is_done() {
    let mut sent = samples::events();
    // A stream is that of a run or that of a task.
    sent.retain(|event| event.run().is_some());
    // The samples are in the order of the wire; in a stream the end comes last.
    sent.sort_by_key(|event| matches!(event, Progress::RunDone(_)));
    let (listening, mut events) = follow(sent.iter().cloned().map(Response::Event).collect()).await;
    for event in sent {
        assert_eq!(events.next().await.unwrap(), Some(event));
    }
    assert_eq!(events.next().await.unwrap(), None);
    assert_eq!(events.next().await.unwrap(), None);
    listening.daemon.await.unwrap();
}

#[tokio::test]
async fn a_stream_that_ends_early_is_an_error() {
    let first = Response::Event(samples::events().remove(0));
    let (_listening, mut events) = follow(vec![first]).await;
    assert!(matches!(events.next().await, Ok(Some(Progress::Snapshot(_)))));
    assert!(matches!(events.next().await, Err(ClientError::Broken { .. })));
    assert!(matches!(events.next().await, Ok(None)));
}

#[tokio::test]
async fn a_stream_that_ends_with_a_fault_returns_the_fault() {
    let fault = samples::faults().remove(4);
    let (_listening, mut events) = follow(vec![Response::Answer(Err(fault.clone()))]).await;
    assert!(matches!(events.next().await, Err(ClientError::Fault(heard)) if heard == fault));
}

#[tokio::test]
async fn a_request_that_does_not_stream_has_no_events() {
    let listening = serve(async |mut frames| {
        answer(&mut frames, Ok(queued())).await;
        std::future::pending::<()>().await;
    });
    let client = Client::connect(&listening.path, PATIENT).await.unwrap();
    let (_, mut events) = client.follow(&refresh(false)).await.unwrap();
    assert_eq!(events.next().await.unwrap(), None);
}

#[tokio::test]
async fn unread_events_do_not_become_the_answer_to_a_later_call() {
    let listening = serve(async |mut frames| {
        answer(&mut frames, Ok(queued())).await;
        for event in samples::events() {
            frames.send(&Response::Event(event)).await.unwrap();
        }
        std::future::pending::<()>().await;
    });
    let mut client = Client::connect(&listening.path, PATIENT).await.unwrap();
    assert_eq!(client.call(&refresh(true)).await.unwrap(), queued());
    assert!(matches!(client.call(&Request::Ping).await, Err(ClientError::Spent)));
}
