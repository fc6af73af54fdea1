//! `backup`: a copy of VMS's database as it is at one instant.
//!
//! `VACUUM INTO` copies within one read transaction. Writers do not notice where there is a write-ahead log; with a
//! rollback journal they cannot commit meanwhile, so there a large database is refused.

use std::path::Path;

use super::connection::{Access, Connection};
use super::disk_space;
use super::target::Target;
use super::task::{Done, Task};
use super::{MaintenanceError, TargetError};

/// Copies to a path at which there is nothing.
pub(super) async fn backup(task: &Task<'_>, path: &Path) -> Result<Done, MaintenanceError> {
    let item = copy(task, path, Copying::BesideVms).await?;
    Ok(Done { items: vec![item], file: Some(path.display().to_string()), ..Done::default() })
}

/// What a copy is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copying {
    /// VMS may be writing, and is kept waiting no longer than the limit. Nothing is overwritten.
    BesideVms,
    /// The caller has made sure that no other process has the database open, so there is no limit. An older copy of the
    /// same name is replaced.
    Alone,
}

/// Copies, verifies the copy, and only then gives it its name.
pub(super) async fn copy(
    task: &Task<'_>,
    path: &Path,
    copying: Copying,
) -> Result<cached_proto::verb::maintenance::MaintenanceItem, MaintenanceError> {
    let target = Target::create(path, copying == Copying::Alone, task.chance.bits())?;
    target.sweep(task.clock.now());
    let mut vms = task.open(Access::Write).await?;
    let size = vms.size().await?;
    let bytes = size.file.saturating_sub(size.free);
    disk_space::ensure(target.directory(), bytes.saturating_add(size.log))?;
    if copying == Copying::BesideVms {
        // Free pages are not read.
        task.ensure_short_read(&mut vms, "copying a database without a write-ahead log", bytes).await?;
    }
    let mut item = task
        .timed(&path.display().to_string(), bytes, async {
            task.steps.tell("copying", 0, 2);
            let to = target.unfinished().to_str().ok_or_else(|| TargetError::NotAbsolute(path.to_owned()))?;
            let copied = vms.run_with("copying it", "VACUUM INTO ?", to).await;
            task.interrupt.limit(None);
            copied?;
            task.steps.tell("checking the copy", 1, 2);
            verify(task, target.unfinished()).await
        })
        .await?;
    item.bytes = target.unfinished().metadata().map_or(bytes, |copy| copy.len());
    vms.close().await;
    target.finish()?;
    Ok(item)
}

async fn verify(task: &Task<'_>, copy: &Path) -> Result<(), MaintenanceError> {
    let mut copy = Connection::open(copy, Access::Copy, &task.interrupt).await?;
    let found = copy.texts("checking the copy", "PRAGMA quick_check(1)").await?;
    copy.close().await;
    match found.first().map(String::as_str) {
        Some("ok") => Ok(()),
        finding => Err(MaintenanceError::Damaged {
            path: task.path().to_owned(),
            finding: cached_proto::text::one_line(finding.unwrap_or("no answer")).into_owned(),
        }),
    }
}
