//! The bytes and the JSON of every message, kept, and the bytes in the documentation of the crate. A difference here means that daemons and clients of different builds
//! no longer understand each other: append instead, or raise the protocol number.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use std::fmt::{Debug, Display, Write as _};

use cached_proto::codec::Message;
use cached_proto::fault::FaultCode;
use cached_proto::frame::{client_framed, daemon_framed};
use cached_proto::hello::{Protocols, greet, welcome};
use cached_proto::message::{Reply, Request, Response};
use cached_proto::verb::backup::BackupEvent;
use cached_proto::verb::jobs::{JobFilter, JobsRequest};
use cached_proto::verb::logs::LogEvent;
use cached_proto::verb::refresh::Progress;
use cached_proto::words::{
    CacheType, HealthLevel, MaintenanceTask, Outcome, Phase, SchedulerState, SlotFate, Table, TableState,
    Trigger,
};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use crate::samples;

/// Rows of sixteen bytes: offset, hexadecimal, ASCII.
fn hexdump(bytes: &[u8]) -> String {
    let mut dump = String::new();
    for (row, chunk) in bytes.chunks(16).enumerate() {
        let hex = chunk.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ");
        let text: String =
            chunk.iter().map(|&b| if b.is_ascii_graphic() { char::from(b) } else { '.' }).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(dump, "{:04x}  {hex:<47}  {text}", row * 16);
    }
    dump
}

fn assert_kept<M: Message>(file: &str, names: Vec<&str>, messages: impl IntoIterator<Item = M>) {
    let dumps: Vec<_> = names
        .into_iter()
        .zip(messages)
        .map(|(name, message)| {
            format!(
                "{name}
{}",
                hexdump(&message.encode().unwrap())
            )
        })
        .collect();
    assert_same(
        file,
        &dumps.join(
            "
",
        ),
    );
}

fn assert_same(file: &str, content: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(file, content));
}

/// The name of a message's variant.
fn variant(message: &impl Debug) -> String {
    format!("{message:?}").chars().take_while(|c| c.is_alphanumeric()).collect()
}

/// Checks that every variant of the list of verbs has its sample, in order.
fn assert_complete(samples: &[impl Debug], variants: &[&str]) {
    let names: Vec<String> = samples.iter().map(variant).collect();
    assert_eq!(names, variants, "one sample per variant, in order");
}

// The matches below have no wildcard on purpose: a new variant does not compile here until it has a name,
// and the tests fail until it has a sample.

fn event_name(event: &Progress) -> (u32, &'static str) {
    match event {
        Progress::Snapshot(_) => (0, "Snapshot"),
        Progress::JobStarted(_) => (1, "JobStarted"),
        Progress::JobDone(_) => (2, "JobDone"),
        Progress::RunDone(_) => (3, "RunDone"),
        Progress::JobWaits(_) => (4, "JobWaits"),
        Progress::Step(_) => (5, "Step"),
        Progress::MaintenanceDone(_) => (6, "MaintenanceDone"),
        Progress::Scheduler(_) => (7, "Scheduler"),
    }
}

fn log_event_name(event: &LogEvent) -> (u32, &'static str) {
    match event {
        LogEvent::Lines(_) => (0, "Lines"),
        LogEvent::Unreadable(_) => (1, "Unreadable"),
        LogEvent::CaughtUp => (2, "CaughtUp"),
        LogEvent::End => (3, "End"),
    }
}

fn backup_event_name(event: &BackupEvent) -> (u32, &'static str) {
    match event {
        BackupEvent::Step(_) => (0, "Step"),
        BackupEvent::Part(_) => (1, "Part"),
        BackupEvent::Done(_) => (2, "Done"),
    }
}

fn fault_name(code: FaultCode) -> (u32, &'static str) {
    match code {
        FaultCode::BadRequest => (0, "BadRequest"),
        FaultCode::NotAllowed => (1, "NotAllowed"),
        FaultCode::NotFound => (2, "NotFound"),
        FaultCode::Unsupported => (3, "Unsupported"),
        FaultCode::Unavailable => (4, "Unavailable"),
        FaultCode::Internal => (5, "Internal"),
        FaultCode::Locked => (6, "Locked"),
        FaultCode::Busy => (7, "Busy"),
    }
}

