//! The stream of log lines.

use std::path::PathBuf;

use interprocess::local_socket::tokio::Stream;

use super::{ClientError, receive};
use crate::frame::ClientFrames;
use crate::message::Response;
use crate::verb::logs::LogEvent;

/// The events that follow the answer to `logs`.
#[derive(Debug)]
pub struct Lines {
    pub(super) path: PathBuf,
    /// `None` after the last event.
    pub(super) frames: Option<ClientFrames<Stream>>,
}

impl Lines {
    /// Returns the next event; `None` after [`LogEvent::End`]. Following new lines has no time limit and no
    /// end.
    pub async fn next(&mut self) -> Result<Option<LogEvent>, ClientError> {
        let Some(frames) = &mut self.frames else { return Ok(None) };
        let received = receive(&self.path, frames).await;
        if !matches!(received, Ok(Response::Log(ref event)) if *event != LogEvent::End) {
            self.frames = None;
        }
        match received? {
            Response::Log(event) => Ok(Some(event)),
            Response::Answer(Err(fault)) => Err(fault.into()),
            Response::Answer(Ok(_)) => Err(ClientError::unexpected(&self.path, "a second answer")),
            Response::Event(_) | Response::Backup(_) => {
                Err(ClientError::unexpected(&self.path, "an event of a run for the log"))
            }
        }
    }
}
