//! The first lines of the status page: the state, the reasons, and what to do, in the words of people who
//! know the reports and not the daemon.

use cached_present::Tone;
use cached_proto::verb::health::{HealthReply, Reason};
use cached_proto::verb::status::StatusReply;
use cached_proto::words::{HealthLevel, Table, TableState};

use super::prose::Prose;
use super::view::{View, class, table_title};

/// Number of reasons shown at once; the others can be unfolded.
const FIRST: usize = 2;

/// The overall state.
pub(super) struct Verdict {
    pub(super) tone: &'static str,
    pub(super) headline: String,
    pub(super) next: String,
    pub(super) first: Vec<Told>,
    pub(super) more: Vec<Told>,
    pub(super) remedy: Option<Remedy>,
    /// Whether some table's newest refresh did not end well.
    pub(super) has_failed: bool,
}

/// A reason of the health, as shown.
pub(super) struct Told {
    pub(super) tone: &'static str,
    pub(super) message: Prose,
    pub(super) hint: Prose,
}

/// The action of the first button where tables are not fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Refreshes what is not fresh.
    Refresh,
    /// Leads to the page where a person decides whether to accept a loss of source rows.
    Decide,
}

impl Verdict {
    /// `database` is the path of VMS's database, as messages name it.
    pub(super) fn of(status: &StatusReply, health: &HealthReply, database: &str, view: &View) -> Self {
        let tables = cached_present::verdict(status, |at| view.moment(at));
        let is_busy = status.current_run.is_some();
        let is_first = is_busy && status.last_run.is_none() && tables.tone == Tone::Warning;
        let mut told: Vec<Told> =
            health.reasons.iter().map(|reason| Told::of(reason, database, is_busy)).collect();
        let more = told.split_off(told.len().min(FIRST));
        let (tone, headline) = if is_first {
            ("busy", "The tables are being filled for the first time".to_owned())
        } else {
            (class(worse(tables.tone, health.health.into())), headline(&tables, health))
        };
        Self {
            tone,
            headline,
            next: tables.next,
            first: told,
            more,
            remedy: remedy(status, tables.tone),
            has_failed: health.reasons.iter().any(|reason| reason.code == "last_run_failed"),
        }
    }
}

impl Told {
    fn of(reason: &Reason, database: &str, is_busy: bool) -> Self {
        // A reason that is mere information is neither good nor bad.
        let tone = if reason.level == HealthLevel::Healthy { Tone::Plain } else { reason.level.into() };
        // A hint to refresh entries is moot while they are being refreshed.
        let is_moot = is_busy && reason.code.starts_with("entries_");
        let hint = if is_moot { "" } else { &reason.hint };
        Self {
            tone: class(tone),
            message: Prose::new(in_titles(&reason.message, database)),
            hint: Prose::new(hint),
        }
    }
}

/// The verdict about the tables, unless the health is worse for another reason.
fn headline(tables: &cached_present::Verdict, health: &HealthReply) -> String {
    // A stopped scheduler is shown with what comes next.
    let worst = health
        .reasons
        .iter()
        .find(|reason| reason.level == health.health && reason.code != "scheduler_stopped");
    match worst {
        Some(worst) if tables.tone == Tone::Good && health.health != HealthLevel::Healthy => {
            let what = match worst.code.as_str() {
                "last_run_failed" => "the last refresh failed",
                "database_unreachable" | "database_unwritable" => "VMS's database cannot be used",
                "retrying" => "a refresh failed and is tried again",
                code if code.starts_with("state_") => "the daemon cannot keep its own records",
                "disk_low" => "the disk is nearly full",
                _ => "something needs attention",
            };
            format!("{}, but {what}", tables.headline)
        }
        _ => tables.headline.clone(),
    }
}

fn remedy(status: &StatusReply, tone: Tone) -> Option<Remedy> {
    let is_idle = status.current_run.is_none() && status.queued_runs == 0;
    let is_guarded = status.tables.iter().any(|table| table.state == TableState::Guarded);
    match tone {
        Tone::Warning | Tone::Bad if is_guarded => Some(Remedy::Decide),
        Tone::Warning | Tone::Bad if is_idle => Some(Remedy::Refresh),
        _ => None,
    }
}

/// The worse of two tones: tables may be fresh while the daemon has no room left to keep them so.
const fn worse(one: Tone, other: Tone) -> Tone {
    match (one, other) {
        (Tone::Bad, _) | (_, Tone::Bad) => Tone::Bad,
        (Tone::Warning, _) | (_, Tone::Warning) => Tone::Warning,
        _ => one,
    }
}

/// Rewrites a message for people who do not know tables by their names: uses titles, and leaves out file
/// paths.
fn in_titles(message: &str, database: &str) -> String {
    let mut text = message.replace(&format!(" on {database}"), "").replace(database, "VMS's database");
    for &table in Table::ALL {
        text = text.replace(table.as_str(), table_title(table));
    }
    // A run is called a refresh in everything that people see.
    match text.strip_prefix("run ") {
        Some(rest) => format!("refresh {rest}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_told_by_their_titles_and_files_not_at_all() {
        for (message, told) in [
            (
                "run 7 on /srv/vms.db did not end well: dia_events_report_cache: locked",
                "refresh 7 did not end well: DIA events: locked",
            ),
            (
                "/srv/vms.db cannot be looked at: no such file",
                "VMS's database cannot be looked at: no such file",
            ),
            (
                "2 entries are missing: organization_summary_cache, organization_detail_cache",
                "2 entries are missing: Organizations, Organization details",
            ),
        ] {
            assert_eq!(in_titles(message, "/srv/vms.db"), told);
        }
    }
}
