//! The vocabulary that daemon, client, logs and JSON share.
//!
//! Every enum here crosses the socket by its position, so variants are only ever appended.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A word that is not in the vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} \"{given}\"; known: {known}")]
pub struct UnknownWord {
    /// What was expected, for example `cache type`.
    pub what: &'static str,
    /// What was given.
    pub given: String,
    /// All accepted words, comma separated.
    pub known: String,
}

macro_rules! words {
    (
        $(#[$meta:meta])*
        $name:ident, $what:literal { $( $(#[$vmeta:meta])* $variant:ident = $word:literal, )+ }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $( $(#[$vmeta])* #[serde(rename = $word)] $variant, )+
        }

        impl $name {
            /// Every variant, in declaration order.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )+ ];

            /// The word as it is written everywhere: CLI, JSON, logs, state database.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $word, )+ }
            }
        }

        // The derive does not see words that come through a macro.
        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let words = Self::ALL.iter().map(|word| word.as_str());
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some(words))
                    .into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            /// Accepts the word itself, whatever its case; `-` may stand for `_`.
            fn from_str(given: &str) -> Result<Self, UnknownWord> {
                let wanted = given.replace('-', "_").to_ascii_lowercase();
                Self::ALL.iter().copied().find(|w| w.as_str() == wanted).ok_or_else(|| UnknownWord {
                    what: $what,
                    given: given.to_owned(),
                    known: Self::ALL.iter().map(|w| w.as_str()).collect::<Vec<_>>().join(", "),
                })
            }
        }
    };
}

words! {
    /// A family of reports that is refreshed together.
    CacheType, "cache type" {
        /// District year-end and engagement reports.
        District = "district",
        /// Organization summaries and details.
        Organization = "organization",
        /// Virtual session reports.
        VirtualSession = "virtual_session",
        /// Recent and first-time volunteers.
        Volunteer = "volunteer",
        /// Recruitment candidates and DIA events.
        Recruitment = "recruitment",
    }
}

words! {
    /// One VMS cache table.
    Table, "table" {
        /// Year-end figures of each district.
        DistrictYearEndReports = "district_year_end_reports",
        /// Engagement lists of each district; newer VMS versions have no such table.
        DistrictEngagementReports = "district_engagement_reports",
        /// Organizations of a school year with their totals.
        OrganizationSummaryCache = "organization_summary_cache",
        /// One organization's school year in detail.
        OrganizationDetailCache = "organization_detail_cache",
        /// The same figures in a table that VMS declares and never reads.
        OrganizationReports = "organization_reports",
        /// All virtual sessions of a virtual year.
        VirtualSessionReportCache = "virtual_session_report_cache",
        /// One district's virtual sessions of a virtual year.
        VirtualSessionDistrictCache = "virtual_session_district_cache",
        /// Volunteers active in a window, and those new in it.
        RecentVolunteersReportCache = "recent_volunteers_report_cache",
        /// First-time volunteers of a school year.
        FirstTimeVolunteerReportCache = "first_time_volunteer_report_cache",
        /// Volunteers who suit an event.
        RecruitmentCandidatesCache = "recruitment_candidates_cache",
        /// Upcoming "data in action" events, filled and unfilled.
        DiaEventsReportCache = "dia_events_report_cache",
    }
}

impl Table {
    /// The type this table belongs to.
    pub const fn cache_type(self) -> CacheType {
        match self {
            Self::DistrictYearEndReports | Self::DistrictEngagementReports => CacheType::District,
            Self::OrganizationSummaryCache | Self::OrganizationDetailCache | Self::OrganizationReports => {
                CacheType::Organization
            }
            Self::VirtualSessionReportCache | Self::VirtualSessionDistrictCache => CacheType::VirtualSession,
            Self::RecentVolunteersReportCache | Self::FirstTimeVolunteerReportCache => CacheType::Volunteer,
            Self::RecruitmentCandidatesCache | Self::DiaEventsReportCache => CacheType::Recruitment,
        }
    }
}

words! {
    /// What requested a run.
    Trigger, "trigger" {
        /// The nightly schedule.
        Schedule = "schedule",
        /// A slot that passed while it could not be run.
        CatchUp = "catch_up",
        /// Entries that would pass their reader's limit before the next scheduled run.
        TopUp = "top_up",
        /// A change of the source or a loss of cache rows.
        Watch = "watch",
        /// The first audit of a new state.
        Startup = "startup",
        /// A person or a script.
        Manual = "manual",
    }
}

