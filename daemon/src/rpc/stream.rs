//! What follows the answer to a request that streams.

use cached_proto::fault::{Fault, FaultCode};
use cached_proto::message::{Reply, Request, Response};
use cached_proto::verb::logs::LogEvent;
use cached_proto::verb::refresh::Progress;

use super::Service;
use super::fault::fault;
use super::logs::{self, Tail};
use super::session::End;
use crate::queue::Following;

/// Events for one client.
#[derive(Debug)]
pub(super) enum Stream {
    /// All that is known of a run, then every change.
    Run(Option<Box<Progress>>, Box<Following>),
    /// Lines of the log.
    Log(Tail),
}

/// An event, and whether it is the last one.
pub(super) struct Event {
    pub(super) response: Response,
    pub(super) is_last: bool,
}

impl Stream {
    /// What follows this answer, if anything does.
    pub(super) async fn behind(
        service: &Service,
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
            (Request::Logs(request), Reply::Logs(_)) => Some(logs::tail(service, request).map(Self::Log)),
            _ => None,
        }
    }

    /// The next event; none when the daemon stops. May be dropped and called again.
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
        };
        Ok(event)
    }

    /// What a client is told when the daemon stops before the last event.
    pub(super) fn broken_off(&self) -> Fault {
        let hint = match self {
            Self::Run(..) => "the run is kept and worked on when the daemon is started again",
            Self::Log(_) => "ask again when it is started again",
        };
        fault(FaultCode::Unavailable, "the daemon stops", hint)
    }
}
