//! Checks whether VMS's database and the daemon's own can be used.

use super::observation::{Audience, Finding, Observation, StateCondition, Unreadable};
use crate::state::Lost;

pub(super) fn state_lost(observed: &Observation, _: Audience) -> Option<Finding> {
    lost(&observed.state)
}

/// How the state database was lost while it was in use.
pub(super) fn lost(state: &StateCondition) -> Option<Finding> {
    let (lost, path) = (state.lost?, state.path.display());
    let message = format!(
        "the state database {path} {lost} while in use: history and queue since then are lost when the process \
         ends; reports are not"
    );
    let hint = match lost {
        Lost::Removed => {
            "`systemctl restart cached` starts with an empty state; to keep the old one, stop cached, restore the \
             file and its -wal from a backup, and start it"
        }
        Lost::Replaced => {
            "`systemctl restart cached` continues with the present file; if that is the wrong one, stop \
             cached, put the right file in its place, and start it"
        }
        Lost::Overwritten => MOVE_AWAY,
    };
    Some(Finding::unhealthy(message, hint))
}

const MOVE_AWAY: &str = "stop cached with `systemctl stop cached`, restore the file from a backup or move it and its \
                         -wal and -shm away to start with an empty state, and start it; reports are not lost";

/// That the state database cannot even be read.
pub(super) fn unusable(state: &StateCondition, error: &str) -> Finding {
    let hint = "check the free space with `df -h` and `df -i`, and the log of cached; if the file is damaged, stop \
                cached, restore it from a backup or move it and its -wal and -shm away, and start it";
    Finding::unhealthy(format!("the state database {} cannot be read: {error}", state.path.display()), hint)
}

pub(super) fn state_unwritable(observed: &Observation, _: Audience) -> Option<Finding> {
    let StateCondition { path, unwritable, .. } = &observed.state;
    let message =
        format!("the state database {} cannot be written: {}", path.display(), unwritable.as_ref()?);
    let hint = "check the free space with `df -h` and `df -i`, and the rights of the file and its directory with \
                `ls -ld`; once it can be written, queued work continues by itself";
    Some(Finding::unhealthy(message, hint))
}

pub(super) fn unreachable(observed: &Observation, audience: Audience) -> Option<Finding> {
    let Unreadable { message: error, is_damaged } = observed.tables.as_ref().err()?;
    // `check` reads little of the file and may find nothing wrong.
    let hint = if *is_damaged {
        "`cachectl maintenance integrity` shows what is damaged; then stop VMS and restore the file from a backup"
    } else {
        "`cached check` tries again and gives details; refreshing resumes by itself once it works"
    };
    let is_named = error.contains(&*observed.database.to_string_lossy());
    let message = if is_named {
        error.clone()
    } else {
        format!("{} cannot be read: {error}", audience.database(&observed.database))
    };
    Some(Finding::unhealthy(message, hint))
}

pub(super) fn unwritable(observed: &Observation, audience: Audience) -> Option<Finding> {
    // An unreadable database is already covered by `unreachable`.
    observed.tables.as_ref().ok()?;
    let path = observed.resources.unwritable.as_ref()?;
    let named = if *path == observed.database { audience.database(path) } else { path.to_string_lossy() };
    let message = format!("{named} cannot be written, so no report can be stored");
    let hint = "make the file and its directory writable for a group that the daemon's user is in (`ls -ld` shows \
                both); SQLite creates its journal in that directory";
    Some(Finding::unhealthy(message, hint))
}

pub(super) fn zone_guessed(observed: &Observation, _: Audience) -> Option<Finding> {
    let hint = "set `timezone` below `[vms]` to the zone that VMS runs in, then `systemctl reload cached`: school \
                years and local stamps follow it";
    Some(Finding::degraded(observed.zone_warning.clone()?, hint))
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::PathBuf;

    use cached_proto::words::HealthLevel;

    use super::*;
    use crate::health::ReasonCode;
    use crate::health::tests::{Problem, found, gone, healthy};
    use crate::refresh::RefreshError;
    use crate::vms::VmsError;
    use HealthLevel::{Degraded, Unhealthy};
    use ReasonCode::{DatabaseUnreachable, DatabaseUnwritable, StateLost, StateUnwritable, TimezoneGuessed};

    pub(in crate::health) const PROBLEMS: &[Problem] = &[
        (DatabaseUnreachable, Unhealthy, |observed| observed.tables = Err(gone())),
        (DatabaseUnwritable, Unhealthy, |observed| {
            observed.resources.unwritable = Some(PathBuf::from("/srv"));
        }),
        (StateLost, Unhealthy, |observed| observed.state.lost = Some(Lost::Removed)),
        (StateLost, Unhealthy, |observed| observed.state.lost = Some(Lost::Replaced)),
        (StateLost, Unhealthy, |observed| observed.state.lost = Some(Lost::Overwritten)),
        (StateUnwritable, Unhealthy, |observed| observed.state.unwritable = Some("full".to_owned())),
        (TimezoneGuessed, Degraded, |observed| observed.zone_warning = Some("guessed".to_owned())),
    ];

    #[test]
    fn a_damaged_database_has_the_hint_to_search_for_damage() {
        let hint = |error: VmsError| {
            let tables = Err(Unreadable::from(&RefreshError::from(error)));
            found(&Observation { tables, ..healthy() }).remove(0).finding.hint
        };
        let source = || sea_orm::DbErr::Custom("malformed".to_owned());
        assert!(
            hint(VmsError::Damaged { action: "reading", source: source() }).contains("maintenance integrity")
        );
        let path = PathBuf::from("/srv/vms.db");
        assert!(hint(VmsError::NotADatabase { path, source: source() }).contains("maintenance integrity"));
        assert!(hint(VmsError::Query { action: "reading", source: source() }).contains("cached check"));
    }
}
