//! Checks whether the daemon's own database can be used.

use std::path::{Path, PathBuf};

use cached_proto::verb::health::{HealthReply, Reason};

use super::Seen;
use super::reason::unhealthy;
use crate::state::Lost;

/// Observed condition of the state database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateSeen {
    /// Path of the database file.
    pub path: PathBuf,
    /// How the file was lost after it was opened, if it was.
    pub lost: Option<Lost>,
    /// Why the database cannot be written.
    pub unwritable: Option<String>,
}

pub(super) fn lost(seen: &Seen) -> Option<Reason> {
    gone(&seen.state)
}

pub(super) fn unwritable(seen: &Seen) -> Option<Reason> {
    let StateSeen { path, unwritable, .. } = &seen.state;
    let message =
        format!("the state database {} cannot be written: {}", path.display(), unwritable.as_ref()?);
    let hint = "look at the free space with `df -h` and `df -i`, and at the rights of the file and its directory with \
                `ls -ld`; once it can be written, queued work goes on by itself";
    Some(unhealthy("state_unwritable", message, hint))
}

fn gone(state: &StateSeen) -> Option<Reason> {
    let (lost, path) = (state.lost?, state.path.display());
    let message = format!(
        "the state database {path} {lost} while the daemon uses it: history and queue since then end with the \
         process, reports do not"
    );
    let hint = match lost {
        Lost::Removed => {
            "`systemctl restart cached` begins with an empty state; to keep the old one, stop cached, restore the \
             file and its -wal from a backup, and start it"
        }
        Lost::Replaced => {
            "`systemctl restart cached` goes on with the file that is there now; if that is the wrong one, stop \
             cached, put the right one there, and start it"
        }
        Lost::Overwritten => MOVE_AWAY,
    };
    Some(unhealthy("state_lost", message, hint))
}

const MOVE_AWAY: &str = "stop cached with `systemctl stop cached`, restore the file from a backup or move it and its -wal and \
                         -shm away to begin with an empty state, and start it; reports are not lost";

/// The reply when the daemon's own database fails, so that no state can be observed.
pub fn state_unusable(path: &Path, lost: Option<Lost>, error: &str) -> HealthReply {
    let state = StateSeen { path: path.to_owned(), lost, unwritable: None };
    let hint = "look at the free space with `df -h` and `df -i`, and at the log of cached; if the file is damaged, stop cached, \
                restore it from a backup or move it and its -wal and -shm away, and start it";
    let message = format!("the state database {} cannot be read: {error}", path.display());
    let reasons: Vec<Reason> =
        gone(&state).into_iter().chain([unhealthy("state_unusable", message, hint)]).collect();
    HealthReply { health: cached_proto::words::HealthLevel::Unhealthy, reasons, vms_page: None }
}
