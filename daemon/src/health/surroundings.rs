//! What the file systems say about the files that the daemon needs.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::maintenance::disk_space;

use crate::telemetry;

/// Free space at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// The directory.
    pub path: PathBuf,
    /// Bytes that an ordinary user may still write.
    pub free: u64,
    /// Whether VMS's database lives there.
    pub holds_vms: bool,
}

/// What is there besides the databases' content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Free space where VMS's database and the state are; what cannot be measured is left out.
    pub disks: Vec<Disk>,
    /// VMS's file or its directory, if we may not write to it.
    pub unwritable: Option<PathBuf>,
    /// Why records are missing from the log file.
    pub log: Option<String>,
}

impl Surroundings {
    /// Looks at the places of VMS's database, of the state and of the log files, if there are any.
    pub fn look(vms: &Path, state: &Path, log: Option<&Path>) -> Self {
        // A link may lead to another file system, and SQLite makes its journal where the file itself is.
        let vms = std::fs::canonicalize(vms).unwrap_or_else(|_| vms.to_owned());
        let directory = |path: &Path| path.parent().unwrap_or(Path::new("/")).to_owned();
        let (beside_vms, beside_state) = (directory(&vms), directory(state));
        let mut disks = vec![(beside_vms.clone(), true), (beside_state, false)];
        disks.extend(log.map(|log| (log.to_owned(), false)));
        // What is the same place is told about once, by its greatest need.
        disks.sort_by(|(a, a_vms), (b, b_vms)| a.cmp(b).then(b_vms.cmp(a_vms)));
        disks.dedup_by(|(later, _), (first, _)| later == first);
        Self {
            disks: disks
                .into_iter()
                .filter_map(|(path, holds_vms)| {
                    let free = disk_space::free(&path)?;
                    Some(Disk { path, free, holds_vms })
                })
                .collect(),
            unwritable: [vms, beside_vms].into_iter().find(|path| access(path, Access::WRITE_OK).is_err()),
            log: telemetry::complaint(),
        }
    }
}
