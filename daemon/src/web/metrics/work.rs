//! Metrics of finished and pending work.

use cached_proto::words::{Outcome, Phase, Trigger};
use prometheus::proto::MetricFamily;

use super::family::{Family, number};
use super::scrape::Scrape;
use crate::figures::Histogram;
use crate::jobs::counters::{self, Measured};
use crate::service::get;

pub(super) fn families(scrape: &Scrape) -> Vec<MetricFamily> {
    let counted =
        |name, help, counter| Family::counter(name, help).with(&[], number(scrape.counter(counter)));
    let measured = |name, help, measured| {
        let mut family = Family::histogram(name, help);
        family.add_histogram(&[], &Histogram::of(&scrape.counters, measured));
        family
    };
    let longest = Family::gauge(
        "cached_write_lock_longest_seconds",
        "Longest hold of the write lock of VMS's database that the history knows.",
    );
    [
        runs(scrape),
        jobs(scrape),
        counted("cached_job_attempts_total", "Attempts at jobs that were begun.", counters::ATTEMPTS),
        counted("cached_job_retries_total", "Failed attempts that another one followed.", counters::RETRIES),
        counted("cached_job_kills_total", "Attempts that died with their process.", counters::KILLS),
        counted(
            "cached_worker_stalls_total",
            "Times that work stood still because the state database failed.",
            counters::STALLS,
        ),
        measured(
            "cached_run_seconds",
            "Time of work of runs that ended and did not skip every entry.",
            Measured::Run,
        ),
        measured(
            "cached_write_lock_held_seconds",
            "For how long the write lock of VMS's database was held at a time.",
            Measured::WriteLock,
        ),
        longest.with(&[], scrape.longest_lock),
        queue(scrape),
        reads(scrape),
    ]
    .into_iter()
    .filter_map(Family::done)
    .collect()
}

/// All outcomes of a job; no outcome means cancelled.
fn outcomes() -> impl Iterator<Item = (Option<Outcome>, &'static str)> {
    let ended = Outcome::ALL.iter().map(|&outcome| (Some(outcome), outcome.as_str()));
    ended.chain([(None, Phase::Cancelled.as_str())])
}

fn runs(scrape: &Scrape) -> Family {
    let mut family = Family::counter("cached_runs_total", "Runs that ended, by what asked for them.");
    for &trigger in Trigger::ALL {
        for (outcome, word) in outcomes() {
            let count = number(scrape.counter(&counters::runs(trigger, outcome)));
            family.add(&[("trigger", trigger.as_str()), ("outcome", word)], count);
        }
    }
    family
}

fn jobs(scrape: &Scrape) -> Family {
    let mut family = Family::counter("cached_jobs_total", "Jobs that ended: one for each table of a run.");
    for (outcome, word) in outcomes() {
        family.add(&[("outcome", word)], number(scrape.counter(&counters::jobs(outcome))));
    }
    family
}

fn queue(scrape: &Scrape) -> Family {
    let queue = scrape.queue;
    let mut family = Family::gauge(
        "cached_queue_jobs",
        "Jobs that are not done with; dead ones ended badly and are not tried again by themselves.",
    );
    let phases = [
        ("pending", queue.pending),
        ("running", queue.running),
        ("retrying", queue.retrying),
        ("dead", queue.dead),
    ];
    for (phase, count) in phases {
        family.add(&[("phase", phase)], number(count as u64));
    }
    family
}

fn reads(scrape: &Scrape) -> Family {
    let results = [("hit", get::HITS), ("stale", get::STALE), ("miss", get::MISSES)];
    results.into_iter().fold(
        Family::counter("cached_reads_total", "Entries that were read through the daemon."),
        |family, (result, counter)| family.with(&[("result", result)], number(scrape.counter(counter))),
    )
}
