//! One connection: a hello, then requests one after the other.

use cached_proto::codec::CodecError;
use cached_proto::fault::FaultCode;
use cached_proto::frame::{DaemonFrames, FrameError, daemon_framed};
use cached_proto::hello::{self, HelloError, Protocols};
use cached_proto::message::{Request, Response};
use futures_util::{SinkExt as _, StreamExt as _};
use interprocess::local_socket::tokio::Stream as LocalStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::dispatch::dispatch;
use super::peer::Peer;
use super::stream::{Event, Stream};
use super::{ConnectionLimits, Shutdown};
use crate::service::Caller;
use crate::service::Service;
use crate::service::fault::{fault, unreadable};

/// Why a connection ended, other than by the client closing it.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    #[error("the client took too long to {0}")]
    TooSlow(&'static str),
    #[error("nothing was asked for a while")]
    Idle,
    #[error("the client's hello was none")]
    Hello(#[from] HelloError),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the client hung up while events followed its answer")]
    HungUp,
    #[error("the client was too slow for the events that follow its answer")]
    FellBehind,
    #[error("the daemon stops")]
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
        let answer = dispatch(service, peer, &request).await;
        // Opened before the answer is sent, so that every event from now on is sent.
        let stream = match &answer {
            Ok(reply) => Stream::behind(service, &Caller::Local(peer.uid()), &request, reply).await,
            Err(_) => None,
        };
        line.send(Response::Answer(answer)).await?;
        match stream {
            None => {}
            Some(Ok(stream)) => early = line.tell(stream, &shutdown.hang_up).await?,
            Some(Err(fault)) => line.send(Response::Answer(Err(fault))).await?,
        }
    }
}

/// Refuses a client because there are too many connections.
pub(super) async fn turn_away(stream: LocalStream, limits: &ConnectionLimits) {
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
        let mut waited = std::time::Duration::ZERO;
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
    async fn tell(
        &mut self,
        mut stream: Stream,
        hang_up: &CancellationToken,
    ) -> Result<Option<Request>, End> {
        let mut early = None;
        loop {
            tokio::select! {
                // Events first: what happened before the end is still sent.
                biased;
                event = stream.next() => match event? {
                    Some(Event { response, is_last }) => {
                        self.send(response).await?;
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