/// Checks that every variant has its sample, in order; returns the names.
fn complete(variants: impl IntoIterator<Item = (u32, &'static str)>, count: u32) -> Vec<&'static str> {
    let (positions, names): (Vec<_>, Vec<_>) = variants.into_iter().unzip();
    assert_eq!(positions, (0..count).collect::<Vec<_>>(), "one sample per variant, in order");
    names
}

#[test]
fn requests() {
    let samples = samples::requests();
    assert_complete(&samples, Request::VARIANTS);
    assert_kept("requests", Request::VARIANTS.to_vec(), samples);
}

#[test]
fn replies() {
    let samples = samples::replies();
    assert_complete(&samples, Reply::VARIANTS);
    let names = Reply::VARIANTS.to_vec();
    assert_kept("replies", names, samples.into_iter().map(|reply| Response::Answer(Ok(reply))));
}

#[test]
fn faults() {
    let samples = samples::faults();
    let names = complete(samples.iter().map(|fault| fault_name(fault.code)), 8);
    assert_kept("faults", names, samples.into_iter().map(|fault| Response::Answer(Err(fault))));
}

#[test]
fn events() {
    let samples = samples::events();
    let names = complete(samples.iter().map(event_name), 8);
    assert_kept("events", names, samples.into_iter().map(Response::Event));
}

#[test]
fn log_events() {
    let samples = samples::log_events();
    let names = complete(samples.iter().map(log_event_name), 4);
    assert_kept("log_events", names, samples.into_iter().map(Response::Log));
}

#[test]
fn backup_events() {
    let samples = samples::backup_events();
    let names = complete(samples.iter().map(backup_event_name), 3);
    assert_kept("backup_events", names, samples.into_iter().map(Response::Backup));
}

/// Words cross the socket by their position, and appear in JSON as themselves.
#[test]
fn words() {
    fn list<W: Display>(name: &str, words: &[W]) -> String {
        let mut lines = vec![name.to_owned()];
        lines.extend(words.iter().enumerate().map(|(position, word)| format!("{position:4} {word}")));
        lines.join("\n") + "\n"
    }
    let lists = [
        list("CacheType", CacheType::ALL),
        list("Table", Table::ALL),
        list("Trigger", Trigger::ALL),
        list("Outcome", Outcome::ALL),
        list("Phase", Phase::ALL),
        list("TableState", TableState::ALL),
        list("HealthLevel", HealthLevel::ALL),
        list("SchedulerState", SchedulerState::ALL),
        list("SlotFate", SlotFate::ALL),
        list("MaintenanceTask", MaintenanceTask::ALL),
    ];
    assert_same("words", &lists.join("\n"));
}

#[test]
fn job_filters() {
    for (filter, position) in [(JobFilter::All, 0), (JobFilter::Failed, 1), (JobFilter::Running, 2)] {
        let bytes = Request::Jobs(JobsRequest { filter, limit: 0 }).encode().unwrap();
        assert_eq!(bytes, [7, 0, 0, 0, position, 0, 0, 0, 0, 0, 0, 0], "{filter:?}");
    }
}

#[test]
fn replies_keep_their_keys_and_words_in_json() {
    let json: Vec<_> = samples::replies().iter().map(bare).collect();
    assert_same("json", &json.join("\n"));
}

/// The reply as a script sees it: without the name of its variant.
fn bare(reply: &Reply) -> String {
    let serde_json::Value::Object(named) = serde_json::to_value(reply).unwrap() else { unreachable!() };
    serde_json::to_string_pretty(&named.into_iter().next().unwrap().1).unwrap()
}

const DOCUMENTATION: &str = include_str!("../../src/lib.rs");

/// Takes what was written to one end of `pipe` out of the other, and shows it.
async fn tap(pipe: &mut DuplexStream) -> (Vec<u8>, String) {
    let mut bytes = vec![0; 1 << 10];
    let length = pipe.read(&mut bytes).await.unwrap();
    bytes.truncate(length);
    let dump = hexdump(&bytes);
    (bytes, dump)
}

/// A pipe between client and daemon with a listener in the middle who notes one ping.
async fn exchange() -> Vec<String> {
    let (mut client, mut middle_client) = duplex(1 << 10);
    let (mut middle_daemon, mut daemon) = duplex(1 << 10);
    let mut heard = Vec::new();
    let middle = async {
        for client_speaks in [true, false] {
            let (from, to) = if client_speaks {
                (&mut middle_client, &mut middle_daemon)
            } else {
                (&mut middle_daemon, &mut middle_client)
            };
            let (bytes, dump) = tap(from).await;
            to.write_all(&bytes).await.unwrap();
            heard.push(dump);
        }
    };
    let ((), greeted, welcomed) =
        tokio::join!(middle, greet(&mut client, Protocols::OURS), welcome(&mut daemon, Protocols::OURS));
    assert_eq!((greeted.unwrap(), welcomed.unwrap()), (2, 2));

    client_framed(client).send(&Request::Ping).await.unwrap();
    let (bytes, dump) = tap(&mut middle_client).await;
    heard.push(dump);
    middle_daemon.write_all(&bytes).await.unwrap();
    let mut daemon = daemon_framed(daemon);
    assert_eq!(daemon.next().await.unwrap().unwrap(), Request::Ping);

    daemon.send(&Response::Answer(Ok(Reply::Pong(samples::pong())))).await.unwrap();
    heard.push(tap(&mut middle_daemon).await.1);
    heard
}

#[tokio::test]
async fn the_documented_exchange_is_the_one_on_the_wire() {
    for dump in exchange().await {
        let documented = format!("//! {}", dump.trim_end().replace('\n', "\n//! "));
        assert!(DOCUMENTATION.contains(&documented), "the documentation lacks\n{documented}");
    }
}
