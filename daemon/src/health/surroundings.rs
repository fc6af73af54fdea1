//! Observes the file systems on which the daemon's files are.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::disk;
use crate::telemetry::{self, Complaint};

/// Free space in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// The directory.
    pub path: PathBuf,
    /// Bytes that an unprivileged user can still write.
    pub free: u64,
    /// Files that an unprivileged user can still create, where the file system limits them.
    pub inodes: Option<u64>,
    /// Whether VMS's database is in this directory.
    pub holds_vms: bool,
}

/// Conditions outside the databases' content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Free space next to VMS's database, the state and the log; directories that cannot be measured are left
    /// out.
    pub disks: Vec<Disk>,
    /// VMS's database file or its directory, if the daemon may not write to it.
    pub unwritable: Option<PathBuf>,
    /// Why records are missing from the log file.
    pub log: Option<Complaint>,
}

impl Surroundings {
    /// Observes the directories of VMS's database, of the state and of the log files, if there are any.
    pub fn look(vms: &Path, state: &Path, log: Option<&Path>) -> Self {
        // A symbolic link may lead to another file system, and SQLite creates its journal next to the file
        // itself.
        let vms = std::fs::canonicalize(vms).unwrap_or_else(|_| vms.to_owned());
        let directory = |path: &Path| path.parent().unwrap_or(Path::new("/")).to_owned();
        let (beside_vms, beside_state) = (directory(&vms), directory(state));
        let mut disks = vec![(beside_vms.clone(), true), (beside_state, false)];
        disks.extend(log.map(|log| (log.to_owned(), false)));
        // Report each directory once, with its greatest need.
        disks.sort_by(|(a, a_vms), (b, b_vms)| a.cmp(b).then(b_vms.cmp(a_vms)));
        disks.dedup_by(|(later, _), (first, _)| later == first);
        Self {
            disks: disks
                .into_iter()
                .filter_map(|(path, holds_vms)| {
                    let (free, inodes) = (disk::free(&path)?, disk::free_inodes(&path));
                    Some(Disk { path, free, inodes, holds_vms })
                })
                .collect(),
            unwritable: [vms, beside_vms].into_iter().find(|path| access(path, Access::WRITE_OK).is_err()),
            log: telemetry::complaint(),
        }
    }
}