words! {
    /// How a table, or a whole run, ended.
    Outcome, "outcome" {
        /// Every written entry had changed, or entries were removed.
        Rebuilt = "rebuilt",
        /// Nothing had changed; entries were stamped.
        Verified = "verified",
        /// Some entries were rebuilt or removed, some verified.
        Mixed = "mixed",
        /// Every entry was young enough; none was written.
        Skipped = "skipped",
        /// Not written because it would expose data to users who may see only part of it.
        Withheld = "withheld",
        /// Switched off by configuration.
        Off = "off",
        /// This VMS has no such table.
        NotApplicable = "not_applicable",
        /// Held back because the source lost suspiciously many rows.
        Guarded = "guarded",
        /// VMS's schema lacks what the report needs.
        Disabled = "disabled",
        /// Generation or writing failed; the old entries are kept.
        Failed = "failed",
    }
}

impl Outcome {
    /// Whether the outcome counts as success for the exit code.
    pub const fn is_good(self) -> bool {
        !matches!(self, Self::Guarded | Self::Disabled | Self::Failed)
    }

    /// Whether entries of the table were to be written, so that it could have failed.
    pub const fn is_tried(self) -> bool {
        !matches!(self, Self::Skipped | Self::Off | Self::Withheld | Self::NotApplicable)
    }
}

words! {
    /// The phase of a run or a job.
    Phase, "phase" {
        /// Queued.
        Queued = "queued",
        /// In progress.
        Running = "running",
        /// Ended; its outcome says how.
        Done = "done",
        /// Cancelled before it ended.
        Cancelled = "cancelled",
    }
}

words! {
    /// The state of a table as a whole: the worst of its entries, or the reason why it is not judged.
    TableState, "table state" {
        /// Every expected entry is there, complete and young.
        Fresh = "fresh",
        /// An entry is over its age limit, or stamped in the future.
        Stale = "stale",
        /// An expected entry is not there.
        Missing = "missing",
        /// An entry that its reader would reject.
        Incomplete = "incomplete",
        /// An entry that cannot be parsed.
        Invalid = "invalid",
        /// Not written because it would expose data to users who may see only part of it.
        Withheld = "withheld",
        /// Switched off by configuration.
        Off = "off",
        /// This VMS has no such table.
        NotApplicable = "not_applicable",
        /// Held back because the source lost suspiciously many rows.
        Guarded = "guarded",
        /// VMS's schema lacks what the report needs.
        Disabled = "disabled",
    }
}

words! {
    /// The health of the daemon and of the tables it keeps.
    HealthLevel, "health" {
        /// Everything is as it should be.
        Healthy = "healthy",
        /// Reports are served, but something needs attention.
        Degraded = "degraded",
        /// Refreshing cannot work.
        Unhealthy = "unhealthy",
    }
}

words! {
    /// Whether automatic triggers are on.
    SchedulerState, "scheduler state" {
        /// Automatic triggers fire.
        Running = "running",
        /// Automatic triggers are paused until `start-scheduler`.
        Stopped = "stopped",
    }
}

words! {
    /// The outcome of a rehearsed fire.
    SlotFate, "fate" {
        /// A run is made.
        Run = "run",
        /// The scheduler is stopped: no run, now or later.
        Paused = "paused",
    }
}

words! {
    /// A maintenance task.
    MaintenanceTask, "maintenance task" {
        /// Statistics for the query planner.
        Analyze = "analyze",
        /// Indexes rebuilt.
        Reindex = "reindex",
        /// Free pages returned to the file system.
        Vacuum = "vacuum",
        /// A search for damage.
        Integrity = "integrity",
        /// A copy of the database.
        Backup = "backup",
        /// Removal of entries that no reader uses.
        Prune = "prune",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_accepted_with_a_hyphen_and_in_any_case() {
        for given in ["virtual-session", "virtual_session", "Virtual-Session"] {
            assert_eq!(given.parse(), Ok(CacheType::VirtualSession), "{given}");
        }
    }

    #[test]
    fn an_unknown_type_names_the_known_ones() {
        let error = "districts".parse::<CacheType>().unwrap_err().to_string();
        assert!(error.contains("\"districts\"") && error.contains("virtual_session"), "{error}");
    }

    #[test]
    fn every_type_has_a_table() {
        for &cache_type in CacheType::ALL {
            assert!(Table::ALL.iter().any(|t| t.cache_type() == cache_type), "{cache_type}");
        }
    }
}
