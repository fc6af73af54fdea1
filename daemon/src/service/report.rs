//! `report`

use cached_proto::fault::Fault;
use cached_proto::verb::report::{Reads, ReportReply, ReportRequest, Targets};
use cached_proto::words::Outcome;

use super::Service;
use super::get::{HITS, MISSES, STALE};
use crate::figures::{self, Rates};

pub(crate) async fn report(service: &Service, request: &ReportRequest) -> Result<ReportReply, Fault> {
    let state = service.queue.state();
    let until = service.clock.now();
    // The time before the state database was created counts as neither good nor bad.
    let since = service.ago(request.since_seconds).max(state.created().await?).min(until);
    let past = figures::load(state, since).await?;
    let samples = state.readiness_since(since - figures::HOLD).await?;
    let counters = state.counters().await?;
    let counter = |name: &str| counters.get(name).copied().unwrap_or_default();
    let Rates { jobs, good, success, error } = figures::rates(&past.jobs);
    let good_run = |run: &&figures::PastRun| run.outcome.is_none_or(Outcome::is_good);
    let targets = service.config.borrow().targets.clone();
    Ok(ReportReply {
        since: since.into(),
        until: until.into(),
        runs: past.runs.len() as u64,
        runs_good: past.runs.iter().filter(good_run).count() as u64,
        jobs,
        jobs_good: good,
        success_rate: success,
        error_rate: error,
        refresh: figures::times(&past.runs),
        errors: figures::errors(&past.jobs),
        sizes: figures::sizes(&past.jobs),
        readiness: figures::readiness(&samples, since, until),
        reads: Reads { hits: counter(HITS), stale: counter(STALE), misses: counter(MISSES) },
        targets: Targets {
            success_rate: targets.success_rate,
            error_rate: targets.error_rate,
            refresh_seconds: targets.refresh_seconds.into(),
            readiness: targets.readiness,
        },
        write_lock: past.write_lock,
    })
}
