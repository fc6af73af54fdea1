//! One message of each kind, with no field at its default where the type allows it.

use cached_proto::fault::{Fault, FaultCode};
use cached_proto::lock::WriteLock;
use cached_proto::message::{Reply, Request};
use cached_proto::time::Timestamp;
use cached_proto::verb::backup::{BackupDone, BackupEvent, BackupReply};
use cached_proto::verb::cancel::{CancelReply, CancelRequest, Target};
use cached_proto::verb::get::{Column, GetReply, GetRequest, KeyPart};
use cached_proto::verb::health::{HealthReply, Reason, VmsPage};
use cached_proto::verb::history::{HistoryPage, HistoryPageRequest, HistoryReply, HistoryRequest, Run};
use cached_proto::verb::invalidate::{InvalidateReply, InvalidateRequest};
use cached_proto::verb::job::{JobReply, JobRequest};
use cached_proto::verb::jobs::{
    Attempt, Job, JobFigures, JobFilter, JobsPage, JobsPageRequest, JobsReply, JobsRequest, UnknownRow,
};
use cached_proto::verb::logs::{LogEvent, LogLine, LogsReply, LogsRequest};
use cached_proto::verb::maintenance::{
    MaintenanceItem, MaintenanceReply, MaintenanceReport, MaintenanceRequest, MaintenanceSize,
    MaintenanceStep,
};
use cached_proto::verb::next::{Fire, NextReply, NextRequest};
use cached_proto::verb::notify::{ChannelResult, NotifyReply};
use cached_proto::verb::ping::Pong;
use cached_proto::verb::refresh::{Progress, RefreshReply, RefreshRequest};
use cached_proto::verb::rehearse::{Decision, RehearseReply, RehearseRequest};
use cached_proto::verb::reload::{ChangedKey, ReloadReply, WaitingKey};
use cached_proto::verb::report::{
    ErrorGroup, Readiness, Reads, RefreshTimes, ReportReply, ReportRequest, SizeTrend, Targets,
};
use cached_proto::verb::retry::{RetryReply, RetryRequest};
use cached_proto::verb::scheduler::SchedulerReply;
use cached_proto::verb::status::{
    Computed, FullStatus, FullStatusRequest, StatusReply, StatusRequest, TableStatus,
};
use cached_proto::words::{
    CacheType, HealthLevel, MaintenanceTask, Outcome, Phase, SchedulerState, SlotFate, Table, TableState,
    Trigger,
};

/// 2026-03-08 08:00:00 UTC, and so many seconds later.
pub(crate) const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros((1_772_956_800 + seconds) * 1_000_000)
}

const WRITE_LOCK: WriteLock = WriteLock { count: 3, seconds: 0.0625, longest: 0.03125 };

pub(crate) fn requests() -> Vec<Request> {
    vec![
        Request::Ping,
        Request::Status(StatusRequest { sizes: true }),
        Request::Health,
        Request::Refresh(RefreshRequest {
            types: vec![CacheType::Recruitment],
            tables: vec![Table::OrganizationDetailCache],
            force: true,
            accept: false,
            wait: true,
        }),
        Request::StartScheduler,
        Request::StopScheduler,
        Request::Next(NextRequest { count: 3 }),
        Request::Jobs(JobsRequest { filter: JobFilter::Failed, limit: 50 }),
        Request::History(HistoryRequest { since_seconds: 604_800 }),
        Request::NotifyTest,
        Request::Job(JobRequest { job: 7 }),
        Request::Cancel(CancelRequest { target: Target::Run(12) }),
        Request::Retry(RetryRequest::Target(Target::Job(7))),
        Request::Report(ReportRequest { since_seconds: 86_400 }),
        Request::Get(GetRequest { table: Table::OrganizationSummaryCache, key: vec![key_part()] }),
        Request::Invalidate(InvalidateRequest { types: vec![CacheType::Volunteer] }),
        Request::Rehearse(RehearseRequest { from: "2026-03-07".to_owned(), days: 3 }),
        Request::Maintenance(MaintenanceRequest::Prune { older_than_seconds: Some(604_800), dry_run: true }),
        Request::Reload,
        Request::Logs(LogsRequest {
            run: Some(12),
            lines: Some(100),
            since_seconds: Some(604_800),
            follow: true,
        }),
        Request::JobsPage(JobsPageRequest { filter: JobFilter::Running, before: Some(34), limit: 500 }),
        Request::HistoryPage(HistoryPageRequest { since_seconds: 7_776_000, before: Some(12), limit: 200 }),
        Request::Backup,
        Request::FullStatus(FullStatusRequest { sizes: false }),
    ]
}

