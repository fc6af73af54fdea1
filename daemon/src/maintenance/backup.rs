//! Scheduled backups: copies in a directory that the operator has chosen; the oldest ones are deleted.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::process::geteuid;

use super::copy::{Copying, copy};
use super::disk_space;
use super::error::MaintenanceError;
use super::task::{Done, Task};
use crate::config;
use crate::plain_file::{self, rename_new};

/// Bytes that are written at a time; the daemon may stop in between.
const BLOCK: u64 = 1 << 20;

const UNFINISHED: &str = ".unfinished";

/// Where scheduled backups are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backups {
    /// The directory.
    pub directory: PathBuf,
    /// How many are kept.
    pub keep: usize,
}

impl Backups {
    /// The configured directory and number; `None` without a directory.
    pub fn configured(config: &config::Maintenance) -> Option<Self> {
        let directory = config.backup_dir.clone()?;
        Some(Self { directory, keep: usize::try_from(config.backup_keep).unwrap_or(usize::MAX) })
    }

    /// Whether a backup of a slot between these two, inclusive, exists. A directory that cannot be read counts as
    /// empty.
    pub fn has_between(&self, first: &str, last: &str) -> bool {
        let slots = name_of(first)..=name_of(last);
        self.names().is_ok_and(|names| names.iter().any(|name| slots.contains(name)))
    }

    /// The names of the backups, oldest first. Other files in the directory belong to others.
    fn names(&self) -> io::Result<Vec<String>> {
        let own = geteuid().as_raw();
        let mut names = Vec::new();
        for entry in self.directory.read_dir()? {
            let entry = entry?;
            let is_own = entry.metadata().is_ok_and(|file| file.is_file() && file.uid() == own);
            names.extend(entry.file_name().into_string().ok().filter(|name| is_own && is_name(name)));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Refuses a directory to which backups cannot or should not be written. Creates nothing.
    pub fn examine(&self) -> Result<(), MaintenanceError> {
        // Root may be checking on behalf of any user.
        self.ensure_private(|owner| geteuid().is_root() || is_trusted(owner))?;
        access(&self.directory, Access::WRITE_OK).map_err(|error| self.refused(&error.to_string()))
    }

    /// Refuses a directory in which another user could replace a backup.
    fn ensure_private(&self, may_own: impl Fn(u32) -> bool) -> Result<(), MaintenanceError> {
        let found = self.directory.metadata().map_err(|error| self.refused(&error.to_string()))?;
        if !found.is_dir() {
            return Err(self.refused("it is not a directory"));
        }
        if !may_own(found.uid()) {
            return Err(self.refused(&format!("it belongs to user {}", found.uid())));
        }
        if found.mode() & 0o022 != 0 {
            return Err(self.refused("other users may write to it"));
        }
        Ok(())
    }

    fn refused(&self, reason: &str) -> MaintenanceError {
        MaintenanceError::BackupDir { path: self.directory.clone(), reason: reason.to_owned() }
    }

    /// Deletes the oldest backups, but never the one with that name.
    fn rotate(&self, newest: &str) -> io::Result<Vec<String>> {
        let names = self.names()?;
        let surplus = names.len().saturating_sub(self.keep.max(1));
        let old: Vec<String> = names.into_iter().filter(|name| name != newest).take(surplus).collect();
        for name in &old {
            std::fs::remove_file(self.directory.join(name))?;
        }
        Ok(old)
    }
}

/// Whether a user has no more rights on a directory than this process.
fn is_trusted(owner: u32) -> bool {
    owner == geteuid().as_raw() || owner == 0
}

/// The name of the backup of a slot such as `2026-03-08 03:30`; names sort in the order of the slots.
fn name_of(slot: &str) -> String {
    format!("vms-{}.db", slot.replace(' ', "T").replace(':', ""))
}

/// Whether this is such a name: `vms-2026-03-08T0330.db`.
fn is_name(name: &str) -> bool {
    let slot = name.strip_prefix("vms-").and_then(|name| name.strip_suffix(".db"));
    slot.is_some_and(|slot| {
        slot.len() == 15
            && slot.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                10 => byte == b'T',
                _ => byte.is_ascii_digit(),
            })
    })
}

