//! Performs the maintenance tasks that the schedules have requested.

use std::sync::Arc;
use std::time::Duration;

use cached_proto::verb::maintenance::{MaintenanceReport, MaintenanceRequest};
use cached_proto::words::Chore;
use tracing::{error, info, warn};

use super::{Maintenance, MaintenanceError, copy};
use crate::describe::describe;
use crate::state::{DueChore, StateError};

/// Pause after an error of the state database.
const PAUSE: Duration = Duration::from_mins(1);

/// Why a waiting task is abandoned.
const SET_ASIDE: &str = "it was begun too often and never ended; do it by hand with `cachectl maintenance`";

/// Performs scheduled tasks until it is dropped, which may happen at any time, or until maintenance is
/// stopped.
pub(crate) async fn work_off(maintenance: Arc<Maintenance>) {
    // Subscribed before the first check, so that no task that is requested in between is missed.
    let mut work = maintenance.queue.work();
    copy::clear(maintenance.queue.state().path());
    loop {
        match maintenance.work_one().await {
            Ok(Worked::Something) => {}
            Ok(Worked::Nothing) => {
                work.arrived().await;
            }
            Ok(Worked::Stopped) => return std::future::pending().await,
            Err(error) => {
                error!("Scheduled maintenance is put off: {}", describe(&error));
                maintenance.clock.sleep(PAUSE).await;
            }
        }
    }
}

enum Worked {
    Something,
    Nothing,
    Stopped,
}

impl Maintenance {
    async fn work_one(&self) -> Result<Worked, StateError> {
        let state = self.queue.state();
        let Some(due) = state.due_chore().await? else { return Ok(Worked::Nothing) };
        let retry = self.config.borrow().retry;
        if due.attempts >= retry.attempts {
            error!("Maintenance {} of slot {}: {SET_ASIDE}", due.chore, due.slot);
            state.end_chore(due.id, self.clock.now(), Some(SET_ASIDE.to_owned())).await?;
            return Ok(Worked::Something);
        }
        state.count_chore(due.id, 1).await?;
        match self.perform_due(&due).await {
            Ok(report) => {
                tell(&due, &report);
                state.end_chore(due.id, self.clock.now(), None).await?;
            }
            Err(MaintenanceError::Stopped) => {
                state.count_chore(due.id, -1).await?;
                return Ok(Worked::Stopped);
            }
            Err(error) => {
                let message = describe(&error);
                let pause = retry.pause(due.attempts.saturating_add(1), self.chance.bits());
                if let Some(pause) = pause.filter(|_| error.is_retryable()) {
                    warn!("Maintenance {} of slot {} is tried again: {message}", due.chore, due.slot);
                    self.clock.sleep(pause).await;
                } else {
                    error!("Maintenance {} of slot {} failed: {message}", due.chore, due.slot);
                    state.end_chore(due.id, self.clock.now(), Some(message)).await?;
                }
            }
        }
        Ok(Worked::Something)
    }

    async fn perform_due(&self, due: &DueChore) -> Result<MaintenanceReport, MaintenanceError> {
        let request = match due.chore {
            Chore::Analyze => MaintenanceRequest::Analyze,
            Chore::Prune => MaintenanceRequest::Prune { older_than_seconds: None, dry_run: false },
            Chore::Reindex => MaintenanceRequest::Reindex,
            Chore::Vacuum => MaintenanceRequest::Vacuum,
            Chore::Integrity => MaintenanceRequest::Integrity,
            Chore::Backup => return self.back_up(&due.slot).await,
        };
        self.perform(&request).await
    }
}

fn tell(due: &DueChore, report: &MaintenanceReport) {
    let removed: u64 = report.items.iter().map(|item| item.rows).sum();
    let removed = if due.chore == Chore::Prune { format!(", {removed} rows removed") } else { String::new() };
    let (chore, slot, seconds) = (due.chore, &due.slot, report.seconds);
    info!("Maintenance {chore} of slot {slot} took {seconds:.2} seconds{removed}");
}