pub(crate) fn replies() -> Vec<Reply> {
    vec![
        Reply::Pong(pong()),
        Reply::Status(status()),
        Reply::Health(health()),
        Reply::Refresh(RefreshReply { run: 12, joined: true }),
        Reply::Scheduler(SchedulerReply { scheduler: SchedulerState::Running, changed: true }),
        Reply::Next(NextReply {
            scheduler: SchedulerState::Running,
            timezone: "America/Chicago".to_owned(),
            schedule: "daily at 02:00".to_owned(),
            fires: vec![Fire {
                slot: "2026-03-08 02:00".to_owned(),
                at: at(0),
                offset: "-05:00".to_owned(),
                note: Some("the clocks skip 02:00".to_owned()),
            }],
            notes: vec!["2026-03-07 02:00 was missed".to_owned()],
        }),
        Reply::Jobs(JobsReply { jobs: vec![job()] }),
        Reply::History(HistoryReply { runs: vec![run()] }),
        Reply::Notify(NotifyReply {
            channels: vec![channel("command", None), channel("webhook", Some("refused"))],
        }),
        Reply::Job(JobReply { job: job(), not_before: Some(at(60)) }),
        Reply::Cancel(CancelReply { cancelled: vec![8], stopping: vec![7] }),
        Reply::Retry(RetryReply { runs: vec![13], tables: vec![Table::RecruitmentCandidatesCache] }),
        Reply::Report(report()),
        Reply::Get(GetReply {
            cache_type: CacheType::Organization,
            table: Table::OrganizationSummaryCache,
            key: vec![key_part()],
            state: TableState::Stale,
            generated: Some(at(0)),
            age_seconds: Some(90_000.5),
            columns: vec![Column {
                name: "organizations_data".to_owned(),
                json: true,
                text: Some("[]".to_owned()),
            }],
            run: Some(12),
        }),
        Reply::Invalidate(InvalidateReply {
            tables: vec![Table::FirstTimeVolunteerReportCache],
            entries: 3,
            run: 12,
            joined: true,
        }),
        Reply::Rehearse(RehearseReply {
            scheduler: SchedulerState::Running,
            timezone: "America/Chicago".to_owned(),
            schedule: "daily at 02:00".to_owned(),
            from: "2026-03-07".to_owned(),
            days: 3,
            decisions: vec![Decision {
                at: at(0),
                offset: "-05:00".to_owned(),
                trigger: Trigger::Schedule,
                slot: Some("2026-03-08 02:00".to_owned()),
                fate: SlotFate::Paused,
                tables: vec![Table::DiaEventsReportCache],
                note: Some("the clocks skip 02:00".to_owned()),
            }],
            notes: vec!["every run succeeds".to_owned()],
        }),
        Reply::Maintenance(MaintenanceReply { id: 3, task: MaintenanceTask::Backup }),
        Reply::Reload(ReloadReply {
            reloaded: true,
            changed: vec![ChangedKey {
                key: "log.level".to_owned(),
                from: None,
                to: Some("\"debug\"".to_owned()),
            }],
            waiting: vec![WaitingKey {
                key: "http.listen".to_owned(),
                running: Some("\"127.0.0.1:8321\"".to_owned()),
                wanted: None,
            }],
            errors: vec!["the log".to_owned()],
        }),
        Reply::Logs(LogsReply {
            file: "/var/log/cached/cache_manager.log".to_owned(),
            timezone: "America/Chicago".to_owned(),
        }),
        Reply::JobsPage(JobsPage { jobs: vec![job()], unknown: vec![unknown(Some(35))], next: Some(34) }),
        Reply::HistoryPage(HistoryPage { runs: vec![run()], unknown: vec![unknown(None)], next: Some(12) }),
        Reply::Backup(BackupReply { database: "/srv/vms.db".to_owned() }),
        Reply::FullStatus(Box::new(FullStatus {
            status: status(),
            computed: vec![Computed { table: Table::DiaEventsReportCache, entries: 3, of: 7 }],
        })),
    ]
}

