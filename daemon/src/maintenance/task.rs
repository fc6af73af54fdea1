//! What the tasks have in common: their context, and how they report their progress.

use std::path::Path;
use std::sync::Arc;

use cached_proto::text::one_line;
use cached_proto::verb::maintenance::{MaintenanceItem, MaintenanceReport, MaintenanceStep};
use tokio::sync::watch;

use super::connection::Connection;
use super::interrupt::Interrupt;
use super::{LockLimits, MaintenanceError, Progressed};
use crate::clock::Clock;
use crate::refresh::RefreshConfig;
use crate::state::State;
use crate::vms::{self, Access};

/// Publishes the steps of a task.
#[derive(Debug)]
pub(super) struct Steps(watch::Sender<Progressed>);

impl Steps {
    pub(super) fn new() -> (Self, watch::Receiver<Progressed>) {
        let first = MaintenanceStep { doing: "beginning".to_owned(), done: 0, total: 0 };
        let (sender, receiver) = watch::channel(Progressed::Doing(first));
        (Self(sender), receiver)
    }

    /// Creates steps without a follower.
    pub(super) fn untold() -> Self {
        Self::new().0
    }

    pub(super) fn tell(&self, doing: &str, done: usize, total: usize) {
        let step =
            MaintenanceStep { doing: one_line(doing).into_owned(), done: done as u64, total: total as u64 };
        self.0.send_replace(Progressed::Doing(step));
    }

    pub(super) fn end(&self, ended: Result<MaintenanceReport, MaintenanceError>) {
        self.0.send_replace(Progressed::Ended(ended.map(Box::new).map_err(Arc::new)));
    }
}

/// A task in progress.
pub(super) struct Task<'a> {
    pub(super) config: &'a RefreshConfig,
    pub(super) state: &'a State,
    pub(super) clock: &'a Arc<dyn Clock>,
    pub(super) limits: LockLimits,
    pub(super) interrupt: Interrupt,
    pub(super) steps: &'a Steps,
}

/// The result of a task.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) items: Vec<MaintenanceItem>,
    pub(super) file: Option<String>,
    pub(super) notes: Vec<String>,
    /// Whether damage was found.
    pub(super) bad: bool,
}

impl Task<'_> {
    /// VMS's file.
    pub(super) fn path(&self) -> &Path {
        &self.config.database
    }

    /// A connection to VMS's file.
    pub(super) async fn open(&self, access: Access) -> Result<Connection, MaintenanceError> {
        let sqlite = vms::connect(self.path(), access, vms::PATIENCE).await?;
        Connection::over(self.path(), sqlite, &self.interrupt).await
    }

    /// Runs `work` and returns an item with the time that it took.
    pub(super) async fn timed(
        &self,
        name: &str,
        bytes: u64,
        work: impl Future<Output = Result<(), MaintenanceError>>,
    ) -> Result<MaintenanceItem, MaintenanceError> {
        let began = self.clock.monotonic();
        work.await?;
        let seconds = self.clock.monotonic().saturating_sub(began).as_secs_f64();
        Ok(MaintenanceItem { name: name.to_owned(), rows: 0, bytes, seconds, messages: Vec::new() })
    }
}
