//! `backup`: a copy of VMS's database as it is at one instant.
//!
//! `VACUUM INTO` copies within one read transaction. With a write-ahead log, writers are not blocked; with a
//! rollback journal they cannot commit meanwhile, so a large database is refused there.

use std::path::Path;

use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;

use super::connection::Connection;
use super::disk_space;
use super::target::Target;
use super::task::{Done, Task};
use super::{MaintenanceError, TargetError};
use crate::vms::Access;

/// Copies the database to a path that must not exist.
pub(super) async fn backup(task: &Task<'_>, path: &Path) -> Result<Done, MaintenanceError> {
    let item = copy(task, path, Copying::BesideVms).await?;
    Ok(Done { items: vec![item], file: Some(path.display().to_string()), ..Done::default() })
}

/// The conditions under which a copy is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copying {
    /// VMS may be writing, and must not wait longer than the limit. Nothing is overwritten.
    BesideVms,
    /// The caller has ensured that no other process has the database open, so there is no limit. An older
    /// copy of the same name is replaced.
    Alone,
}

/// Makes a copy under a temporary name, verifies it, and only then renames it.
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
    // Nobody else uses it: no side files are needed.
    let sqlite = SqliteConnectOptions::new().filename(copy).read_only(true).immutable(true).connect().await;
    let sqlite = sqlite.map_err(|source| MaintenanceError::of(copy, "opening it", source))?;
    let mut copy = Connection::over(copy, sqlite, &task.interrupt).await?;
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