fn unknown(job: Option<i64>) -> UnknownRow {
    UnknownRow {
        run: 13,
        job,
        trigger: "comet".to_owned(),
        table: job.map(|_| "moon_report_cache".to_owned()),
        phase: "done".to_owned(),
        outcome: Some("molten".to_owned()),
    }
}

fn status() -> StatusReply {
    StatusReply {
        scheduler: SchedulerState::Stopped,
        next_run: Some(at(86_400)),
        timezone: "America/Chicago".to_owned(),
        current_run: None,
        last_run: Some(run()),
        queued_runs: 2,
        database_error: Some("locked".to_owned()),
        tables: vec![table()],
    }
}

fn health() -> HealthReply {
    HealthReply {
        health: HealthLevel::Unhealthy,
        reasons: vec![Reason {
            code: "database_unreachable".to_owned(),
            level: HealthLevel::Unhealthy,
            message: "no such file".to_owned(),
            hint: "set database.url".to_owned(),
        }],
        vms_page: Some(VmsPage {
            url: "http://127.0.0.1:8000/health".to_owned(),
            status: Some(200),
            milliseconds: 12,
            error: None,
        }),
    }
}

fn channel(channel: &str, error: Option<&str>) -> ChannelResult {
    ChannelResult { channel: channel.into(), error: error.map(Into::into) }
}

fn key_part() -> KeyPart {
    KeyPart { column: "school_year".to_owned(), value: "2526".to_owned() }
}

fn report() -> ReportReply {
    ReportReply {
        since: at(-86_400),
        until: at(0),
        runs: 4,
        runs_good: 3,
        jobs: 40,
        jobs_good: 39,
        success_rate: Some(0.975),
        error_rate: Some(0.025),
        refresh: Some(RefreshTimes { average: 2.5, p50: 2.0, p95: 4.0, longest: 4.5 }),
        errors: vec![ErrorGroup {
            table: Table::DiaEventsReportCache,
            outcome: Outcome::Failed,
            count: 1,
            last: at(-60),
            message: "database is locked".to_owned(),
        }],
        sizes: vec![SizeTrend {
            cache_type: CacheType::District,
            table: Table::DistrictYearEndReports,
            first: 1000,
            last: 1500,
        }],
        readiness: Readiness { share: Some(0.99), covered: 0.5, samples: 72 },
        reads: Reads { hits: 1, stale: 2, misses: 3 },
        targets: Targets { success_rate: 0.95, error_rate: 0.05, refresh_seconds: 300.0, readiness: 0.9 },
        write_lock: WRITE_LOCK,
    }
}

pub(crate) fn faults() -> Vec<Fault> {
    [
        FaultCode::BadRequest,
        FaultCode::NotAllowed,
        FaultCode::NotFound,
        FaultCode::Unsupported,
        FaultCode::Unavailable,
        FaultCode::Internal,
        FaultCode::Locked,
        FaultCode::Busy,
    ]
    .map(|code| Fault { code, message: "why".to_owned(), hint: "what to do".to_owned(), retryable: true })
    .to_vec()
}

