//! The messages after the hello: a request, its one answer, and for some requests the events that follow it.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::verb::NoEvent;
use crate::verb::backup::BackupEvent;
use crate::verb::logs::LogEvent;
use crate::verb::refresh::Progress;
pub use crate::verb::{Reply, Request, Right, Verb};

/// A message from daemon to client. Variants are only ever appended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Response {
    /// The one answer to a request.
    Answer(Result<Reply, Fault>),
    /// One of the events that follow the answer to `refresh` and `maintenance`.
    Event(Progress),
    /// One of the events that follow the answer to `logs`.
    Log(LogEvent),
    /// One of the events that follow the answer to `maintenance backup`; protocol 2.
    Backup(BackupEvent),
}

impl Response {
    /// Whether nothing follows this in a stream of events.
    pub fn ends_stream(&self) -> bool {
        match self {
            Self::Answer(_) => true,
            Self::Event(event) => event.is_last(),
            Self::Log(event) => event.is_last(),
            Self::Backup(event) => event.is_last(),
        }
    }
}

/// A kind of events that a stream consists of.
pub trait Event: Sized {
    /// Whether no event follows this one.
    fn is_last(&self) -> bool;

    /// The event in a response, if it is one of this kind.
    fn of(response: Response) -> Option<Self>;
}

impl Event for Progress {
    fn is_last(&self) -> bool {
        matches!(self, Self::RunDone(_) | Self::MaintenanceDone(_))
    }

    fn of(response: Response) -> Option<Self> {
        if let Response::Event(event) = response { Some(event) } else { None }
    }
}

impl Event for LogEvent {
    fn is_last(&self) -> bool {
        *self == Self::End
    }

    fn of(response: Response) -> Option<Self> {
        if let Response::Log(event) = response { Some(event) } else { None }
    }
}

impl Event for BackupEvent {
    fn is_last(&self) -> bool {
        matches!(self, Self::Done(_))
    }

    fn of(response: Response) -> Option<Self> {
        if let Response::Backup(event) = response { Some(event) } else { None }
    }
}

impl Event for NoEvent {
    fn is_last(&self) -> bool {
        match *self {}
    }

    fn of(_: Response) -> Option<Self> {
        None
    }
}
