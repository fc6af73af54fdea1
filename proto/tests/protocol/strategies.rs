//! Any message, for property tests.

use cached_proto::fault::{Fault, FaultCode};
use cached_proto::lock::WriteLock;
use cached_proto::message::{Reply, Request, Response};
use cached_proto::time::Timestamp;
use cached_proto::verb::backup::BackupEvent;
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
use cached_proto::verb::maintenance::{MaintenanceRequest, MaintenanceStep};
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
use cached_proto::verb::status::{StatusReply, StatusRequest, TableStatus};
use cached_proto::words::{
    CacheType, HealthLevel, Outcome, Phase, SchedulerState, SlotFate, Table, TableState, Trigger,
};
use proptest::collection::vec;
use proptest::num::f64::{INFINITE, NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// Few enough of everything that a run of runs of jobs of attempts stays small.
const FEW: std::ops::Range<usize> = 0..4;

fn text() -> impl Strategy<Value = String> {
    ".{0,12}"
}

fn instant() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_micros)
}

/// Every number of seconds that equals itself.
fn seconds() -> impl Strategy<Value = f64> {
    POSITIVE | NEGATIVE | ZERO | SUBNORMAL | NORMAL | INFINITE
}

pub(crate) fn request() -> impl Strategy<Value = Request> {
    let filter = select(vec![JobFilter::All, JobFilter::Failed, JobFilter::Running]);
    prop_oneof![
        Just(Request::Ping),
        any::<bool>().prop_map(|sizes| Request::Status(StatusRequest { sizes })),
        Just(Request::Health),
        (vec(select(CacheType::ALL), FEW), vec(select(Table::ALL), FEW), any::<[bool; 3]>()).prop_map(
            |(types, tables, [force, accept, wait])| {
                Request::Refresh(RefreshRequest { types, tables, force, accept, wait })
            }
        ),
        Just(Request::StartScheduler),
        Just(Request::StopScheduler),
        Just(Request::NotifyTest),
        any::<u32>().prop_map(|count| Request::Next(NextRequest { count })),
        (filter, any::<u32>()).prop_map(|(filter, limit)| Request::Jobs(JobsRequest { filter, limit })),
        any::<u64>().prop_map(|since_seconds| Request::History(HistoryRequest { since_seconds })),
        any::<i64>().prop_map(|job| Request::Job(JobRequest { job })),
        target().prop_map(|target| Request::Cancel(CancelRequest { target })),
        target().prop_map(|target| Request::Retry(RetryRequest::Target(target))),
        Just(Request::Retry(RetryRequest::Failed)),
        any::<u64>().prop_map(|since_seconds| Request::Report(ReportRequest { since_seconds })),
        (select(Table::ALL), vec(key_part(), FEW))
            .prop_map(|(table, key)| Request::Get(GetRequest { table, key })),
        vec(select(CacheType::ALL), FEW).prop_map(|types| Request::Invalidate(InvalidateRequest { types })),
        maintenance().prop_map(Request::Maintenance),
        (text(), any::<u32>()).prop_map(|(from, days)| Request::Rehearse(RehearseRequest { from, days })),
        Just(Request::Reload),
        any::<(Option<i64>, Option<u64>, Option<u64>, bool)>().prop_map(
            |(run, lines, since_seconds, follow)| {
                Request::Logs(LogsRequest { run, lines, since_seconds, follow })
            }
        ),
        any::<(Option<i64>, u32)>().prop_map(|(before, limit)| {
            Request::JobsPage(JobsPageRequest { filter: JobFilter::All, before, limit })
        }),
        Just(Request::Backup),
        any::<(u64, Option<i64>, u32)>().prop_map(|(since_seconds, before, limit)| {
            Request::HistoryPage(HistoryPageRequest { since_seconds, before, limit })
        }),
    ]
}

pub(crate) fn response() -> impl Strategy<Value = Response> {
    prop_oneof![
        reply().prop_map(|reply| Response::Answer(Ok(reply))),
        fault().prop_map(|fault| Response::Answer(Err(fault))),
        event().prop_map(Response::Event),
        log_event().prop_map(Response::Log),
        vec(any::<u8>(), FEW).prop_map(|part| Response::Backup(BackupEvent::Part(part.into()))),
    ]
}

fn maintenance() -> impl Strategy<Value = MaintenanceRequest> {
    prop_oneof![
        Just(MaintenanceRequest::Vacuum),
        text().prop_map(|file| MaintenanceRequest::Backup { file }),
        (option::of(any::<u64>()), any::<bool>()).prop_map(|(older_than_seconds, dry_run)| {
            MaintenanceRequest::Prune { older_than_seconds, dry_run }
        }),
    ]
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![any::<i64>().prop_map(Target::Job), any::<i64>().prop_map(Target::Run)]
}

