//! The first lines of the status page: the state, the reasons, and what to do, in words for people who know the reports
//! but not the daemon.

use cached_present::{self, Tone};
use cached_proto::verb::status::StatusReply;
use cached_proto::words::{HealthLevel, TableState};

use super::view::{View, class};
use crate::health::{Health, Reason, ReasonCode};
use crate::web::frame::Prose;

/// Number of reasons shown at once; the others can be unfolded.
const FIRST: usize = 2;

/// The overall state.
pub(super) struct Verdict {
    pub(super) tone: &'static str,
    pub(super) headline: String,
    pub(super) next: String,
    pub(super) first: Vec<ShownReason>,
    pub(super) more: Vec<ShownReason>,
    pub(super) remedy: Option<Remedy>,
    /// Whether some table's newest refresh did not end well.
    pub(super) has_failed: bool,
}

/// A reason of the health, as shown.
pub(super) struct ShownReason {
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
    pub(super) fn of(status: &StatusReply, health: &Health, view: &View) -> Self {
        let tables = cached_present::verdict(status, |at| view.moment(at));
        let is_busy = status.current_run.is_some();
        let is_first = is_busy && status.last_run.is_none() && tables.tone == Tone::Warning;
        let mut shown: Vec<ShownReason> =
            health.reasons.iter().map(|reason| ShownReason::of(reason, is_busy)).collect();
        let more = shown.split_off(shown.len().min(FIRST));
        let (tone, headline) = if is_first {
            ("busy", "The tables are being filled for the first time".to_owned())
        } else {
            (class(worse(tables.tone, health.level.into())), headline(&tables, health))
        };
        Self {
            tone,
            headline,
            next: tables.next,
            first: shown,
            more,
            remedy: remedy(status, tables.tone),
            has_failed: health.reasons.iter().any(|reason| reason.code == ReasonCode::LastRunFailed),
        }
    }
}

impl ShownReason {
    fn of(reason: &Reason, is_busy: bool) -> Self {
        let Reason { code, finding } = reason;
        // A reason that is mere information is neither good nor bad.
        let tone = if finding.level == HealthLevel::Healthy { Tone::Plain } else { finding.level.into() };
        // A hint to refresh entries is moot while they are being refreshed.
        let is_moot = is_busy
            && matches!(
                code,
                ReasonCode::EntriesInvalid
                    | ReasonCode::EntriesIncomplete
                    | ReasonCode::EntriesMissing
                    | ReasonCode::EntriesStale
            );
        Self {
            tone: class(tone),
            message: Prose::new(finding.message.clone()),
            hint: Prose::new(if is_moot { "" } else { finding.hint }),
        }
    }
}

/// The verdict about the tables, unless the health is worse for another reason.
fn headline(tables: &cached_present::Verdict, health: &Health) -> String {
    // A stopped scheduler is shown with what comes next.
    let worst = health
        .reasons
        .iter()
        .find(|reason| reason.finding.level == health.level && reason.code != ReasonCode::SchedulerStopped);
    match worst {
        Some(worst) if tables.tone == Tone::Good && health.level != HealthLevel::Healthy => {
            let what = match worst.code {
                ReasonCode::LastRunFailed => "the last refresh failed",
                ReasonCode::DatabaseUnreachable | ReasonCode::DatabaseUnwritable => {
                    "VMS's database cannot be used"
                }
                ReasonCode::Retrying => "a refresh failed and is being retried",
                ReasonCode::StateLost | ReasonCode::StateUnusable | ReasonCode::StateUnwritable => {
                    "the daemon cannot keep its own records"
                }
                ReasonCode::DiskLow => "the disk is nearly full",
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
