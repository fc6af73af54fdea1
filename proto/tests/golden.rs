//! The bytes of every message, kept. A difference here means that daemons and clients of different builds
//! no longer understand each other: append instead, or raise the protocol number.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

#[path = "support/hexdump.rs"]
mod hexdump;
#[path = "support/samples.rs"]
mod samples;

use std::fmt::Display;

use cached_proto::codec::Message;
use cached_proto::fault::FaultCode;
use cached_proto::message::{Reply, Request, Response};
use cached_proto::verb::backup::BackupEvent;
use cached_proto::verb::jobs::{JobFilter, JobsRequest};
use cached_proto::verb::logs::LogEvent;
use cached_proto::verb::refresh::Progress;
use cached_proto::words::{
    CacheType, Chore, HealthLevel, Outcome, Phase, SchedulerState, SlotFate, Table, TableState, Trigger,
};

use self::hexdump::hexdump;

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
    settings.set_snapshot_path("golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(file, content));
}

// The matches below have no wildcard on purpose: a new variant does not compile here until it has a name,
// and the tests fail until it has a sample.

fn request_name(request: &Request) -> (u32, &'static str) {
    match request {
        Request::Ping => (0, "Ping"),
        Request::Status(_) => (1, "Status"),
        Request::Health => (2, "Health"),
        Request::Refresh(_) => (3, "Refresh"),
        Request::StartScheduler => (4, "StartScheduler"),
        Request::StopScheduler => (5, "StopScheduler"),
        Request::Next(_) => (6, "Next"),
        Request::Jobs(_) => (7, "Jobs"),
        Request::History(_) => (8, "History"),
        Request::NotifyTest => (9, "NotifyTest"),
        Request::Job(_) => (10, "Job"),
        Request::Cancel(_) => (11, "Cancel"),
        Request::Retry(_) => (12, "Retry"),
        Request::Report(_) => (13, "Report"),
        Request::Get(_) => (14, "Get"),
        Request::Invalidate(_) => (15, "Invalidate"),
        Request::Rehearse(_) => (16, "Rehearse"),
        Request::Maintenance(_) => (17, "Maintenance"),
        Request::Reload => (18, "Reload"),
        Request::Logs(_) => (19, "Logs"),
        Request::JobsPage(_) => (20, "JobsPage"),
        Request::HistoryPage(_) => (21, "HistoryPage"),
        Request::Backup => (22, "Backup"),
    }
}

fn reply_name(reply: &Reply) -> (u32, &'static str) {
    match reply {
        Reply::Pong(_) => (0, "Pong"),
        Reply::Status(_) => (1, "Status"),
        Reply::Health(_) => (2, "Health"),
        Reply::Refresh(_) => (3, "Refresh"),
        Reply::Scheduler(_) => (4, "Scheduler"),
        Reply::Next(_) => (5, "Next"),
        Reply::Jobs(_) => (6, "Jobs"),
        Reply::History(_) => (7, "History"),
        Reply::Notify(_) => (8, "Notify"),
        Reply::Job(_) => (9, "Job"),
        Reply::Cancel(_) => (10, "Cancel"),
        Reply::Retry(_) => (11, "Retry"),
        Reply::Report(_) => (12, "Report"),
        Reply::Get(_) => (13, "Get"),
        Reply::Invalidate(_) => (14, "Invalidate"),
        Reply::Rehearse(_) => (15, "Rehearse"),
        Reply::Maintenance(_) => (16, "Maintenance"),
        Reply::Reload(_) => (17, "Reload"),
        Reply::Logs(_) => (18, "Logs"),
        Reply::JobsPage(_) => (19, "JobsPage"),
        Reply::HistoryPage(_) => (20, "HistoryPage"),
        Reply::Backup(_) => (21, "Backup"),
    }
}

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
    let names = complete(samples.iter().map(request_name), 23);
    assert_kept("requests", names, samples);
}

#[test]
fn replies() {
    let samples = samples::replies();
    let names = complete(samples.iter().map(reply_name), 22);
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
        list("Chore", Chore::ALL),
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
