//! Metrics of the health and its reasons, of scheduled work, and of the daemon itself.

use std::collections::BTreeSet;

use cached_proto::time::Timestamp;
use cached_proto::verb::status::TableStatus;
use cached_proto::words::{HealthLevel, SchedulerState, TableState};
use prometheus::proto::MetricFamily;

use super::family::{Family, flag};
use super::scrape::Scrape;

pub(super) fn families(scrape: &Scrape) -> Vec<MetricFamily> {
    let status = &scrape.status;
    let yes_no = |name, help, is| Family::gauge(name, help).with(&[], flag(is));
    let instant = |name, help, at: Option<Timestamp>| {
        let family = Family::gauge(name, help);
        match at {
            Some(at) => family.with(&[], unix(at)),
            None => family,
        }
    };
    [
        yes_no(
            "cached_scheduler_running",
            "Whether automatic triggers fire.",
            status.scheduler == SchedulerState::Running,
        ),
        instant(
            "cached_next_run_timestamp_seconds",
            "When the schedule fires next; nothing while it is stopped.",
            status.next_run,
        ),
        instant(
            "cached_last_run_timestamp_seconds",
            "When the newest run ended.",
            status.last_run.as_ref().and_then(|run| run.ended),
        ),
        instant(
            "cached_last_full_refresh_timestamp_seconds",
            "When the newest good refresh of everything began.",
            scrape.full.last_good.map(Into::into),
        ),
        yes_no(
            "cached_vms_database_up",
            "Whether VMS's database can be looked at.",
            status.database_error.is_none(),
        ),
        yes_no(
            "cached_up_to_date",
            "Whether every entry that VMS may ask for is there and fresh.",
            status.database_error.is_none() && status.tables.iter().all(is_up_to_date),
        ),
        levels(scrape),
        reasons(scrape),
        Family::gauge("cached_build_info", "Always 1.").with(&[("version", env!("CARGO_PKG_VERSION"))], 1.0),
        instant(
            "cached_process_start_time_seconds",
            "When the daemon was started.",
            Some(scrape.started.into()),
        ),
    ]
    .into_iter()
    .filter_map(Family::done)
    .collect()
}

fn is_up_to_date(table: &TableStatus) -> bool {
    match table.state {
        // No entries are expected to be served.
        TableState::Off | TableState::NotApplicable | TableState::Withheld => true,
        // Its entries cannot be judged.
        TableState::Disabled => false,
        _ => table.fresh == table.expected,
    }
}

fn levels(scrape: &Scrape) -> Family {
    let family = Family::gauge("cached_health", "1 for the level that the daemon judges itself to be at.");
    HealthLevel::ALL.iter().fold(family, |family, &level| {
        family.with(&[("level", level.as_str())], flag(level == scrape.health.health))
    })
}

fn reasons(scrape: &Scrape) -> Family {
    let family = Family::gauge(
        "cached_health_reason",
        "1 for each reason of that judgement; `cachectl health` tells them in words.",
    );
    // Two reasons may have the same code, and no two metrics the same labels.
    let reasons: BTreeSet<(&str, &str)> =
        scrape.health.reasons.iter().map(|reason| (reason.code.as_str(), reason.level.as_str())).collect();
    reasons
        .into_iter()
        .fold(family, |family, (code, level)| family.with(&[("code", code), ("level", level)], 1.0))
}

/// Converts to seconds since the Unix epoch.
#[expect(clippy::cast_precision_loss, reason = "microseconds of today are far below 2^53")]
fn unix(at: Timestamp) -> f64 {
    at.as_micros() as f64 / 1e6
}