pub(crate) fn events() -> Vec<Progress> {
    vec![
        Progress::Snapshot(run()),
        Progress::JobStarted(job()),
        Progress::JobDone(job()),
        Progress::RunDone(run()),
        Progress::JobWaits(job()),
        Progress::Step(MaintenanceStep { doing: "dia_events_report_cache".to_owned(), done: 3, total: 11 }),
        Progress::MaintenanceDone(maintenance()),
        Progress::Scheduler(SchedulerState::Stopped),
    ]
}

pub(crate) fn log_events() -> Vec<LogEvent> {
    let line = LogLine { at: Some(at(0)), run: Some(12), text: "a - b - INFO - c".to_owned() };
    vec![
        LogEvent::Lines(vec![line]),
        LogEvent::Unreadable("cut off".to_owned()),
        LogEvent::CaughtUp,
        LogEvent::End,
    ]
}

pub(crate) fn backup_events() -> Vec<BackupEvent> {
    vec![
        BackupEvent::Step(MaintenanceStep { doing: "copying".to_owned(), done: 0, total: 2 }),
        BackupEvent::Part(b"SQLite format 3\0"[..].into()),
        BackupEvent::Done(BackupDone { bytes: 16, sha256: "ab".repeat(32), report: maintenance() }),
    ]
}

pub(crate) fn pong() -> Pong {
    Pong { version: "0.1.0".to_owned(), pid: 4711, started: at(0) }
}

fn table() -> TableStatus {
    TableStatus {
        cache_type: CacheType::District,
        table: Table::DistrictYearEndReports,
        state: TableState::Stale,
        expected: 10,
        fresh: 1,
        stale: 2,
        missing: 3,
        incomplete: 4,
        invalid: 5,
        unmanaged: 6,
        oldest: Some(at(-60)),
        newest: Some(at(60)),
        bytes: Some(4096),
        last_error: Some("disk full".to_owned()),
        note: None,
    }
}

fn run() -> Run {
    Run {
        id: 12,
        trigger: Trigger::CatchUp,
        slot: Some("2026-03-08 02:00".to_owned()),
        phase: Phase::Done,
        queued: at(0),
        started: Some(at(1)),
        ended: Some(at(3)),
        seconds: 1.5,
        outcome: Some(Outcome::Mixed),
        jobs: vec![job()],
        write_lock: WRITE_LOCK,
    }
}

fn maintenance() -> MaintenanceReport {
    MaintenanceReport {
        task: MaintenanceTask::Integrity,
        good: false,
        dry_run: true,
        seconds: 1.25,
        before: MaintenanceSize { file: 8192, free: 4096, log: 512 },
        after: MaintenanceSize { file: 4096, free: 0, log: 256 },
        items: vec![MaintenanceItem {
            name: "vms.db".to_owned(),
            rows: 3,
            bytes: 8192,
            seconds: 0.5,
            messages: vec!["row 7 missing from index".to_owned()],
        }],
        file: Some("/backup/vms.db".to_owned()),
        notes: vec!["the copy before this one was replaced".to_owned()],
    }
}

fn job() -> Job {
    Job {
        id: 34,
        run: 12,
        trigger: Trigger::CatchUp,
        cache_type: CacheType::Volunteer,
        table: Table::RecentVolunteersReportCache,
        phase: Phase::Done,
        outcome: Some(Outcome::Failed),
        queued: at(0),
        attempts: vec![Attempt {
            number: 1,
            started: at(1),
            ended: Some(at(2)),
            snapshot: Some(at(1)),
            seconds: 0.75,
            outcome: Some(Outcome::Failed),
            error: Some("database is locked".to_owned()),
        }],
        figures: JobFigures {
            entries: 7,
            rebuilt: 1,
            verified: 2,
            skipped: 3,
            pruned: 4,
            failed: 5,
            warnings: 6,
            bytes: 65_536,
            seconds: 0.25,
        },
        error: Some("database is locked".to_owned()),
        write_lock: WRITE_LOCK,
    }
}
