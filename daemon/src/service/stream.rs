//! The events that follow the answer to a streaming request.

use cached_proto::fault::{Fault, FaultCode};
use cached_proto::message::{Reply, Request, Response};
use cached_proto::verb::refresh::Progress;
use tokio::sync::watch;

use super::backup::{self, Sending};
use super::fault::fault;
use super::logs::{self, Tail};
use super::{Caller, Service};
use crate::jobs::Following;
use crate::maintenance::Progressed;

/// Events for one client.
#[derive(Debug)]
pub(crate) enum Stream {
    /// A snapshot of the run, then every change.
    Run(Option<Box<Progress>>, Box<Following>),
    /// Lines of the log.
    Log(Tail),
    /// Progress of a maintenance task. A stop of the daemon ends the task, so that is sent as well.
    Maintenance(watch::Receiver<Progressed>),
    /// A copy of VMS's database. A stop of the daemon ends that, too.
    Backup(Box<Sending>),
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
            Self::Run(..) => "the run is kept and worked on when the daemon is started again",
            Self::Log(_) | Self::Maintenance(_) | Self::Backup(_) => "ask again when it is started again",
        };
        fault(FaultCode::Unavailable, "the daemon stops", hint)
    }
}

fn progressed(progressed: Progressed) -> Response {
    match progressed {
        Progressed::Doing(step) => Response::Event(Progress::Step(step)),
        Progressed::Ended(Ok(report)) => Response::Event(Progress::MaintenanceDone(*report)),
        Progressed::Ended(Err(error)) => Response::Answer(Err(Fault::from(&*error))),
    }
}
