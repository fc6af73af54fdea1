//! What the verbs do, for the control socket and the web server alike: a file for each or for those that belong together.
//! This file maps requests to verbs, and answers to the events that follow them.
//!
//! Access is checked before a verb is called: by the session for the socket, by the gate for the web.

pub(crate) mod backup;
pub(crate) mod fault;
pub(crate) mod get;
pub(crate) mod health;
pub(crate) mod jobs;
pub(crate) mod logs;
pub(crate) mod maintenance;
pub(crate) mod next;
pub(crate) mod notify;
pub(crate) mod refresh;
pub(crate) mod rehearse;
pub(crate) mod reload;
pub(crate) mod report;
pub(crate) mod scheduler;
mod shared;
pub(crate) mod status;
mod survey;

use cached_proto::fault::{Fault, FaultCode};
use cached_proto::message::{Reply, Request, Response};
use cached_proto::verb::refresh::Progress;
use tokio::sync::watch;

pub(crate) use notify::sources;
pub(crate) use shared::{Caller, Reloads, Service};
pub(crate) use survey::Surveyed;

use crate::jobs::Following;
use crate::maintenance::TaskProgress;

/// Executes the request; [`Stream::behind`] has the events that follow the answer.
pub(crate) async fn answer(service: &Service, caller: &Caller, request: &Request) -> Result<Reply, Fault> {
    Ok(match request {
        Request::Ping => Reply::Pong(service.pong()),
        Request::Status(request) => Reply::Status(status::status(service, request).await?),
        Request::FullStatus(request) => Reply::FullStatus(Box::new(status::full(service, request).await?)),
        Request::Health => Reply::Health(health::health(service).await),
        Request::Refresh(request) => Reply::Refresh(refresh::refresh(service, caller, request).await?),
        Request::StartScheduler => Reply::Scheduler(scheduler::start(service, caller).await?),
        Request::StopScheduler => Reply::Scheduler(scheduler::stop(service, caller).await?),
        Request::Next(request) => Reply::Next(next::next(service, request).await?),
        Request::Jobs(request) => Reply::Jobs(jobs::jobs(service, request).await?),
        Request::History(request) => Reply::History(jobs::history(service, request).await?),
        Request::NotifyTest => Reply::Notify(notify::notify(service).await),
        Request::Job(request) => Reply::Job(jobs::job(service, request).await?),
        Request::Cancel(request) => Reply::Cancel(jobs::cancel(service, caller, request).await?),
        Request::Retry(request) => Reply::Retry(jobs::retry(service, caller, request).await?),
        Request::Report(request) => Reply::Report(report::report(service, request).await?),
        Request::Get(request) => Reply::Get(get::get(service, request, get::Missing::Make).await?),
        Request::Invalidate(request) => {
            Reply::Invalidate(refresh::invalidate(service, caller, request).await?)
        }
        Request::Rehearse(request) => Reply::Rehearse(rehearse::rehearse(service, request).await?),
        Request::Maintenance(request) => {
            Reply::Maintenance(maintenance::maintenance(service, caller, request)?)
        }
        Request::Reload => Reply::Reload(reload::reload(service, caller).await),
        Request::Logs(_) => Reply::Logs(logs::logs(service)?),
        Request::JobsPage(request) => Reply::JobsPage(jobs::page(service, request).await?),
        Request::HistoryPage(request) => Reply::HistoryPage(jobs::history_page(service, request).await?),
        Request::Backup => Reply::Backup(backup::backup(service)),
    })
}

/// Events for one client.
#[derive(Debug)]
pub(crate) enum Stream {
    /// A snapshot of the run, then every change.
    Run(Option<Box<Progress>>, Box<Following>),
    /// Lines of the log.
    Log(logs::Tail),
    /// Progress of a maintenance task. A stop of the daemon ends the task, so that is sent as well.
    Maintenance(watch::Receiver<TaskProgress>),
    /// A copy of VMS's database. A stop of the daemon ends that, too.
    Backup(Box<backup::Sending>),
}

/// The client was too slow, and events are lost to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lagging;

impl Stream {
    /// The stream that follows this answer, if there is one.
    pub(crate) async fn behind(
        service: &Service,
        caller: &Caller,
        request: &Request,
        reply: &Reply,
    ) -> Option<Result<Self, Fault>> {
        match (request, reply) {
            (Request::Refresh(_), Reply::Refresh(reply)) if request.streams() => {
                let subscribed = service.queue.subscribe(reply.run).await;
                let begin = |(snapshot, following)| {
                    Self::Run(Some(Box::new(Progress::Snapshot(snapshot))), Box::new(following))
                };
                Some(subscribed.map(begin).map_err(Fault::from))
            }
            (Request::Logs(request), Reply::Logs(_)) => {
                Some(logs::tail(service, caller, request).map(Self::Log))
            }
            (Request::Backup, Reply::Backup(_)) => {
                let begun = backup::begin(service, caller);
                Some(begun.map(|sending| Self::Backup(Box::new(sending))))
            }
            (_, Reply::Maintenance(reply)) => service.maintenance.follow(reply.id).map(|mut task| {
                // The current step is sent first.
                task.mark_changed();
                Ok(Self::Maintenance(task))
            }),
            _ => None,
        }
    }

    /// The next event; `None` when the daemon stops. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Option<Response>, Lagging> {
        Ok(match self {
            Self::Run(first, following) => match first.take() {
                Some(first) => Some(Response::Event(*first)),
                None => following.next().await.map_err(|_| Lagging)?.map(Response::Event),
            },
            Self::Log(tail) => tail.next().await.map_err(|_| Lagging)?.map(Response::Log),
            Self::Maintenance(task) => match task.changed().await {
                Ok(()) => Some(progressed(task.borrow_and_update().clone())),
                Err(_) => None,
            },
            Self::Backup(sending) => sending.next().await,
        })
    }

    /// The fault sent to a client when the daemon stops before the last event.
    pub(crate) fn broken_off(&self) -> Fault {
        let hint = match self {
            Self::Run(..) => "the run is kept and continues when the daemon is started again",
            Self::Log(_) | Self::Maintenance(_) | Self::Backup(_) => "try again when it is started again",
        };
        fault::fault(FaultCode::Unavailable, "the daemon is stopping", hint)
    }
}

fn progressed(progressed: TaskProgress) -> Response {
    match progressed {
        TaskProgress::Step(step) => Response::Event(Progress::Step(step)),
        TaskProgress::Ended(Ok(report)) => Response::Event(Progress::MaintenanceDone(*report)),
        TaskProgress::Ended(Err(error)) => Response::Answer(Err(Fault::from(&*error))),
    }
}
