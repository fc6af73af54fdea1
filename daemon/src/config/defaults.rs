//! Defaults that depend on the user, on systemd's directories and on the system's zone.

use std::path::{Path, PathBuf};

use chrono_tz::Tz;

use super::surroundings::Surroundings;

/// Where the state database lives: systemd's directory, `/var/lib/cached`, or the user's own.
pub(super) fn state_url(around: &Surroundings) -> Option<String> {
    state_directory(around).map(|dir| text(&dir.join("state.db")))
}

fn state_directory(around: &Surroundings) -> Option<PathBuf> {
    if let Some(dir) = around.directory("STATE_DIRECTORY") {
        return Some(dir.to_owned());
    }
    if around.is_system() {
        return Some(PathBuf::from("/var/lib/cached"));
    }
    let base = around.directory("XDG_STATE_HOME").map(Path::to_owned);
    base.or_else(|| Some(around.directory("HOME")?.join(".local/state"))).map(|base| base.join("cached"))
}

/// Where the control socket lives. Never below `/tmp`, where anybody could be there first.
#[expect(clippy::unnecessary_wraps, reason = "every such default may be absent")]
pub(super) fn socket_path(around: &Surroundings) -> Option<String> {
    let dir = if let Some(dir) = around.directory("RUNTIME_DIRECTORY") {
        dir.to_owned()
    } else if around.is_root() {
        PathBuf::from("/run/cached")
    } else if let Some(dir) = around.directory("XDG_RUNTIME_DIR") {
        dir.to_owned()
    } else if around.is_system() {
        PathBuf::from("/run/cached")
    } else {
        // Without a home it is the service's: a one-shot has no use for it, and must not ask for it.
        state_directory(around).unwrap_or_else(|| PathBuf::from("/run/cached"))
    };
    Some(text(&dir.join("cached.sock")))
}

/// Where the log file lives; people's own daemons log to the terminal and the journal only.
pub(super) fn log_dir(around: &Surroundings) -> Option<String> {
    let system = || around.is_root().then_some(Path::new("/var/log/cached"));
    around.directory("LOGS_DIRECTORY").or_else(system).map(text)
}

/// The zone VMS most likely runs in: `TZ`, else the system's, else UTC.
#[expect(clippy::unnecessary_wraps, reason = "every such default may be absent")]
pub(super) fn vms_timezone(around: &Surroundings) -> Option<String> {
    let known = |zone: &str| zone.parse::<Tz>().ok().map(|zone| zone.name().to_owned());
    let zone = match around.env.get("TZ").map(|tz| tz.trim_start_matches(':')) {
        // The C library takes an empty TZ for UTC.
        Some("") => None,
        Some(tz) => known(tz).or_else(|| around.system_zone.as_deref().and_then(known)),
        None => around.system_zone.as_deref().and_then(known),
    };
    Some(zone.unwrap_or_else(|| "UTC".to_owned()))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
