//! Dispatches a request to its task, and builds the report.

use std::path::Path;

use cached_proto::verb::maintenance::{MaintenanceReport, MaintenanceRequest, MaintenanceSize};

use super::task::Task;
use super::{MaintenanceError, analyze, backup, integrity, prune, reindex, vacuum};
use crate::vms::Access;

impl Task<'_> {
    pub(super) async fn perform(
        &self,
        request: &MaintenanceRequest,
    ) -> Result<MaintenanceReport, MaintenanceError> {
        crate::vms::ensure_accessible(self.path())?;
        let began = self.clock.monotonic();
        // A damaged file may not even report its size, and that must not prevent the search for damage.
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
