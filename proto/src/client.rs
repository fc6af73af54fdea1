//! The client of the control socket.
//!
//! One connection carries one request at a time. A call that failed, timed out or was dropped half-way
//! leaves its connection out of step, so that connection is never used again: connect anew.

mod error;
mod lines;
mod parts;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use interprocess::local_socket::tokio::Stream;
use interprocess::local_socket::traits::tokio::Stream as _;
use interprocess::local_socket::{GenericFilePath, ToFsName as _};
use tokio::time::timeout;

pub use self::error::ClientError;
pub use self::lines::Lines;
pub use self::parts::Parts;
use crate::fault::Fault;
use crate::frame::{ClientFrames, FrameError, client_framed};
use crate::hello::{self, Protocols};
use crate::message::{Reply, Request, Response};
use crate::verb::logs::LogsRequest;
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
    pub async fn call(&mut self, request: &Request) -> Result<Reply, ClientError> {
        let mut frames = self.frames.take().ok_or(ClientError::Spent)?;
        let answer = self.exchange(&mut frames, request).await?;
        if !request.streams() {
            self.frames = Some(frames);
        }
        Ok(answer?)
    }

    /// Sends a request and returns its answer together with the events that follow it.
    pub async fn follow(mut self, request: &Request) -> Result<(Reply, Events), ClientError> {
        let mut frames = self.frames.take().ok_or(ClientError::Spent)?;
        let reply = self.exchange(&mut frames, request).await??;
        Ok((reply, Events { path: self.path, frames: request.streams().then_some(frames) }))
    }

    /// Requests the log and returns the answer together with the lines that follow it.
    pub async fn logs(mut self, request: LogsRequest) -> Result<(Reply, Lines), ClientError> {
        let mut frames = self.frames.take().ok_or(ClientError::Spent)?;
        let reply = self.exchange(&mut frames, &Request::Logs(request)).await??;
        Ok((reply, Lines { path: self.path, frames: Some(frames) }))
    }

    /// Requests a copy of VMS's database and returns the answer together with the copy that follows it.
    pub async fn backup(mut self) -> Result<(Reply, Parts), ClientError> {
        let mut frames = self.frames.take().ok_or(ClientError::Spent)?;
        let reply = self.exchange(&mut frames, &Request::Backup).await??;
        Ok((reply, Parts { path: self.path, frames: Some(frames) }))
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

/// The events that follow the answer to a request that streams.
#[derive(Debug)]
pub struct Events {
    path: PathBuf,
    /// `None` after the last event.
    frames: Option<ClientFrames<Stream>>,
}

impl Events {
    /// Returns the next event; `None` after the [last](Progress::is_last), and always for a request that does
    /// not stream.
    ///
    /// Dropping the future loses no event, so a caller may put a time limit around it and try again.
    pub async fn next(&mut self) -> Result<Option<Progress>, ClientError> {
        let Some(frames) = &mut self.frames else { return Ok(None) };
        let received = receive(&self.path, frames).await;
        if !matches!(received, Ok(Response::Event(ref event)) if !event.is_last()) {
            self.frames = None;
        }
        match received? {
            Response::Event(event) => Ok(Some(event)),
            Response::Answer(Err(fault)) => Err(fault.into()),
            Response::Answer(Ok(_)) => Err(ClientError::unexpected(&self.path, "a second answer")),
            Response::Log(_) => Err(ClientError::unexpected(&self.path, "a log line for a run")),
            Response::Backup(_) => Err(ClientError::unexpected(&self.path, "a copy for a run")),
        }
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
