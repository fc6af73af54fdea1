//! Builds of both sides that speak different protocols: lists came whole before there were pages.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use cached_proto::fault::{Fault, FaultCode};
use cached_proto::frame::{client_framed, daemon_framed};
use cached_proto::hello::{Protocols, greet, welcome};
use cached_proto::message::{Reply, Request, Response};
use cached_proto::verb::history::{HistoryReply, HistoryRequest};
use cached_proto::verb::jobs::{JobFilter, JobsReply, JobsRequest};
use cached_tests::binary::{Ran, cachectl, run};
use cached_tests::daemon::Daemon;
use cached_tests::golden::Golden;
use cached_tests::history;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{UnixListener, UnixStream};

/// The only protocol number of the first release.
const ONE: Protocols = Protocols { lowest: 1, highest: 1 };

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Asks a daemon as a client of the first release does.
fn ask(socket: &Path, requests: &[Request]) -> Vec<Result<Reply, Fault>> {
    runtime().block_on(async {
        let mut stream = UnixStream::connect(socket).await.unwrap();
        assert_eq!(greet(&mut stream, ONE).await.unwrap(), 1);
        let mut frames = client_framed(stream);
        let mut answers = Vec::new();
        for request in requests {
            frames.send(request).await.unwrap();
            let Response::Answer(answer) = frames.next().await.unwrap().unwrap() else {
                panic!("an event without a stream")
            };
            answers.push(answer);
        }
        answers
    })
}

/// Runs the client against a daemon of the first release that has these lists; returns the requests.
fn against(list: fn(&Request) -> Reply, arguments: &[&str]) -> (Ran, Request) {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("cached.sock");
    let runtime = runtime();
    let listener = runtime.block_on(async { UnixListener::bind(&socket).unwrap() });
    let daemon = std::thread::spawn(move || {
        runtime.block_on(async {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert_eq!(welcome(&mut stream, ONE).await.unwrap(), 1);
            let mut frames = daemon_framed(stream);
            let request = frames.next().await.unwrap().unwrap();
            frames.send(&Response::Answer(Ok(list(&request)))).await.unwrap();
            request
        })
    });
    let ran = run(cachectl().args(arguments).arg("--socket").arg(&socket));
    (ran, daemon.join().unwrap())
}

#[test]
fn a_client_requests_the_whole_list_from_a_daemon_of_protocol_1() {
    let none = |request: &Request| match request {
        Request::Jobs(_) => Reply::Jobs(JobsReply { jobs: Vec::new() }),
        _ => Reply::History(HistoryReply { runs: Vec::new() }),
    };
    let (ran, asked) = against(none, &["jobs", "--failed", "--limit", "7", "--json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "{\n  \"jobs\": []\n}\n"), "{ran:?}");
    assert_eq!(asked, Request::Jobs(JobsRequest { filter: JobFilter::Failed, limit: 7 }));
    let (ran, asked) = against(none, &["history", "--since", "2h", "--json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "{\n  \"runs\": []\n}\n"), "{ran:?}");
    assert_eq!(asked, Request::History(HistoryRequest { since_seconds: 7200 }));
    let (ran, asked) = against(none, &["run", "7", "--json"]);
    assert!(ran.code == Some(1) && ran.stderr.contains("there is no run 7"), "{ran:?}");
    assert_eq!(asked, Request::History(HistoryRequest { since_seconds: u64::MAX }));
}

#[test]
fn a_client_of_protocol_1_gets_the_newest_items_of_a_long_list() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, "");
    daemon.idle();
    daemon.stop();
    history::add(&golden.state(), 600);
    let daemon = Daemon::start(&golden, "");
    daemon.idle();
    let requests = [
        Request::History(HistoryRequest { since_seconds: 90 * 24 * 3600 }),
        Request::Jobs(JobsRequest { filter: JobFilter::All, limit: 10_000 }),
        Request::Ping,
    ];
    let answers = ask(daemon.socket(), &requests);
    let Ok(Reply::History(HistoryReply { runs })) = &answers[0] else { panic!("{answers:?}") };
    let Ok(Reply::Jobs(JobsReply { jobs })) = &answers[1] else { panic!("{answers:?}") };
    let all = daemon.json(&["history", "--since", "90d"]);
    let all = all["runs"].as_array().unwrap();
    assert!(all.len() > 600, "the client of today follows the pages: {}", all.len());
    assert!((20..all.len()).contains(&runs.len()), "{}", runs.len());
    assert_eq!(runs[0].id, all[0]["id"], "the newest come first");
    assert_eq!(jobs.len(), 500);
    assert!(jobs.iter().chain(&runs[0].jobs).all(|job| job.attempts.is_empty()));
    let one = daemon.json(&["job", &jobs[0].id.to_string()]);
    assert!(!one["job"]["attempts"].as_array().unwrap().is_empty(), "attempts come with one job: {one}");
    assert!(matches!(answers[2], Ok(Reply::Pong(_))), "{answers:?}");
}

/// The word for "busy" came with the second protocol.
#[test]
fn a_client_of_protocol_1_beyond_the_limit_gets_a_fault_of_protocol_1() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, "");
    let held = runtime().block_on(async {
        let mut held = Vec::new();
        while let Ok(mut stream) = UnixStream::connect(daemon.socket()).await {
            greet(&mut stream, ONE).await.unwrap();
            let mut frames = client_framed(stream);
            // A refused client may find the connection closed already, with the answer still to be read.
            let _ = frames.send(&Request::Ping).await;
            match frames.next().await.unwrap().unwrap() {
                Response::Answer(Ok(_)) => held.push(frames),
                Response::Answer(Err(fault)) => {
                    assert_eq!((fault.code, fault.retryable), (FaultCode::Unavailable, true));
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
        held.len()
    });
    assert_eq!(held, 64);
}
