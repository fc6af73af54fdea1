//! `GET /metrics`: current state and history, in Prometheus' text format 0.0.4.
//!
//! Nothing is counted in this module. Counters are stored in the state database, so that they survive
//! restarts, and everything else is read at each scrape. Names begin with `cached_`, and units are seconds
//! and bytes.
//!
//! If the state database does not answer, the response is a 503: counters that cannot be read must not scrape
//! as if they had been reset.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use cached_proto::fault::{Fault, FaultCode};
use cached_proto::time::Timestamp;
use cached_proto::verb::status::TableStatus;
use cached_proto::words::{HealthLevel, Outcome, Phase, SchedulerState, Table, TableState, Trigger};
use prometheus::TextEncoder;
use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram as Buckets, LabelPair, Metric, MetricFamily, MetricType,
};

use super::answer::WebFault;
use super::app::Web;
use super::views::Scrape;
use crate::figures::{self, Histogram};
use crate::jobs::counters::{self, Measured};
use crate::service::fault::fault;
use crate::service::get;

/// Prometheus's text format. The constant of its encoder omits that labels are UTF-8.
const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

#[utoipa::path(
    get, path = "/metrics",
    responses((status = 200, description = "Current state and history, for Prometheus.", body = String, content_type = "text/plain"))
)]
pub(super) async fn metrics(State(web): State<Web>) -> Result<Response, WebFault> {
    let scrape = web.views.scrape(&web.probes).await?;
    Ok(([(CONTENT_TYPE, KIND)], text(&scrape, web.service.config.borrow().instance().name())?)
        .into_response())
}

fn text(scrape: &Scrape, instance: Option<&str>) -> Result<String, Fault> {
    let mut families = [table_families(scrape), work_families(scrape), judgement_families(scrape)].concat();
    if let Some(name) = instance {
        families.iter_mut().flat_map(MetricFamily::mut_metric).for_each(|metric| {
            let labels = [metric.take_label(), vec![pair(&("instance", name))]].concat();
            metric.set_label(labels);
        });
    }
    TextEncoder::new().encode_to_string(&families).map_err(|error| {
        fault(FaultCode::Internal, &format!("the metrics cannot be written: {error}"), "report this as a bug")
    })
}

impl Scrape {
    fn counter(&self, name: &str) -> u64 {
        self.counters.get(name).copied().unwrap_or_default()
    }
}

/// Metrics of the cache tables. While VMS's database cannot be read, only those of their refreshes are reported.
fn table_families(scrape: &Scrape) -> Vec<MetricFamily> {
    let mut age = Family::gauge(
        "cached_table_oldest_entry_age_seconds",
        "Age of the oldest entry that the table should have; below 0 when it is stamped in the future.",
    );
    let mut entries = Family::gauge("cached_table_entries", "Entries by state.");
    let mut rows = Family::gauge("cached_table_rows", "Existing entries, whatever their state.");
    let mut bytes = Family::gauge("cached_table_payload_bytes", "Payload of all rows.");
    let mut states = Family::gauge("cached_table_state", "1 for the current state of the table.");
    for table in &scrape.status.tables {
        let labels = labels(table.table);
        if let Some(oldest) = table.oldest {
            age.add(&labels, (scrape.now - oldest.to_utc()).as_seconds_f64());
        }
        let counted = counted(table);
        for (state, count) in counted {
            entries.add(&and(labels, ("state", state)), number(count));
        }
        let there = counted.iter().filter(|(state, _)| *state != MISSING).map(|(_, count)| count);
        rows.add(&labels, number(there.sum()));
        bytes.add(&labels, number(table.bytes.unwrap_or_default()));
        for &state in TableState::ALL {
            states.add(&and(labels, ("state", state.as_str())), flag(state == table.state));
        }
    }
    let mut refreshes = Family::histogram(
        "cached_table_refresh_seconds",
        "Time of work on the table, by jobs that ended and did not skip every entry; of a retried job, its last attempt.",
    );
    for &table in Table::ALL {
        let histogram = Histogram::of(&scrape.counters, Measured::Refresh(table));
        refreshes.add_histogram(&labels(table), &histogram);
    }
    [age, entries, rows, bytes, states, refreshes].into_iter().filter_map(Family::done).collect()
}

const fn labels(table: Table) -> [Label<'static>; 2] {
    [("type", table.cache_type().as_str()), ("table", table.as_str())]
}

fn and<'a>([first, second]: [Label<'a>; 2], third: Label<'a>) -> [Label<'a>; 3] {
    [first, second, third]
}

const MISSING: &str = TableState::Missing.as_str();

