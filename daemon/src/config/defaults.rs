//! Defaults that depend on the user, on systemd's directories and on the system's zone.

use std::path::Path;

use cached_present::place;
use chrono_tz::Tz;

use super::surroundings::Surroundings;
use super::system_zone;

/// Path of the state database: systemd's directory, `/var/lib/cached`, or the user's own.
pub(super) fn state_url(around: &Surroundings) -> Option<String> {
    place::state(around.uid, variable(around)).map(|dir| text(&dir.join("state.db")))
}

/// Path of the control socket, by the rule that clients use as well.
pub(super) fn socket_path(around: &Surroundings) -> Option<String> {
    place::socket(around.uid, variable(around)).map(|socket| text(&socket))
}

fn variable(around: &Surroundings) -> impl Fn(&str) -> Option<String> + Copy {
    |name| around.variable(name).map(str::to_owned)
}

/// Directory of the log file; daemons of ordinary users log to the terminal and the journal only.
pub(super) fn log_dir(around: &Surroundings) -> Option<String> {
    let system = || around.is_root().then_some(Path::new("/var/log/cached"));
    around.directory("LOGS_DIRECTORY").or_else(system).map(text)
}

/// The zone VMS most likely runs in.
#[expect(clippy::unnecessary_wraps, reason = "every such default may be absent")]
pub(super) fn vms_timezone(around: &Surroundings) -> Option<String> {
    Some(guessed_zone(around).0.name().to_owned())
}

/// The zone VMS most likely runs in, and why that may be wrong.
pub(super) fn guessed_zone(around: &Surroundings) -> (Tz, Option<String>) {
    system_zone::guess(around.env.get("TZ").map(String::as_str), &around.system_zone, around.now)
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
