//! `maintenance`

use std::sync::Arc;

use cached_proto::fault::{Fault, FaultCode};
use cached_proto::verb::maintenance::{MaintenanceReply, MaintenanceRequest};
use cached_proto::words::MaintenanceTask;
use tracing::info;

use super::fault::fault;
use super::{Caller, Service};
use crate::describe::describe;
use crate::maintenance::{Busy, Maintenance, MaintenanceError};

/// Starts the task; it continues even if the client disconnects.
pub(crate) fn maintenance(
    service: &Service,
    caller: &Caller,
    request: &MaintenanceRequest,
) -> Result<MaintenanceReply, Fault> {
    let task = request.task();
    if task == MaintenanceTask::Backup {
        return Err(Fault::from(&MaintenanceError::NamesAPath));
    }
    let id = Maintenance::start(&Arc::clone(&service.maintenance), request.clone())?;
    info!("Maintenance {task} requested by {caller}");
    Ok(MaintenanceReply { id, task })
}

impl From<Busy> for Fault {
    fn from(busy: Busy) -> Self {
        fault(FaultCode::Unavailable, &describe(&busy), "try again when it has ended")
    }
}

impl From<&MaintenanceError> for Fault {
    fn from(error: &MaintenanceError) -> Self {
        let code = match error {
            _ if error.is_locked() => FaultCode::Locked,
            MaintenanceError::TooYoung => FaultCode::BadRequest,
            MaintenanceError::NamesAPath => FaultCode::Unsupported,
            MaintenanceError::Stopped
            | MaintenanceError::WouldLock { .. }
            | MaintenanceError::LockedTooLong { .. }
            | MaintenanceError::InUse { .. }
            | MaintenanceError::HoldersUnknown { .. }
            | MaintenanceError::NoRoom { .. }
            | MaintenanceError::Full { .. }
            | MaintenanceError::Suspicious(_) => FaultCode::Unavailable,
            _ => FaultCode::Internal,
        };
        Self { retryable: error.is_retryable(), ..fault(code, &describe(error), error.hint()) }
    }
}
