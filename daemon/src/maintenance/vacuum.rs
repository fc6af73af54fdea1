//! `vacuum`: returns free pages to the file system. Runs only on an operator's request, and only while no
//! other process has the database open.
//!
//! A copy is made first and kept beside the state; the next vacuum replaces it.

use std::path::PathBuf;

use super::connection::Connection;
use super::copy::{Copying, copy, parent};
use super::disk_space;
use super::error::MaintenanceError;
use super::task::{Done, Task};
use crate::plain_file::FileId;
use crate::vms::{Access, holders};

/// Name of the copy, beside the state database.
const COPY: &str = "vms-before-vacuum.db";

pub(super) async fn vacuum(task: &Task<'_>) -> Result<Done, MaintenanceError> {
    ensure_alone(task)?;
    let asking = task.using(Access::Read, async |vms| Ok((vms.size().await?, vms.is_write_ahead().await?)));
    let (size, write_ahead) = asking.await?;
    // SQLite builds the new file in its directory for temporary files, and writes it back through the
    // journal.
    disk_space::ensure(parent(task.path()), size.file.saturating_mul(2))?;
    disk_space::ensure(&disk_space::temporary(), size.file)?;

    let kept = parent(task.state.path()).join(COPY);
    if FileId::at(&kept).ok() == FileId::at(task.path()).ok() {
        // The copy replaces an older one, and must never replace the database itself.
        return Err(MaintenanceError::Itself(kept));
    }
    let mut done = Done::default();
    task.steps.publish("copying it first", 0, 2);
    let (kept, mut copied) = copy(task, Copying::Alone).await?.keep(COPY)?;
    copied.name = kept.display().to_string();
    done.items.push(copied);

    task.steps.publish("vacuum", 1, 2);
    // A process may have opened the database while it was copied.
    ensure_alone(task)?;
    // With a write-ahead log every connection of the daemon's own holds a lock, a survey's for example. There the
    // write lock is what keeps other processes from writing; they can still read.
    let path = task.path().display().to_string();
    let squeezing =
        task.using(Access::Whole, async |vms| task.timed(&path, size.file, squeeze(vms, write_ahead)).await);
    done.items.push(squeezing.await?);
    done.notes
        .push(format!("a copy from before the vacuum is kept as {} until the next one", kept.display()));
    done.file = Some(kept.display().to_string());
    Ok(done)
}

async fn squeeze(vms: &mut Connection, write_ahead: bool) -> Result<(), MaintenanceError> {
    if !write_ahead {
        // The lock is taken at once and kept until the connection is closed.
        vms.run("waiting for other connections to close", "BEGIN EXCLUSIVE").await?;
        vms.run("waiting for other connections to close", "COMMIT").await?;
    }
    vms.run("returning free pages", "VACUUM").await?;
    if write_ahead {
        // Otherwise a log as large as the database remains. A process that is still reading only delays the
        // truncation.
        vms.run("copying the log into the file", "PRAGMA wal_checkpoint(TRUNCATE)").await?;
    }
    Ok(())
}

fn ensure_alone(task: &Task<'_>) -> Result<(), MaintenanceError> {
    let path: PathBuf = task.path().to_owned();
    match holders(&path) {
        Ok(None) => Ok(()),
        Ok(Some(by)) => Err(MaintenanceError::InUse { path, by }),
        Err(source) => Err(MaintenanceError::HoldersUnknown { path, source }),
    }
}
