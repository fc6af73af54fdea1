//! What the tasks have in common: what they work with, how they tell what they do, and what frames their work.

use std::path::Path;
use std::sync::Arc;

use cached_proto::text::one_line;
use cached_proto::verb::maintenance::{
    MaintenanceItem, MaintenanceReport, MaintenanceRequest, MaintenanceSize, MaintenanceStep,
};
use tokio::sync::watch;

use super::brake::Brake;
use super::connection::{Access, Connection};
use super::{Limits, MaintenanceError, Progressed, analyze, backup, integrity, prune, reindex, vacuum};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::refresh::RefreshConfig;
use crate::state::State;

/// Tells what a task does.
#[derive(Debug)]
pub(super) struct Steps(watch::Sender<Progressed>);

impl Steps {
    pub(super) fn new() -> (Self, watch::Receiver<Progressed>) {
        let first = MaintenanceStep { doing: "beginning".to_owned(), done: 0, total: 0 };
        let (sender, receiver) = watch::channel(Progressed::Doing(first));
        (Self(sender), receiver)
    }

    /// Steps that nobody follows.
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
    pub(super) chance: &'a dyn Chance,
    pub(super) limits: Limits,
    pub(super) brake: Brake,
    pub(super) steps: &'a Steps,
}

/// What a task has to tell.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) items: Vec<MaintenanceItem>,
    pub(super) file: Option<String>,
    pub(super) notes: Vec<String>,
    /// Damage was found.
    pub(super) bad: bool,
}

impl Task<'_> {
    /// VMS's file.
    pub(super) fn path(&self) -> &Path {
        &self.config.database
    }

    /// A connection to VMS's file.
    pub(super) async fn open(&self, access: Access) -> Result<Connection, MaintenanceError> {
        Connection::open(self.path(), access, &self.brake).await
    }

    /// Measures what `work` takes, as an item.
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

    pub(super) async fn perform(
        &self,
        request: &MaintenanceRequest,
    ) -> Result<MaintenanceReport, MaintenanceError> {
        crate::vms::ensure_accessible(self.path())?;
        let began = self.clock.monotonic();
        // A damaged file may not even tell its size, and that must not keep the search for damage from it.
        let before = self.size().await.unwrap_or_default();
        let (done, dry_run) = match request {
            MaintenanceRequest::Analyze => (analyze::analyze(self).await?, false),
            MaintenanceRequest::Reindex => (reindex::reindex(self).await?, false),
            MaintenanceRequest::Vacuum => (vacuum::vacuum(self).await?, false),
            MaintenanceRequest::Integrity => (integrity::integrity(self).await?, false),
            MaintenanceRequest::Backup { file } => (backup::backup(self, Path::new(file)).await?, false),
            &MaintenanceRequest::Prune { older_than_seconds, dry_run } => {
                (prune::prune(self, older_than_seconds, dry_run).await?, dry_run)
            }
        };
        Ok(MaintenanceReport {
            chore: request.chore(),
            good: !done.bad,
            dry_run,
            seconds: self.clock.monotonic().saturating_sub(began).as_secs_f64(),
            before,
            after: self.size().await.unwrap_or_default(),
            items: done.items,
            file: done.file,
            notes: done.notes,
        })
    }

    async fn size(&self) -> Result<MaintenanceSize, MaintenanceError> {
        let mut vms = self.open(Access::Read).await?;
        let size = vms.size().await;
        vms.close().await;
        size
    }
}
