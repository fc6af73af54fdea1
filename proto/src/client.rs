//! The client of the control socket.
//!
//! One connection carries one request at a time. A call that failed, timed out or was dropped half-way
//! leaves its connection out of step, so that connection is never used again: open another one.

use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use interprocess::local_socket::tokio::Stream;
use interprocess::local_socket::traits::tokio::Stream as _;
use interprocess::local_socket::{GenericFilePath, ToFsName as _};
use tokio::time::timeout;

use crate::codec::CodecError;
use crate::fault::Fault;
use crate::frame::{ClientFrames, FrameError, client_framed};
use crate::hello::{self, HelloError, Protocols};
use crate::message::{Event, Reply, Request, Response, Verb};
use crate::text::one_line;
use crate::verb::refresh::Progress;

/// Time limits of the client. Waiting for events has no limit, because a run may take any length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection and the hello together.
    pub connect: Duration,
    /// For a request and its answer together.
    pub answer: Duration,
}

/// A connection to the daemon.
#[derive(Debug)]
pub struct Client {
    path: PathBuf,
    /// `None` once an error has left the connection out of step.
    frames: Option<ClientFrames<Stream>>,
    answer: Duration,
    protocol: u16,
}

impl Client {
    /// Connects to the socket at `path` and agrees on a protocol.
    pub async fn connect(path: &Path, timeouts: Timeouts) -> Result<Self, ClientError> {
        let (stream, protocol) = timeout(timeouts.connect, open(path)).await.map_err(|_| {
            ClientError::TimedOut { path: path.to_owned(), what: "the connection", after: timeouts.connect }
        })??;
        Ok(Self {
            path: path.to_owned(),
            frames: Some(client_framed(stream)),
            answer: timeouts.answer,
            protocol,
        })
    }

    /// The protocol number that both sides agreed on.
    pub const fn protocol(&self) -> u16 {
        self.protocol
    }

    /// Sends a request and returns its answer. Does not wait for events that may follow.
    ///
    /// The connection can be used again after a fault, but not after any other error.
    pub async fn call<V: Verb>(&mut self, verb: V) -> Result<V::Reply, ClientError> {
        let request = verb.request();
        let mut frames = self.frames.take().ok_or(ClientError::Spent)?;
        let answer = self.exchange(&mut frames, &request).await?;
        if !request.streams() {
            self.frames = Some(frames);
        }
        typed::<V>(&request, answer?)
    }

    /// Sends a request and returns its answer together with the events that follow it.
    pub async fn follow<V: Verb>(mut self, verb: V) -> Result<(V::Reply, Events<V::Event>), ClientError> {
        let request = verb.request();
        let mut frames = self.frames.take().ok_or(ClientError::Spent)?;
        let reply = typed::<V>(&request, self.exchange(&mut frames, &request).await??)?;
        let frames = request.streams().then_some(frames);
        Ok((reply, Events { path: self.path, frames, kind: PhantomData }))
    }

    async fn exchange(
        &self,
        frames: &mut ClientFrames<Stream>,
        request: &Request,
    ) -> Result<Result<Reply, Fault>, ClientError> {
        let answer = timeout(self.answer, async {
            match frames.send(request).await {
                // A daemon that rejects a connection sends a fault with the reason and closes, perhaps before
                // the request is sent. The fault can still be read then, and is more useful than the error of
                // sending.
                Ok(()) | Err(FrameError::Io(_)) => receive(&self.path, frames).await,
                Err(error) => Err(ClientError::from_frame(&self.path, error)),
            }
        });
        match answer.await {
            Ok(Ok(Response::Answer(answer))) => Ok(answer),
            Ok(Ok(Response::Event(_) | Response::Log(_) | Response::Backup(_))) => {
                Err(ClientError::unexpected(&self.path, "an event before the answer"))
            }
            Ok(Err(error)) => Err(error),
            Err(_) => {
                Err(ClientError::TimedOut { path: self.path.clone(), what: "the answer", after: self.answer })
            }
        }
    }
}

/// The answer in the type of its verb.
fn typed<V: Verb>(request: &Request, reply: Reply) -> Result<V::Reply, ClientError> {
    V::reply(reply).ok_or(ClientError::WrongReply { verb: request.name() })
}

/// The events that follow the answer to a request that streams.
#[derive(Debug)]
pub struct Events<E = Progress> {
    path: PathBuf,
    /// `None` after the last event.
    frames: Option<ClientFrames<Stream>>,
    kind: PhantomData<fn() -> E>,
}

impl<E: Event> Events<E> {
    /// Returns the next event; `None` after the [last](Event::is_last), and always for a request that does not
    /// stream. There is no time limit: a run, a copy or the next line of a log may take any length of time.
    ///
    /// Dropping the future loses no event, so a caller may put a time limit around it and try again.
    pub async fn next(&mut self) -> Result<Option<E>, ClientError> {
        let Some(frames) = &mut self.frames else { return Ok(None) };
        let received = receive(&self.path, frames).await;
        let event = match received {
            Ok(Response::Answer(Err(fault))) => Err(fault.into()),
            Ok(Response::Answer(Ok(_))) => Err(ClientError::unexpected(&self.path, "a second answer")),
            Ok(response) => {
                E::of(response).ok_or_else(|| ClientError::unexpected(&self.path, "an event of another kind"))
            }
            Err(error) => Err(error),
        };
        if event.as_ref().map_or(true, E::is_last) {
            self.frames = None;
        }
        event.map(Some)
    }
}

