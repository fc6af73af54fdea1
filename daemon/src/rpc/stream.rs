//! The events that follow the answer to a streaming request.

use cached_proto::fault::{Fault, FaultCode};
use cached_proto::message::{Reply, Request, Response};
use cached_proto::verb::logs::LogEvent;
use cached_proto::verb::refresh::Progress;
use tokio::sync::watch;

use super::backup::{self, Sending};
use super::session::End;
use crate::jobs::Following;
use crate::maintenance::Progressed;
use crate::service::Caller;
use crate::service::Service;
use crate::service::fault::fault;
use crate::service::logs::{self, Tail};

/// Events for one client.
#[derive(Debug)]
pub(super) enum Stream {
    /// A snapshot of the run, then every change.
    Run(Option<Box<Progress>>, Box<Following>),
    /// Lines of the log.
    Log(Tail),
    /// Progress of a maintenance task. A stop of the daemon ends the task, so that is sent as well.
    Maintenance(watch::Receiver<Progressed>),
    /// A copy of VMS's database. A stop of the daemon ends that, too.
    Backup(Box<Sending>),
}

/// An event, and whether it is the last one.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) response: Response,
    pub(super) is_last: bool,
}

impl Stream {
    /// The stream that follows this answer, if there is one.
    pub(super) async fn behind(
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
    pub(super) async fn next(&mut self) -> Result<Option<Event>, End> {
        let event = match self {
            Self::Run(first, following) => {
                let event = match first.take() {
                    Some(first) => Some(*first),
                    None => following.next().await.map_err(|_| End::FellBehind)?,
                };
                event.map(|event| {
                    let is_last = matches!(event, Progress::RunDone(_));
                    Event { response: Response::Event(event), is_last }
                })
            }
            Self::Log(tail) => tail.next().await.map_err(|_| End::FellBehind)?.map(|event| {
                let is_last = event == LogEvent::End;
                Event { response: Response::Log(event), is_last }
            }),
            Self::Maintenance(task) => match task.changed().await {
                Ok(()) => Some(progressed(task.borrow_and_update().clone())),
                Err(_) => None,
            },
            Self::Backup(sending) => sending.next().await,
        };
        Ok(event)
    }

    /// The fault sent to a client when the daemon stops before the last event.
    pub(super) fn broken_off(&self) -> Fault {
        let hint = match self {
            Self::Run(..) => "the run is kept and worked on when the daemon is started again",
            Self::Log(_) | Self::Maintenance(_) | Self::Backup(_) => "ask again when it is started again",
        };
        fault(FaultCode::Unavailable, "the daemon stops", hint)
    }
}

fn progressed(progressed: Progressed) -> Event {
    let (response, is_last) = match progressed {
        Progressed::Doing(step) => (Response::Event(Progress::Step(step)), false),
        Progressed::Ended(Ok(report)) => (Response::Event(Progress::MaintenanceDone(*report)), true),
        Progressed::Ended(Err(error)) => (Response::Answer(Err(Fault::from(&*error))), true),
    };
    Event { response, is_last }
}
