//! The three kinds of messages after the hello: requests, answers, events.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::verb::backup::{BackupEvent, BackupReply};
use crate::verb::cancel::{CancelReply, CancelRequest};
use crate::verb::get::{GetReply, GetRequest};
use crate::verb::health::HealthReply;
use crate::verb::history::{HistoryPage, HistoryPageRequest, HistoryReply, HistoryRequest};
use crate::verb::invalidate::{InvalidateReply, InvalidateRequest};
use crate::verb::job::{JobReply, JobRequest};
use crate::verb::jobs::{JobsPage, JobsPageRequest, JobsReply, JobsRequest};
use crate::verb::logs::{LogEvent, LogsReply, LogsRequest};
use crate::verb::maintenance::{MaintenanceReply, MaintenanceRequest};
use crate::verb::next::{NextReply, NextRequest};
use crate::verb::notify::NotifyReply;
use crate::verb::ping::Pong;
use crate::verb::refresh::{Progress, RefreshReply, RefreshRequest};
use crate::verb::rehearse::{RehearseReply, RehearseRequest};
use crate::verb::reload::ReloadReply;
use crate::verb::report::{ReportReply, ReportRequest};
use crate::verb::retry::{RetryReply, RetryRequest};
use crate::verb::scheduler::SchedulerReply;
use crate::verb::status::{StatusReply, StatusRequest};

/// A message from client to daemon. Variants are only ever appended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// `ping`
    Ping,
    /// `status`
    Status(StatusRequest),
    /// `health`
    Health,
    /// `refresh`
    Refresh(RefreshRequest),
    /// `start-scheduler`
    StartScheduler,
    /// `stop-scheduler`
    StopScheduler,
    /// `next`
    Next(NextRequest),
    /// `jobs`
    Jobs(JobsRequest),
    /// `history`
    History(HistoryRequest),
    /// `notify --test`
    NotifyTest,
    /// `job`
    Job(JobRequest),
    /// `cancel`
    Cancel(CancelRequest),
    /// `retry`
    Retry(RetryRequest),
    /// `report`
    Report(ReportRequest),
    /// `get`
    Get(GetRequest),
    /// `invalidate`
    Invalidate(InvalidateRequest),
    /// `rehearse`
    Rehearse(RehearseRequest),
    /// `maintenance`
    Maintenance(MaintenanceRequest),
    /// `reload`
    Reload,
    /// `logs`
    Logs(LogsRequest),
    /// `jobs`, a page at a time; protocol 2.
    JobsPage(JobsPageRequest),
    /// `history`, a page at a time; protocol 2.
    HistoryPage(HistoryPageRequest),
    /// `maintenance backup`; protocol 2.
    Backup,
}

/// Who may make a request, besides root and the daemon's own user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Everybody who can connect.
    Look,
    /// Members of the group that may change things: the request changes something or returns personal data.
    Write,
    /// Members of the group that may copy VMS's database, with every credential in it.
    Backup,
}

impl Request {
    /// The right that the request needs.
    pub const fn right(&self) -> Right {
        match self {
            Self::Backup => Right::Backup,
            Self::Refresh(_)
            | Self::StartScheduler
            | Self::StopScheduler
            | Self::NotifyTest
            | Self::Cancel(_)
            | Self::Retry(_)
            | Self::Get(_)
            | Self::Invalidate(_)
            | Self::Maintenance(_)
            | Self::Reload
            | Self::Logs(_) => Right::Write,
            _ => Right::Look,
        }
    }

    /// Whether events follow the answer.
    pub const fn streams(&self) -> bool {
        match self {
            Self::Refresh(refresh) => refresh.wait,
            Self::Maintenance(_) | Self::Logs(_) | Self::Backup => true,
            _ => false,
        }
    }
}

/// The successful half of an answer. Variants are only ever appended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// Answer to `ping`.
    Pong(Pong),
    /// Answer to `status`.
    Status(StatusReply),
    /// Answer to `health`.
    Health(HealthReply),
    /// Answer to `refresh`.
    Refresh(RefreshReply),
    /// Answer to `start-scheduler` and `stop-scheduler`.
    Scheduler(SchedulerReply),
    /// Answer to `next`.
    Next(NextReply),
    /// Answer to `jobs`.
    Jobs(JobsReply),
    /// Answer to `history`.
    History(HistoryReply),
    /// Answer to `notify`.
    Notify(NotifyReply),
    /// Answer to `job`.
    Job(JobReply),
    /// Answer to `cancel`.
    Cancel(CancelReply),
    /// Answer to `retry`.
    Retry(RetryReply),
    /// Answer to `report`.
    Report(ReportReply),
    /// Answer to `get`.
    Get(GetReply),
    /// Answer to `invalidate`.
    Invalidate(InvalidateReply),
    /// Answer to `rehearse`.
    Rehearse(RehearseReply),
    /// Answer to `maintenance`.
    Maintenance(MaintenanceReply),
    /// Answer to `reload`.
    Reload(ReloadReply),
    /// Answer to `logs`.
    Logs(LogsReply),
    /// A page of `jobs`.
    JobsPage(JobsPage),
    /// A page of `history`.
    HistoryPage(HistoryPage),
    /// Answer to `backup`; protocol 2.
    Backup(BackupReply),
}

/// A message from daemon to client. Variants are only ever appended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Response {
    /// The one answer to a request.
    Answer(Result<Reply, Fault>),
    /// One of the events that follow the answer to `refresh`.
    Event(Progress),
    /// One of the events that follow the answer to `logs`.
    Log(LogEvent),
    /// One of the events that follow the answer to `backup`; protocol 2.
    Backup(BackupEvent),
}