/// Makes the backup of a slot, unless it exists already.
pub(super) async fn back_up(
    task: &Task<'_>,
    backups: &Backups,
    slot: &str,
) -> Result<Done, MaintenanceError> {
    backups.ensure_private(is_trusted)?;
    let name = name_of(slot);
    let path = backups.directory.join(&name);
    let mut done = Done { file: Some(path.display().to_string()), ..Done::default() };
    if path.symlink_metadata().is_ok() {
        // A daemon that was killed after it had finished the file repeats the task; only complete files have such a
        // name.
        done.notes.push(format!("{} exists already", path.display()));
        return Ok(done);
    }
    let copied = copy(task, Copying::BesideVms).await?;
    let mut item = copied.item.clone();
    item.name = path.display().to_string();
    disk_space::ensure(&backups.directory, item.bytes)?;
    task.steps.publish("writing it to maintenance.backup_dir", 2, 2);
    let (from, interrupt, bytes) = (copied.unnamed(), task.interrupt.clone(), item.bytes);
    let to = backups.directory.join(format!(".{name}{UNFINISHED}"));
    let written = tokio::task::spawn_blocking({
        let path = path.clone();
        move || {
            let written = write(from, &to, &path, bytes, || interrupt.is_stopped());
            if written.is_err() {
                // It may not have been created at all.
                let _ = std::fs::remove_file(&to);
            }
            written
        }
    });
    match written.await.map_err(io::Error::other) {
        Ok(Ok(())) => {}
        Ok(Err(_)) if task.interrupt.is_stopped() => return Err(MaintenanceError::Stopped),
        Ok(Err(source)) | Err(source) => return Err(MaintenanceError::Copy { path, source }),
    }
    done.items.push(item);
    let old = backups.rotate(&name).map_err(|source| MaintenanceError::Copy { path, source })?;
    done.notes.extend(old.into_iter().map(|name| format!("{name} was deleted")));
    Ok(done)
}

/// Copies a file under another name, so that under its own name it is complete or absent.
fn write(
    mut from: File,
    unfinished: &Path,
    path: &Path,
    bytes: u64,
    stopped: impl Fn() -> bool,
) -> io::Result<()> {
    // Left behind by a killed daemon; no other user can write here.
    let _ = std::fs::remove_file(unfinished);
    let mut to = plain_file::create_private(unfinished)?;
    let mut copied = 0;
    loop {
        if stopped() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match io::copy(&mut (&mut from).take(BLOCK), &mut to)? {
            0 => break,
            block => copied += block,
        }
    }
    if copied != bytes {
        return Err(io::Error::other(format!("{copied} of {bytes} bytes were copied")));
    }
    to.sync_all()?;
    rename_new(unfinished, path)?;
    plain_file::open_directory(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes its own files")]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = directory.read_dir().unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn only_files_named_by_this_module_count_as_backups() {
        assert_eq!(name_of("2026-03-08 03:30"), "vms-2026-03-08T0330.db");
        for (name, is) in [
            ("vms-2026-03-08T0330.db", true),
            ("vms-2026-11-22.db", false),
            ("vms-2026-03-08T0330.db-journal", false),
            (".vms-2026-03-08T0330.db.unfinished", false),
            ("vms-2026-03-08x0330.db", false),
            ("vms-before-vacuum.db", false),
        ] {
            assert_eq!(is_name(name), is, "{name}");
        }
    }

    #[test]
    fn only_the_oldest_backups_are_deleted_but_never_the_new_one_or_other_files() {
        let directory = tempfile::tempdir().unwrap();
        for day in 1..=4 {
            std::fs::write(directory.path().join(name_of(&format!("2026-03-0{day} 03:30"))), "").unwrap();
        }
        std::fs::write(directory.path().join("vms-2020-01-01.db"), "by hand").unwrap();
        // The clock was ahead for a moment: the new one is not the newest by name.
        let backups = Backups { directory: directory.path().to_owned(), keep: 2 };
        let deleted = backups.rotate("vms-2026-03-01T0330.db").unwrap();
        assert_eq!(deleted, ["vms-2026-03-02T0330.db", "vms-2026-03-03T0330.db"]);
        assert_eq!(
            names(directory.path()),
            ["vms-2020-01-01.db", "vms-2026-03-01T0330.db", "vms-2026-03-04T0330.db"]
        );
    }

    #[test]
    fn a_directory_that_others_may_write_to_is_refused_with_a_command_that_fixes_it() {
        let directory = tempfile::tempdir().unwrap();
        let backups = Backups { directory: directory.path().to_owned(), keep: 2 };
        for (mode, expected) in
            [(0o700, None), (0o755, None), (0o770, Some("others")), (0o1777, Some("others"))]
        {
            std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            let refused = backups.ensure_private(is_trusted).err().map(|error| error.to_string());
            assert_eq!(refused.is_some(), expected.is_some(), "{mode:o}: {refused:?}");
            assert!(refused.is_none_or(|refused| refused.contains("install -d -o ")), "{mode:o}");
        }
        let missing = Backups { directory: directory.path().join("missing"), keep: 2 };
        assert!(missing.ensure_private(is_trusted).unwrap_err().to_string().contains("No such file"));
    }

    #[test]
    fn a_backup_is_complete_or_absent() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("from"), vec![7; 3 << 20]).unwrap();
        let write = |bytes, stopped: bool| {
            let from = File::open(path("from")).unwrap();
            write(from, &path(".unfinished"), &path("to"), bytes, || stopped)
        };
        assert!(write(3 << 20, true).is_err() && write(4 << 20, false).is_err());
        assert!(!path("to").exists());
        write(3 << 20, false).unwrap();
        assert_eq!(std::fs::read(path("to")).unwrap(), vec![7; 3 << 20]);
        assert_eq!(path("to").metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(write(3 << 20, false).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }
}
