//! One connection: a hello, then requests one after the other.

use std::time::Duration;

use cached_proto::codec::CodecError;
use cached_proto::fault::{Fault, FaultCode};
use cached_proto::frame::{DaemonFrames, FrameError, daemon_framed};
use cached_proto::hello::{self, HelloError, Protocols};
use cached_proto::message::{Reply, Request, Response};
use futures_util::{SinkExt as _, StreamExt as _};
use interprocess::local_socket::tokio::Stream as LocalStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::peer::Peer;
use crate::readers::Client;
use crate::service::fault::fault;
use crate::service::{self, Caller, Lagging, Service, Stream};
use crate::supervise::Shutdown;

/// Time limits for a client, and the number of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Time to receive the client's hello.
    pub hello: Duration,
    /// Time to receive the rest of a partly received request; at most twice that.
    pub read: Duration,
    /// Idle time between two requests.
    pub idle: Duration,
    /// Time for the client to accept an answer or an event.
    pub write: Duration,
    /// Number of simultaneous connections.
    pub connections: usize,
    /// Connections among those that one user may have; root and the daemon's own user may have all.
    pub each: usize,
    /// Connections reserved for root, and as many for the daemon's own user.
    pub kept: usize,
    /// Interval at which the file of the socket is checked.
    pub socket_check: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(5),
            read: Duration::from_secs(10),
            idle: Duration::from_mins(5),
            write: Duration::from_secs(30),
            connections: 64,
            each: 32,
            kept: 4,
            socket_check: Duration::from_secs(10),
        }
    }
}

/// Why a connection ended, other than by the client closing it.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    #[error("the client took too long to {0}")]
    TooSlow(&'static str),
    #[error("the client was idle for too long")]
    Idle,
    #[error("the client's hello was invalid")]
    Hello(#[from] HelloError),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the client hung up while events followed its answer")]
    HungUp,
    #[error("the client was too slow for the events that follow its answer")]
    FellBehind,
    #[error("the daemon is stopping")]
    Stopping,
}

/// Answers requests until the client disconnects or violates the protocol, or the daemon stops.
pub(super) async fn serve(
    stream: LocalStream,
    peer: Peer,
    service: &Service,
    limits: &ConnectionLimits,
    shutdown: &Shutdown,
) -> Result<(), End> {
    let caller = Caller::Local(peer.uid());
    let mut line = tokio::select! {
        () = shutdown.stop.cancelled() => return Ok(()),
        welcomed = welcome(stream, limits) => welcomed?,
    };
    // A request received while the events of the previous one were still being sent.
    let mut early = None;
    loop {
        let request = if let Some(request) = early.take() {
            request
        } else {
            let received = tokio::select! {
                biased;
                () = shutdown.stop.cancelled() => return Ok(()),
                received = line.receive() => received?,
            };
            let Some(request) = received else { return Ok(()) };
            request
        };
        let answer = answer(service, peer, &caller, &request).await;
        // Opened before the answer is sent, so that every event from now on is sent.
        let stream = match &answer {
            Ok(reply) => Stream::behind(service, &caller, &request, reply).await,
            Err(_) => None,
        };
        line.send(Response::Answer(answer)).await?;
        match stream {
            None => {}
            Some(Ok(stream)) => early = line.send_events(stream, &shutdown.hang_up).await?,
            Some(Err(fault)) => line.send(Response::Answer(Err(fault))).await?,
        }
    }
}

/// Answers the request if the peer has the right to it; requests that take much reading wait in the queue of readers.
/// Requests that read VMS's database wait for each other elsewhere, and may have to wait for VMS.
async fn answer(service: &Service, peer: Peer, caller: &Caller, request: &Request) -> Result<Reply, Fault> {
    peer.require(service, request.right()).await?;
    let _admission = if request.reads_much() {
        let privileged = peer.is_privileged(service.own_uid);
        Some(service.readers.admit(Client::User(peer.uid()), privileged).await?)
    } else {
        None
    };
    service::answer(service, caller, request).await
}

/// Refuses a client because there are too many connections.
pub(super) async fn reject(stream: LocalStream, limits: &ConnectionLimits) {
    if let Ok(mut line) = welcome(stream, limits).await {
        let message = "too many clients are connected already, or too many of this user";
        let full = fault(FaultCode::Busy, message, "close some of them, or try again later");
        // The client may be gone already, which is the desired outcome.
        let _ = line.send(Response::Answer(Err(full))).await;
    }
}

/// A connection after the hello.
struct Line<'a> {
    frames: DaemonFrames<LocalStream>,
    /// The protocol number that both sides speak.
    protocol: u16,
    limits: &'a ConnectionLimits,
}

