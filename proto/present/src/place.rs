//! Default paths of a daemon's files: one rule for the daemon and for its clients.

use std::path::{Path, PathBuf};

/// Accounts below this id belong to the system, not to people.
const FIRST_HUMAN_UID: u32 = 1000;

/// Whether a process runs as root or under a service account.
pub const fn is_system(uid: u32) -> bool {
    uid < FIRST_HUMAN_UID
}

/// The control socket of a daemon that runs as a system service.
pub const SYSTEM_SOCKET: &str = "/run/cached/cached.sock";

/// Returns the control socket of the user `uid`; `variable` returns the value of an environment variable.
/// Never below `/tmp`, where another user could create it first. `None` when the user has no directory to put
/// it into.
pub fn socket(uid: u32, variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let from = |name: &str| directory(&variable(name)?);
    let dir = if let Some(dir) = from("RUNTIME_DIRECTORY") {
        dir
    } else if uid == 0 {
        return Some(PathBuf::from(SYSTEM_SOCKET));
    } else if let Some(dir) = from("XDG_RUNTIME_DIR") {
        dir
    } else if is_system(uid) {
        return Some(PathBuf::from(SYSTEM_SOCKET));
    } else {
        // Without a home directory, the service's path: a one-shot does not use the socket, so its path must
        // not be required.
        state(uid, variable).unwrap_or_else(|| PathBuf::from("/run/cached"))
    };
    Some(dir.join("cached.sock"))
}

/// The directory of the daemon's own database: systemd's, `/var/lib/cached`, or the user's own.
pub fn state(uid: u32, variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let from = |name: &str| directory(&variable(name)?);
    if let Some(dir) = from("STATE_DIRECTORY") {
        return Some(dir);
    }
    if is_system(uid) {
        return Some(PathBuf::from("/var/lib/cached"));
    }
    let base = from("XDG_STATE_HOME").or_else(|| Some(from("HOME")?.join(".local/state")));
    base.map(|base| base.join("cached"))
}

/// The first of the directories that a variable names, if it is absolute; systemd joins several with colons.
fn directory(value: &str) -> Option<PathBuf> {
    let first = Path::new(value.split(':').next()?);
    first.is_absolute().then(|| first.to_owned())
}
