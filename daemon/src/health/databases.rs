//! Whether VMS's database and the daemon's own can be used.

use super::seen::{Audience, Finding, Seen, StateSeen, Unreadable};
use crate::state::Lost;

pub(super) fn state_lost(seen: &Seen, _: Audience) -> Option<Finding> {
    lost(&seen.state)
}

/// How the state database was lost while it was in use.
pub(super) fn lost(state: &StateSeen) -> Option<Finding> {
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
    Some(Finding::unhealthy(message, hint))
}

const MOVE_AWAY: &str = "stop cached with `systemctl stop cached`, restore the file from a backup or move it and its -wal and \
                         -shm away to begin with an empty state, and start it; reports are not lost";

/// That the state database cannot even be read.
pub(super) fn unusable(state: &StateSeen, error: &str) -> Finding {
    let hint = "look at the free space with `df -h` and `df -i`, and at the log of cached; if the file is damaged, stop cached, \
                restore it from a backup or move it and its -wal and -shm away, and start it";
    Finding::unhealthy(format!("the state database {} cannot be read: {error}", state.path.display()), hint)
}

pub(super) fn state_unwritable(seen: &Seen, _: Audience) -> Option<Finding> {
    let StateSeen { path, unwritable, .. } = &seen.state;
    let message =
        format!("the state database {} cannot be written: {}", path.display(), unwritable.as_ref()?);
    let hint = "look at the free space with `df -h` and `df -i`, and at the rights of the file and its directory with \
                `ls -ld`; once it can be written, queued work goes on by itself";
    Some(Finding::unhealthy(message, hint))
}

pub(super) fn unreachable(seen: &Seen, audience: Audience) -> Option<Finding> {
    let Unreadable { message: error, is_damaged } = seen.tables.as_ref().err()?;
    // `check` reads little of the file and may find nothing wrong.
    let hint = if *is_damaged {
        "`cachectl maintenance integrity` says what is damaged; then stop VMS and restore the file from a backup"
    } else {
        "`cached check` tries again and says more; refreshing goes on by itself once it works"
    };
    let is_named = error.contains(&*seen.database.to_string_lossy());
    let message = if is_named {
        error.clone()
    } else {
        format!("{} cannot be looked at: {error}", audience.database(&seen.database))
    };
    Some(Finding::unhealthy(message, hint))
}

pub(super) fn unwritable(seen: &Seen, audience: Audience) -> Option<Finding> {
    // An unreadable database is already covered by `unreachable`.
    seen.tables.as_ref().ok()?;
    let path = seen.around.unwritable.as_ref()?;
    let named = if *path == seen.database { audience.database(path) } else { path.to_string_lossy() };
    let message = format!("{named} cannot be written to, so no report can be stored beside VMS's data");
    let hint = "give the file and its directory to a group that the daemon's user is in, writable (`ls -ld` shows \
                both); SQLite makes its journal in that directory";
    Some(Finding::unhealthy(message, hint))
}

pub(super) fn zone_guessed(seen: &Seen, _: Audience) -> Option<Finding> {
    let hint = "set `timezone` below `[vms]` to the zone that VMS runs in, then `systemctl reload cached`: school years \
                and local stamps follow it";
    Some(Finding::degraded(seen.zone_doubt.clone()?, hint))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use cached_proto::words::HealthLevel;

    use super::*;
    use crate::health::ReasonCode;
    use crate::health::tests::{each, found, gone, seen};
    use crate::refresh::RefreshError;
    use crate::vms::VmsError;
    use HealthLevel::{Degraded, Unhealthy};
    use ReasonCode::{DatabaseUnreachable, DatabaseUnwritable, StateLost, StateUnwritable, TimezoneGuessed};

    #[test]
    fn each_problem_has_its_code_its_level_and_a_command_to_type() {
        each(&[
            (DatabaseUnreachable, Unhealthy, |seen| seen.tables = Err(gone())),
            (DatabaseUnwritable, Unhealthy, |seen| seen.around.unwritable = Some(PathBuf::from("/srv"))),
            (StateLost, Unhealthy, |seen| seen.state.lost = Some(Lost::Removed)),
            (StateLost, Unhealthy, |seen| seen.state.lost = Some(Lost::Replaced)),
            (StateLost, Unhealthy, |seen| seen.state.lost = Some(Lost::Overwritten)),
            (StateUnwritable, Unhealthy, |seen| seen.state.unwritable = Some("full".to_owned())),
            (TimezoneGuessed, Degraded, |seen| seen.zone_doubt = Some("guessed".to_owned())),
        ]);
    }

    #[test]
    fn damage_is_looked_for_and_not_checked_again() {
        let hint = |error: VmsError| {
            let tables = Err(Unreadable::from(&RefreshError::from(error)));
            found(&Seen { tables, ..seen() }).remove(0).finding.hint
        };
        let source = || sea_orm::DbErr::Custom("malformed".to_owned());
        assert!(
            hint(VmsError::Damaged { doing: "reading", source: source() }).contains("maintenance integrity")
        );
        let path = PathBuf::from("/srv/vms.db");
        assert!(hint(VmsError::NotADatabase { path, source: source() }).contains("maintenance integrity"));
        assert!(hint(VmsError::Query { doing: "reading", source: source() }).contains("cached check"));
    }
}