async fn welcome(mut stream: LocalStream, limits: &ConnectionLimits) -> Result<Line<'_>, End> {
    let protocol = timeout(limits.hello, hello::welcome(&mut stream, Protocols::OURS))
        .await
        .map_err(|_| End::TooSlow("say hello"))??;
    Ok(Line { frames: daemon_framed(stream), protocol, limits })
}

impl Line<'_> {
    /// The next request; `None` when the client has closed the connection.
    async fn receive(&mut self) -> Result<Option<Request>, End> {
        let limits = self.limits;
        let mut waited = Duration::ZERO;
        let mut begun = false;
        loop {
            match timeout(limits.read, self.frames.next()).await {
                Ok(Some(Ok(request))) => return Ok(Some(request)),
                Ok(Some(Err(error))) => {
                    if let Some(fault) = unreadable(&error) {
                        self.send(Response::Answer(Err(fault))).await?;
                    }
                    return Err(error.into());
                }
                Ok(None) => return Ok(None),
                Err(_) if begun => return Err(End::TooSlow("send a request")),
                Err(_) => {
                    begun = !self.frames.read_buffer().is_empty();
                    waited += limits.read;
                    if !begun && waited >= limits.idle {
                        return Err(End::Idle);
                    }
                }
            }
        }
    }

    async fn send(&mut self, response: Response) -> Result<(), End> {
        let mut response = understood(response, self.protocol);
        loop {
            let sent = timeout(self.limits.write, self.frames.send(&response));
            match sent.await.map_err(|_| End::TooSlow("take an answer"))? {
                // Nothing of it was sent, so a shorter answer can be.
                Err(FrameError::Codec(CodecError::TooLong { .. })) if !is_fault(&response) => {
                    response = Response::Answer(Err(fault(
                        FaultCode::BadRequest,
                        "the answer would be too long to send",
                        "ask for less at once",
                    )));
                }
                other => return Ok(other?),
            }
        }
    }

    /// Sends all events until the last one, and returns a request received meanwhile.
    async fn send_events(
        &mut self,
        mut stream: Stream,
        hang_up: &CancellationToken,
    ) -> Result<Option<Request>, End> {
        let mut early = None;
        loop {
            tokio::select! {
                // Events first: what happened before the end is still sent.
                biased;
                event = stream.next() => match event.map_err(|Lagging| End::FellBehind)? {
                    Some(event) => {
                        let is_last = event.ends_stream();
                        self.send(event).await?;
                        if is_last {
                            return Ok(early);
                        }
                    }
                    None => return Err(self.stopping(&stream).await),
                },
                () = hang_up.cancelled() => return Err(self.stopping(&stream).await),
                // A disconnected client must not occupy its place until the stream ends.
                received = self.frames.next(), if early.is_none() => match received {
                    Some(Ok(request)) => early = Some(request),
                    Some(Err(error)) => return Err(error.into()),
                    None => return Err(End::HungUp),
                },
            }
        }
    }

    async fn stopping(&mut self, stream: &Stream) -> End {
        // Best effort: the client may be gone.
        let _ = self.send(Response::Answer(Err(stream.broken_off()))).await;
        End::Stopping
    }
}

/// The response in words that a client of this protocol knows.
fn understood(mut response: Response, protocol: u16) -> Response {
    if let Response::Answer(Err(fault)) = &mut response
        && fault.code == FaultCode::Busy
        && protocol < hello::BUSY
    {
        fault.code = FaultCode::Unavailable;
    }
    response
}

const fn is_fault(response: &Response) -> bool {
    matches!(response, Response::Answer(Err(_)))
}

/// The fault sent for an unreadable frame; `None` when the connection is gone and cannot receive it.
fn unreadable(error: &FrameError) -> Option<Fault> {
    let error = match error {
        // To the reader of a frame, its announced length is the length of the message.
        FrameError::TooLong { cap } => &CodecError::TooLong { what: "request", cap: *cap },
        FrameError::Codec(error) => error,
        FrameError::CutOff | FrameError::Io(_) => return None,
    };
    let code = match error {
        CodecError::TooLong { .. } => FaultCode::BadRequest,
        // Garbage cannot be distinguished from a request of a later version.
        _ => FaultCode::Unsupported,
    };
    Some(fault(code, &error.what(), error.hint()))
}