async fn receive(path: &Path, frames: &mut ClientFrames<Stream>) -> Result<Response, ClientError> {
    match frames.next().await {
        Some(Ok(response)) => Ok(response),
        Some(Err(error)) => Err(ClientError::from_frame(path, error)),
        None => Err(ClientError::Broken {
            path: path.to_owned(),
            source: io::Error::new(io::ErrorKind::UnexpectedEof, "the daemon closed the connection"),
        }),
    }
}

async fn open(path: &Path) -> Result<(Stream, u16), ClientError> {
    let name =
        path.to_fs_name::<GenericFilePath>().map_err(|error| ClientError::from_connect(path, error))?;
    let mut stream = Stream::connect(name).await.map_err(|error| ClientError::from_connect(path, error))?;
    let protocol = hello::greet(&mut stream, Protocols::OURS)
        .await
        .map_err(|error| ClientError::from_hello(path, error))?;
    Ok((stream, protocol))
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum ClientError {
    /// No process listens on the socket.
    #[error(
        "cannot reach the daemon at {}; start it with `systemctl start {}` or `cached run`",
        shown(.path),
        unit(.path)
    )]
    Unreachable { path: PathBuf, source: io::Error },
    /// The file permissions of the socket deny access to this user.
    #[error(
        "not allowed to use the socket {}; become a member of its group (`usermod -aG cached USER`, unless another \
         one was configured) and log in again, or use sudo",
        shown(.path)
    )]
    NotAllowed { path: PathBuf, source: io::Error },
    /// The daemon received the request and answered with a fault.
    #[error("{}", one_line(&.0.message))]
    Fault(Fault),
    /// Client and daemon have no protocol in common.
    #[error(
        "the daemon speaks protocol {theirs}, this client {ours}; install cached and cachectl of the same \
         version and restart the daemon (`systemctl restart cached`)"
    )]
    Protocol { ours: Protocols, theirs: Protocols },
    /// The peer on the socket did not send a valid hello.
    #[error("no valid hello from {}; check that it is the socket of cached", shown(.path))]
    Hello { path: PathBuf, source: HelloError },
    /// The daemon took too long.
    #[error(
        "waited {after:?} for {what} from {}; the daemon is busy or stuck: try again, or check \
         `systemctl status {}`",
        shown(.path),
        unit(.path)
    )]
    TimedOut { path: PathBuf, what: &'static str, after: Duration },
    /// The connection failed or ended early.
    #[error(
        "the connection to {} broke; the daemon may have stopped: check `systemctl status {}`",
        shown(.path),
        unit(.path)
    )]
    Broken { path: PathBuf, source: io::Error },
    /// The daemon sent a message that does not belong at this point of the exchange.
    #[error("{} sent {what}; report this as a bug of the daemon", shown(.path))]
    Unexpected { path: PathBuf, what: &'static str },
    /// The answer does not belong to the request.
    #[error("the daemon's answer does not belong to `{verb}`")]
    WrongReply { verb: &'static str },
    /// A message could not be encoded or decoded.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// An earlier call left the connection out of step.
    #[error("the connection cannot be used after an earlier error; connect again")]
    Spent,
}

impl From<Fault> for ClientError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl ClientError {
    fn from_connect(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        if source.kind() == io::ErrorKind::PermissionDenied {
            Self::NotAllowed { path, source }
        } else {
            Self::Unreachable { path, source }
        }
    }

    fn from_hello(path: &Path, error: HelloError) -> Self {
        let path = path.to_owned();
        match error {
            HelloError::NothingInCommon { ours, theirs } => Self::Protocol { ours, theirs },
            HelloError::Io(source) => Self::Broken { path, source },
            source => Self::Hello { path, source },
        }
    }

    fn from_frame(path: &Path, error: FrameError) -> Self {
        match error {
            FrameError::Io(source) => Self::Broken { path: path.to_owned(), source },
            FrameError::Codec(error) => error.into(),
            error @ (FrameError::CutOff | FrameError::TooLong { .. }) => Self::Broken {
                path: path.to_owned(),
                source: io::Error::new(io::ErrorKind::InvalidData, error),
            },
        }
    }

    fn unexpected(path: &Path, what: &'static str) -> Self {
        Self::Unexpected { path: path.to_owned(), what }
    }
}

/// The path on one line, with control characters escaped.
fn shown(path: &Path) -> String {
    one_line(&path.to_string_lossy()).into_owned()
}

/// The unit that has this socket: that of an instance is in a directory of its name.
fn unit(path: &Path) -> String {
    let name = path.strip_prefix("/run/cached").ok().and_then(Path::parent).map(shown);
    name.filter(|name| !name.is_empty()).map_or_else(|| "cached".to_owned(), |name| format!("cached@{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Constructs the error directly: a test that runs as root cannot make the kernel refuse the connection.
    #[test]
    fn a_refusing_socket_and_a_missing_socket_are_different_errors() {
        let error =
            ClientError::from_connect(Path::new("/run/x.sock"), io::ErrorKind::PermissionDenied.into());
        assert!(matches!(error, ClientError::NotAllowed { .. }), "{error:?}");
        assert!(error.to_string().contains("/run/x.sock"), "{error}");
    }
}