fn event() -> impl Strategy<Value = Progress> {
    prop_oneof![
        run().prop_map(Progress::Snapshot),
        job().prop_map(Progress::JobStarted),
        job().prop_map(Progress::JobDone),
        run().prop_map(Progress::RunDone),
        job().prop_map(Progress::JobWaits),
        (text(), any::<u64>(), any::<u64>())
            .prop_map(|(doing, done, total)| Progress::Step(MaintenanceStep { doing, done, total })),
    ]
}

fn log_event() -> impl Strategy<Value = LogEvent> {
    let line = (option::of(instant()), any::<Option<i64>>(), text()).prop_map(|(at, run, text)| LogLine {
        at,
        run,
        text,
    });
    prop_oneof![
        vec(line, FEW).prop_map(LogEvent::Lines),
        text().prop_map(LogEvent::Unreadable),
        Just(LogEvent::CaughtUp),
        Just(LogEvent::End),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    let code = select(vec![
        FaultCode::BadRequest,
        FaultCode::NotAllowed,
        FaultCode::NotFound,
        FaultCode::Unsupported,
        FaultCode::Unavailable,
        FaultCode::Internal,
        FaultCode::Locked,
        FaultCode::Busy,
    ]);
    (code, text(), text(), any::<bool>()).prop_map(|(code, message, hint, retryable)| Fault {
        code,
        message,
        hint,
        retryable,
    })
}

fn reply() -> impl Strategy<Value = Reply> {
    let pong = (text(), any::<u32>(), instant())
        .prop_map(|(version, pid, started)| Reply::Pong(Pong { version, pid, started }));
    let health = (select(HealthLevel::ALL), vec(reason(), FEW), option::of(vms_page()))
        .prop_map(|(health, reasons, vms_page)| Reply::Health(HealthReply { health, reasons, vms_page }));
    let refresh = any::<(i64, bool)>().prop_map(|(run, joined)| Reply::Refresh(RefreshReply { run, joined }));
    let scheduler = (select(SchedulerState::ALL), any::<bool>())
        .prop_map(|(scheduler, changed)| Reply::Scheduler(SchedulerReply { scheduler, changed }));
    let next = (select(SchedulerState::ALL), text(), text(), vec(fire(), FEW), vec(text(), FEW)).prop_map(
        |(scheduler, timezone, schedule, fires, notes)| {
            Reply::Next(NextReply { scheduler, timezone, schedule, fires, notes })
        },
    );
    prop_oneof![
        pong,
        status().prop_map(Reply::Status),
        health,
        refresh,
        scheduler,
        next,
        vec(job(), FEW).prop_map(|jobs| Reply::Jobs(JobsReply { jobs })),
        vec(run(), FEW).prop_map(|runs| Reply::History(HistoryReply { runs })),
        vec(channel(), FEW).prop_map(|channels| Reply::Notify(NotifyReply { channels })),
        (job(), option::of(instant())).prop_map(|(job, not_before)| Reply::Job(JobReply { job, not_before })),
        any::<[std::vec::Vec<i64>; 2]>()
            .prop_map(|[cancelled, stopping]| Reply::Cancel(CancelReply { cancelled, stopping })),
        (any::<std::vec::Vec<i64>>(), vec(select(Table::ALL), FEW))
            .prop_map(|(runs, tables)| Reply::Retry(RetryReply { runs, tables })),
        report().prop_map(Reply::Report),
        got().prop_map(Reply::Get),
        (vec(select(Table::ALL), FEW), any::<(u64, i64, bool)>()).prop_map(
            |(tables, (entries, run, joined))| {
                Reply::Invalidate(InvalidateReply { tables, entries, run, joined })
            }
        ),
        rehearse().prop_map(Reply::Rehearse),
        reload().prop_map(Reply::Reload),
        (text(), text()).prop_map(|(file, timezone)| Reply::Logs(LogsReply { file, timezone })),
        (vec(job(), FEW), vec(unknown(), FEW), any::<Option<i64>>())
            .prop_map(|(jobs, unknown, next)| Reply::JobsPage(JobsPage { jobs, unknown, next })),
        (vec(run(), FEW), vec(unknown(), FEW), any::<Option<i64>>())
            .prop_map(|(runs, unknown, next)| Reply::HistoryPage(HistoryPage { runs, unknown, next })),
    ]
}

fn unknown() -> impl Strategy<Value = UnknownRow> {
    (any::<(i64, Option<i64>)>(), text(), option::of(text()), text(), option::of(text())).prop_map(
        |((run, job), trigger, table, phase, outcome)| UnknownRow {
            run,
            job,
            trigger,
            table,
            phase,
            outcome,
        },
    )
}

fn channel() -> impl Strategy<Value = ChannelResult> {
    (text(), option::of(text())).prop_map(|(channel, error)| ChannelResult { channel, error })
}

fn key_part() -> impl Strategy<Value = KeyPart> {
    (text(), text()).prop_map(|(column, value)| KeyPart { column, value })
}

fn got() -> impl Strategy<Value = GetReply> {
    let column = (text(), any::<bool>(), option::of(text()));
    let column = column.prop_map(|(name, json, text)| Column { name, json, text });
    (
        (select(CacheType::ALL), select(Table::ALL), vec(key_part(), FEW), select(TableState::ALL)),
        (option::of(instant()), option::of(seconds()), vec(column, FEW), any::<Option<i64>>()),
    )
        .prop_map(|((cache_type, table, key, state), (generated, age_seconds, columns, run))| GetReply {
            cache_type,
            table,
            key,
            state,
            generated,
            age_seconds,
            columns,
            run,
        })
}

fn report() -> impl Strategy<Value = ReportReply> {
    let times = [seconds(), seconds(), seconds(), seconds()];
    let times = times.prop_map(|[average, p50, p95, longest]| RefreshTimes { average, p50, p95, longest });
    let error = (select(Table::ALL), select(Outcome::ALL), any::<u64>(), instant(), text());
    let error = error.prop_map(|(table, outcome, count, last, message)| ErrorGroup {
        table,
        outcome,
        count,
        last,
        message,
    });
    let size = (select(CacheType::ALL), select(Table::ALL), any::<[u64; 2]>());
    let size =
        size.prop_map(|(cache_type, table, [first, last])| SizeTrend { cache_type, table, first, last });
    let readiness = (option::of(seconds()), seconds(), any::<u64>())
        .prop_map(|(share, covered, samples)| Readiness { share, covered, samples });
    let targets = [seconds(), seconds(), seconds(), seconds()];
    let targets = targets.prop_map(|[success_rate, error_rate, refresh_seconds, readiness]| Targets {
        success_rate,
        error_rate,
        refresh_seconds,
        readiness,
    });
    let reads = any::<[u64; 3]>().prop_map(|[hits, stale, misses]| Reads { hits, stale, misses });
    (
        (instant(), instant(), any::<[u64; 4]>(), option::of(seconds()), option::of(seconds())),
        (option::of(times), vec(error, FEW), vec(size, FEW)),
        (readiness, reads, targets, write_lock()),
    )
        .prop_map(
            |((since, until, counts, success_rate, error_rate), (refresh, errors, sizes), rest)| {
                let ([runs, runs_good, jobs, jobs_good], (readiness, reads, targets, write_lock)) =
                    (counts, rest);
                ReportReply {
                    since,
                    until,
                    runs,
                    runs_good,
                    jobs,
                    jobs_good,
                    success_rate,
                    error_rate,
                    refresh,
                    errors,
                    sizes,
                    readiness,
                    reads,
                    targets,
                    write_lock,
                }
            },
        )
}

fn status() -> impl Strategy<Value = StatusReply> {
    (
        (select(SchedulerState::ALL), option::of(instant()), text()),
        (option::of(run()), option::of(run()), any::<u64>()),
        (option::of(text()), vec(table(), FEW)),
    )
        .prop_map(|((scheduler, next_run, timezone), (current_run, last_run, queued_runs), rest)| {
            let (database_error, tables) = rest;
            StatusReply {
                scheduler,
                next_run,
                timezone,
                current_run,
                last_run,
                queued_runs,
                database_error,
                tables,
            }
        })
}

fn table() -> impl Strategy<Value = TableStatus> {
    (
        (select(CacheType::ALL), select(Table::ALL), select(TableState::ALL)),
        any::<[u64; 7]>(),
        (option::of(instant()), option::of(instant()), any::<Option<u64>>()),
        (option::of(text()), option::of(text())),
    )
        .prop_map(|((cache_type, table, state), counts, (oldest, newest, bytes), (last_error, note))| {
            let [expected, fresh, stale, missing, incomplete, invalid, unmanaged] = counts;
            TableStatus {
                cache_type,
                table,
                state,
                expected,
                fresh,
                stale,
                missing,
                incomplete,
                invalid,
                unmanaged,
                oldest,
                newest,
                bytes,
                last_error,
                note,
            }
        })
}

fn reason() -> impl Strategy<Value = Reason> {
    (text(), select(HealthLevel::ALL), text(), text()).prop_map(|(code, level, message, hint)| Reason {
        code,
        level,
        message,
        hint,
    })
}

fn reload() -> impl Strategy<Value = ReloadReply> {
    let value = || option::of(text());
    let changed = (text(), value(), value()).prop_map(|(key, from, to)| ChangedKey { key, from, to });
    let waiting =
        (text(), value(), value()).prop_map(|(key, running, wanted)| WaitingKey { key, running, wanted });
    (any::<bool>(), vec(changed, FEW), vec(waiting, FEW), vec(text(), FEW))
        .prop_map(|(reloaded, changed, waiting, errors)| ReloadReply { reloaded, changed, waiting, errors })
}

fn vms_page() -> impl Strategy<Value = VmsPage> {
    let answer = (option::of(any::<u16>()), any::<u64>(), option::of(text()));
    (text(), answer).prop_map(|(url, (status, milliseconds, error))| VmsPage {
        url,
        status,
        milliseconds,
        error,
    })
}

fn rehearse() -> impl Strategy<Value = RehearseReply> {
    let about = (select(SchedulerState::ALL), text(), text(), text(), any::<u32>());
    (about, vec(decision(), FEW), vec(text(), FEW)).prop_map(
        |((scheduler, timezone, schedule, from, days), decisions, notes)| RehearseReply {
            scheduler,
            timezone,
            schedule,
            from,
            days,
            decisions,
            notes,
        },
    )
}

fn decision() -> impl Strategy<Value = Decision> {
    let when = (instant(), text(), option::of(text()));
    let what =
        (select(Trigger::ALL), select(SlotFate::ALL), vec(select(Table::ALL), FEW), option::of(text()));
    (when, what).prop_map(|((at, offset, slot), (trigger, fate, tables, note))| Decision {
        at,
        offset,
        trigger,
        slot,
        fate,
        tables,
        note,
    })
}

fn fire() -> impl Strategy<Value = Fire> {
    (text(), instant(), text(), option::of(text())).prop_map(|(slot, at, offset, note)| Fire {
        slot,
        at,
        offset,
        note,
    })
}

fn run() -> impl Strategy<Value = Run> {
    (
        (any::<i64>(), select(Trigger::ALL), option::of(text()), select(Phase::ALL)),
        (instant(), option::of(instant()), option::of(instant()), seconds()),
        (option::of(select(Outcome::ALL)), vec(job(), FEW), write_lock()),
    )
        .prop_map(
            |((id, trigger, slot, phase), (queued, started, ended, seconds), (outcome, jobs, write_lock))| {
                Run { id, trigger, slot, phase, queued, started, ended, seconds, outcome, jobs, write_lock }
            },
        )
}

fn job() -> impl Strategy<Value = Job> {
    (
        (any::<[i64; 2]>(), select(Trigger::ALL), select(CacheType::ALL), select(Table::ALL)),
        (select(Phase::ALL), option::of(select(Outcome::ALL)), instant(), vec(attempt(), FEW)),
        (any::<[u64; 8]>(), seconds(), option::of(text()), write_lock()),
    )
        .prop_map(
            |(([id, run], trigger, cache_type, table), life, (counts, seconds, error, write_lock))| {
                let (phase, outcome, queued, attempts) = life;
                let [entries, rebuilt, verified, skipped, pruned, failed, warnings, bytes] = counts;
                Job {
                    id,
                    run,
                    trigger,
                    cache_type,
                    table,
                    phase,
                    outcome,
                    queued,
                    attempts,
                    figures: JobFigures {
                        entries,
                        rebuilt,
                        verified,
                        skipped,
                        pruned,
                        failed,
                        warnings,
                        bytes,
                        seconds,
                    },
                    error,
                    write_lock,
                }
            },
        )
}

fn write_lock() -> impl Strategy<Value = WriteLock> {
    (any::<u64>(), seconds(), seconds()).prop_map(|(count, seconds, longest)| WriteLock {
        count,
        seconds,
        longest,
    })
}

fn attempt() -> impl Strategy<Value = Attempt> {
    (
        (any::<u32>(), instant(), option::of(instant()), option::of(instant())),
        (seconds(), option::of(select(Outcome::ALL)), option::of(text())),
    )
        .prop_map(|((number, started, ended, snapshot), (seconds, outcome, error))| Attempt {
            number,
            started,
            ended,
            snapshot,
            seconds,
            outcome,
            error,
        })
}
