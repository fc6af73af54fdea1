//! The stream of a copy of VMS's database.

use std::path::PathBuf;

use interprocess::local_socket::tokio::Stream;

use super::{ClientError, receive};
use crate::frame::ClientFrames;
use crate::message::Response;
use crate::verb::backup::BackupEvent;

/// The events that follow the answer to `backup`.
#[derive(Debug)]
pub struct Parts {
    pub(super) path: PathBuf,
    /// `None` after the last event.
    pub(super) frames: Option<ClientFrames<Stream>>,
}

impl Parts {
    /// Returns the next event; `None` after [`BackupEvent::Done`]. Making the copy has no time limit.
    pub async fn next(&mut self) -> Result<Option<BackupEvent>, ClientError> {
        let Some(frames) = &mut self.frames else { return Ok(None) };
        let received = receive(&self.path, frames).await;
        if !matches!(received, Ok(Response::Backup(BackupEvent::Step(_) | BackupEvent::Part(_)))) {
            self.frames = None;
        }
        match received? {
            Response::Backup(event) => Ok(Some(event)),
            Response::Answer(Err(fault)) => Err(fault.into()),
            Response::Answer(Ok(_)) => Err(ClientError::unexpected(&self.path, "a second answer")),
            Response::Event(_) | Response::Log(_) => {
                Err(ClientError::unexpected(&self.path, "something else than parts of a copy"))
            }
        }
    }
}
