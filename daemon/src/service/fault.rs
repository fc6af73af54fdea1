//! Converts errors to the faults sent to clients.

use std::error::Error;

use cached_proto::fault::{Fault, FaultCode};
use tracing::error;

use crate::describe::describe;
use crate::jobs::QueueError;
use crate::readers::{Crowded, RETRY_INTERVAL};
use crate::state::StateError;

/// A fault whose message is complete by itself.
pub(crate) fn fault(code: FaultCode, message: &str, hint: &str) -> Fault {
    let retryable = matches!(code, FaultCode::Unavailable | FaultCode::Locked | FaultCode::Busy);
    Fault { code, message: message.to_owned(), hint: hint.to_owned(), retryable }
}

/// A failure of the daemon itself, which is logged as well.
fn internal(cause: &dyn Error) -> Fault {
    let message = describe(cause);
    error!("a request failed: {message}");
    let hint = "check the log of cached, then try again".to_owned();
    Fault { code: FaultCode::Internal, message, hint, retryable: true }
}

/// A failure that needs no investigation: too many other requests at the same time.
fn busy(cause: &dyn Error) -> Fault {
    let hint = format!("try again in {} seconds", RETRY_INTERVAL.as_secs());
    fault(FaultCode::Busy, &describe(cause), &hint)
}

impl From<Crowded> for Fault {
    fn from(crowded: Crowded) -> Self {
        busy(&crowded)
    }
}

impl From<StateError> for Fault {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Busy { .. } => busy(&error),
            _ => internal(&error),
        }
    }
}

impl From<QueueError> for Fault {
    fn from(error: QueueError) -> Self {
        let code = match &error {
            QueueError::State(StateError::Busy { .. }) => return busy(&error),
            QueueError::NoTables | QueueError::Over(_) | QueueError::NothingToRetry(_) => {
                FaultCode::BadRequest
            }
            QueueError::NoSuchRun(_) | QueueError::NoSuchJob(_) => FaultCode::NotFound,
            QueueError::State(_)
            | QueueError::NotStarted(_)
            | QueueError::LeaseLost(_)
            | QueueError::Unfinished { .. } => {
                return internal(&error);
            }
        };
        fault(code, &describe(&error), "")
    }
}
