//! A copy of VMS's database as of one instant.
//!
//! `VACUUM INTO` copies within one read transaction. With a write-ahead log, writers are not blocked; with a
//! rollback journal they cannot commit meanwhile, so a large database is refused there.
//!
//! The copy is made beside the state, where only the daemon's user can write, and under a name that is not chosen by a
//! client: no other user can replace it or redirect it with a link. To store a copy elsewhere, a client receives its
//! bytes.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use cached_proto::verb::maintenance::MaintenanceItem;
use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;

use super::connection::Connection;
use super::disk_space;
use super::error::MaintenanceError;
use super::task::Task;
use crate::disk::free;
use crate::plain_file::{self, FileId};
use crate::sqlite::beside;
use crate::vms::Access;

/// Suffix of the name of a copy, after the name of the state database. One name is enough: there is one task at
/// a time.
const ENDING: &str = ".vms-copy";

/// The conditions under which a copy is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copying {
    /// VMS may be writing, and must not wait longer than the limit.
    BesideVms,
    /// The caller has ensured that no other process has the database open, so there is no limit.
    Alone,
}

/// A verified copy.
#[derive(Debug)]
pub(super) struct Copied {
    name: Name,
    file: File,
    /// Its size and the time that it took; the caller fills in the name.
    pub(super) item: MaintenanceItem,
}

/// The name of a copy; dropping this removes the copy and its journal.
#[derive(Debug)]
struct Name(PathBuf);

impl Drop for Name {
    fn drop(&mut self) {
        // SQLite would mistake a journal that a killed daemon left for one of the next copy, and roll it back into
        // that.
        let _ = std::fs::remove_file(beside(&self.0, "-journal"));
        // It may have been renamed.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Copied {
    /// Removes the name and returns the file, which no other process can open then. It is deleted from the disk
    /// when the file is closed, for whatever reason.
    pub(super) fn unnamed(self) -> File {
        self.file
    }

    /// Renames the copy within its directory, durably; replaces an existing file.
    pub(super) fn keep(self, name: &str) -> Result<(PathBuf, MaintenanceItem), MaintenanceError> {
        let Self { name: unfinished, file, item } = self;
        let directory = parent(&unfinished.0);
        let path = directory.join(name);
        let kept = file.sync_all().and_then(|()| {
            rename(&unfinished.0, &path)?;
            plain_file::open_directory(directory)?.sync_all()
        });
        kept.map_err(|source| MaintenanceError::Copy { path: path.clone(), source })?;
        Ok((path, item))
    }
}

/// Removes what a killed daemon left behind.
pub(super) fn clear(state: &Path) {
    drop(name(state));
}

/// Makes a copy and verifies it.
pub(super) async fn copy(task: &Task<'_>, copying: Copying) -> Result<Copied, MaintenanceError> {
    clear(task.state.path());
    let name = name(task.state.path());
    let copying = task.using(Access::Read, async |vms| copy_to(task, vms, &name.0, copying).await);
    let (file, item) = copying.await?;
    Ok(Copied { name, file, item })
}

async fn copy_to(
    task: &Task<'_>,
    vms: &mut Connection,
    path: &Path,
    copying: Copying,
) -> Result<(File, MaintenanceItem), MaintenanceError> {
    let directory = parent(path);
    let size = vms.size().await?;
    let bytes = size.file.saturating_sub(size.free);
    let need = bytes.saturating_add(size.log);
    disk_space::ensure(directory, need)?;
    if copying == Copying::BesideVms {
        // Free pages are not read.
        task.ensure_short_read(vms, "copying a database without a write-ahead log", bytes).await?;
    }
    let failed = |source| MaintenanceError::Copy { path: path.to_owned(), source };
    let to = path.to_str().ok_or_else(|| failed(io::Error::other("its path is not UTF-8")))?;
    let file = plain_file::create_private(path).map_err(failed)?;
    let mut written = 0;
    let mut item = task
        .timed("", bytes, async {
            task.steps.publish("copying", 0, 2);
            // The only file that it writes is the copy.
            vms.run("copying it", "PRAGMA query_only = OFF").await?;
            let copied = vms.run_with("copying it", "VACUUM INTO ?", to).await;
            task.interrupt.limit(None);
            copied.map_err(|error| match error {
                // The copy has run out of space, not the database.
                MaintenanceError::Full { .. } => MaintenanceError::NoRoom {
                    path: directory.to_owned(),
                    free: free(directory).unwrap_or_default(),
                    need,
                },
                error => error,
            })?;
            task.steps.publish("checking the copy", 1, 2);
            written = verify(task, path, &file).await?;
            Ok(())
        })
        .await?;
    item.bytes = written;
    Ok((file, item))
}

/// Looks for damage in a copy and returns its size.
async fn verify(task: &Task<'_>, path: &Path, file: &File) -> Result<u64, MaintenanceError> {
    // No other process uses it: no side files are needed.
    let sqlite = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true).connect().await;
    let sqlite = sqlite.map_err(|source| MaintenanceError::of(path, "opening it", source))?;
    let copy = Connection::over(path, sqlite, &task.interrupt).await?;
    let checking = copy.using(async |copy| {
        let found = copy.texts("checking the copy", "PRAGMA quick_check(1)").await?;
        Ok((found, copy.size().await?.file))
    });
    let (found, bytes) = checking.await?;
    // SQLite opens by name, and finds no damage in an empty file: the file that it checked has to be the one that was
    // written, and complete.
    let failed = |source| MaintenanceError::Copy { path: path.to_owned(), source };
    let (ours, named) = (file.metadata().map_err(failed)?, std::fs::symlink_metadata(path).map_err(failed)?);
    let is_ours = FileId::of(&ours) == FileId::of(&named) && ours.nlink() == 1;
    let finding = match found.first().map(String::as_str) {
        _ if !is_ours => "another file has replaced it",
        _ if bytes == 0 || ours.len() != bytes => "it is incomplete",
        Some("ok") => return Ok(bytes),
        Some(finding) => finding,
        None => "the check returned nothing",
    };
    Err(MaintenanceError::Damaged {
        path: task.path().to_owned(),
        finding: cached_proto::text::one_line(finding).into_owned(),
    })
}

fn name(state: &Path) -> Name {
    Name(beside(state, ENDING))
}

/// The directory of a file.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

#[expect(clippy::disallowed_methods, reason = "a finished copy takes another name; none is opened")]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}
