//! Dispatches a request to its task, and builds the report.

use cached_proto::verb::maintenance::{MaintenanceReport, MaintenanceRequest, MaintenanceSize};
use cached_proto::words::Chore;

use super::task::{Done, Task};
use super::{MaintenanceError, analyze, integrity, prune, reindex, vacuum};
use crate::vms::Access;

impl Task<'_> {
    pub(super) async fn perform(
        &self,
        request: &MaintenanceRequest,
    ) -> Result<MaintenanceReport, MaintenanceError> {
        let dry_run = matches!(request, MaintenanceRequest::Prune { dry_run: true, .. });
        let work = async {
            match request {
                MaintenanceRequest::Analyze => analyze::analyze(self).await,
                MaintenanceRequest::Reindex => reindex::reindex(self).await,
                MaintenanceRequest::Vacuum => vacuum::vacuum(self).await,
                MaintenanceRequest::Integrity => integrity::integrity(self).await,
                MaintenanceRequest::Backup { .. } => Err(MaintenanceError::NamesAPath),
                &MaintenanceRequest::Prune { older_than_seconds, dry_run } => {
                    prune::prune(self, older_than_seconds, dry_run).await
                }
            }
        };
        let report = self.report(request.chore(), work).await?;
        Ok(MaintenanceReport { dry_run, ..report })
    }

    /// Does the work and reports on it.
    pub(super) async fn report(
        &self,
        chore: Chore,
        work: impl Future<Output = Result<Done, MaintenanceError>>,
    ) -> Result<MaintenanceReport, MaintenanceError> {
        crate::vms::ensure_accessible(self.path())?;
        let began = self.clock.monotonic();
        // A damaged file may not even report its size, and that must not prevent the search for damage.
        let before = self.size().await.unwrap_or_default();
        let done = work.await?;
        Ok(MaintenanceReport {
            chore,
            good: !done.bad,
            dry_run: false,
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
