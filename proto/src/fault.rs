//! The error half of an answer: typed, so that a client can branch on it and a person can act on it.

use serde::{Deserialize, Serialize};

/// The kind of a fault. Variants are only ever appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FaultCode {
    /// The request is well-formed but makes no sense.
    BadRequest,
    /// The peer may not do this.
    NotAllowed,
    /// What the request names does not exist.
    NotFound,
    /// This daemon does not know the request.
    Unsupported,
    /// The daemon cannot do it now.
    Unavailable,
    /// The daemon failed.
    Internal,
    /// Another process kept a database locked.
    Locked,
    /// Too many other requests at the moment; from protocol 2 on, [`Unavailable`](Self::Unavailable) before.
    Busy,
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What kind of fault it is.
    pub code: FaultCode,
    /// What is wrong, one line.
    pub message: String,
    /// What to do about it, one line; may be empty.
    pub hint: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
}