fn counted(table: &TableStatus) -> [(&'static str, u64); 6] {
    [
        (TableState::Fresh.as_str(), table.fresh),
        (TableState::Stale.as_str(), table.stale),
        (MISSING, table.missing),
        (TableState::Incomplete.as_str(), table.incomplete),
        (TableState::Invalid.as_str(), table.invalid),
        // Such entries are not judged, so no table is in this state.
        ("unmanaged", table.unmanaged),
    ]
}

/// Metrics of finished and pending work.
fn work_families(scrape: &Scrape) -> Vec<MetricFamily> {
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
            "Times that work stalled because the state database failed.",
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
    let mut family = Family::counter("cached_runs_total", "Runs that ended, by trigger.");
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
        "Jobs that are not finished; dead ones ended badly and are not retried automatically.",
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

/// Metrics of the health and its reasons, of scheduled work, and of the daemon itself.
fn judgement_families(scrape: &Scrape) -> Vec<MetricFamily> {
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
            "Whether VMS's database can be read.",
            status.database_error.is_none(),
        ),
        yes_no(
            "cached_up_to_date",
            "Whether every entry that VMS may read exists and is fresh.",
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
    let family = Family::gauge("cached_health", "1 for the current level of the daemon's health.");
    HealthLevel::ALL.iter().fold(family, |family, &level| {
        family.with(&[("level", level.as_str())], flag(level == scrape.health.level))
    })
}

fn reasons(scrape: &Scrape) -> Family {
    let family = Family::gauge(
        "cached_health_reason",
        "1 for each reason of that level; `cachectl health` shows them in words.",
    );
    // Each code occurs at most once among the reasons: no two metrics may have the same labels.
    scrape.health.reasons.iter().fold(family, |family, reason| {
        let (code, level) = (reason.code.as_str(), reason.finding.level.as_str());
        family.with(&[("code", code), ("level", level)], 1.0)
    })
}

/// Converts to seconds since the Unix epoch.
#[expect(clippy::cast_precision_loss, reason = "microseconds of today are far below 2^53")]
fn unix(at: Timestamp) -> f64 {
    at.as_micros() as f64 / 1e6
}

/// A label and its value.
type Label<'a> = (&'a str, &'a str);

/// Metrics of one name, kind and meaning.
#[derive(Debug)]
struct Family(MetricFamily);

impl Family {
    /// A gauge, which may go up and down.
    fn gauge(name: &str, help: &str) -> Self {
        Self::new(name, help, MetricType::GAUGE)
    }

    /// A counter, which only grows, even across restarts.
    fn counter(name: &str, help: &str) -> Self {
        Self::new(name, help, MetricType::COUNTER)
    }

    /// A histogram.
    fn histogram(name: &str, help: &str) -> Self {
        Self::new(name, help, MetricType::HISTOGRAM)
    }

    fn new(name: &str, help: &str, kind: MetricType) -> Self {
        let mut family = MetricFamily::default();
        family.set_name(name.to_owned());
        family.set_help(help.to_owned());
        family.set_field_type(kind);
        Self(family)
    }

    /// Adds a value of a gauge or counter.
    fn add(&mut self, labels: &[Label<'_>], value: f64) {
        let mut metric = labelled(labels);
        if self.0.get_field_type() == MetricType::COUNTER {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        self.0.mut_metric().push(metric);
    }

    /// Adds a histogram.
    fn add_histogram(&mut self, labels: &[Label<'_>], measured: &Histogram) {
        let bucket = |bucket: &figures::Bucket| {
            let mut shown = Bucket::default();
            shown.set_upper_bound(bucket.at_most.as_secs_f64());
            shown.set_cumulative_count(bucket.count);
            shown
        };
        let mut histogram = Buckets::default();
        histogram.set_bucket(measured.buckets.iter().map(bucket).collect());
        histogram.set_sample_count(measured.count);
        histogram.set_sample_sum(measured.total.as_secs_f64());
        let mut metric = labelled(labels);
        metric.set_histogram(histogram);
        self.0.mut_metric().push(metric);
    }

    /// Returns the family with one more value.
    fn with(mut self, labels: &[Label<'_>], value: f64) -> Self {
        self.add(labels, value);
        self
    }

    /// The family for the encoder, which refuses one without metrics.
    fn done(self) -> Option<MetricFamily> {
        (!self.0.get_metric().is_empty()).then_some(self.0)
    }
}

fn labelled(labels: &[Label<'_>]) -> Metric {
    Metric::from_label(labels.iter().map(pair).collect())
}

fn pair(&(name, value): &Label<'_>) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

/// Converts a count to a metric value.
#[expect(clippy::cast_precision_loss, reason = "metrics are doubles, and counts are far below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}

/// Converts a boolean to 1 or 0.
fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}
