//! The three things that travel after the hello: requests, answers, events.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::verb::cancel::{CancelReply, CancelRequest};
use crate::verb::get::{GetReply, GetRequest};
use crate::verb::health::HealthReply;
use crate::verb::history::{HistoryReply, HistoryRequest};
use crate::verb::invalidate::{InvalidateReply, InvalidateRequest};
use crate::verb::job::{JobReply, JobRequest};
use crate::verb::jobs::{JobsReply, JobsRequest};
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

/// Client to daemon. Variants are only ever appended.
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
}

impl Request {
    /// Whether the request changes anything or shows personal data, and so needs a peer that may write.
    pub const fn writes(&self) -> bool {
        matches!(
            self,
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
                | Self::Logs(_)
        )
    }

    /// Whether events follow the answer.
    pub const fn streams(&self) -> bool {
        match self {
            Self::Refresh(refresh) => refresh.wait,
            Self::Maintenance(_) | Self::Logs(_) => true,
            _ => false,
        }
    }
}

/// The good half of an answer. Variants are only ever appended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// To `ping`.
    Pong(Pong),
    /// To `status`.
    Status(StatusReply),
    /// To `health`.
    Health(HealthReply),
    /// To `refresh`.
    Refresh(RefreshReply),
    /// To `start-scheduler` and `stop-scheduler`.
    Scheduler(SchedulerReply),
    /// To `next`.
    Next(NextReply),
    /// To `jobs`.
    Jobs(JobsReply),
    /// To `history`.
    History(HistoryReply),
    /// To `notify`.
    Notify(NotifyReply),
    /// To `job`.
    Job(JobReply),
    /// To `cancel`.
    Cancel(CancelReply),
    /// To `retry`.
    Retry(RetryReply),
    /// To `report`.
    Report(ReportReply),
    /// To `get`.
    Get(GetReply),
    /// To `invalidate`.
    Invalidate(InvalidateReply),
    /// To `rehearse`.
    Rehearse(RehearseReply),
    /// To `maintenance`.
    Maintenance(MaintenanceReply),
    /// To `reload`.
    Reload(ReloadReply),
    /// To `logs`.
    Logs(LogsReply),
}

/// Daemon to client. Variants are only ever appended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Response {
    /// The one answer to a request.
    Answer(Result<Reply, Fault>),
    /// One of the events that follow the answer to `refresh`.
    Event(Progress),
    /// One of the events that follow the answer to `logs`.
    Log(LogEvent),
}
