//! A refresh within the test's own process: faster than a binary, and its parts can be inspected.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cached::clock::{Clock, ManualClock};
use cached::demo::{DemoOptions, generate};
use cached::jobs::RetryPolicy;
use cached::refresh::survey::{TableSurvey, survey};
use cached::refresh::{RefreshConfig, RefreshScope, Selection, TableRefresh, TableResult, refresh_table};
use cached::reports::district::DistrictMapping;
use cached::reports::recruitment::Keywords;
use cached::reports::{Mode, REPORTS, Report, ReportSettings, report};
use cached::snapshot::{ReadDepth, Snapshot, SourceSet, load};
use cached::state::State;
use cached::store::AgeLimits;
use cached::vms::tables::Table;
use cached::vms::{Gateway, Schema, Vms};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::directory::directory;
use crate::vms::Other;

/// Returns the instant at which samples are generated and refreshed: a weekday in the middle of a season.
pub fn now() -> DateTime<Utc> {
    "2026-11-20T15:04:05Z".parse().unwrap()
}

const LIMITS: AgeLimits = AgeLimits {
    max_age: TimeDelta::hours(24),
    refresh_after: TimeDelta::hours(20),
    tolerance: TimeDelta::minutes(15),
};

/// The sample of `cached demo` in a directory of its own, with the table that only older versions of VMS
/// have.
#[derive(Debug)]
pub struct Sample {
    directory: TempDir,
}

impl Sample {
    /// Generates the sample of a seed and a scale.
    pub fn generate(seed: u64, scale: u32) -> Self {
        Self::generate_at(seed, scale, now())
    }

    /// Generates the sample for the current day: real processes use real time.
    #[expect(clippy::disallowed_methods, reason = "real processes live in real time")]
    pub fn today(seed: u64, scale: u32) -> Self {
        Self::generate_at(seed, scale, Utc::now())
    }

    /// Generates the sample of a seed and a scale as of `now`.
    pub fn generate_at(seed: u64, scale: u32, now: DateTime<Utc>) -> Self {
        let sample = Self { directory: directory() };
        let options = DemoOptions { scale, seed, now };
        runtime().block_on(generate(&sample.database(), &options)).unwrap();
        Other::open(&sample.database()).add_engagement();
        sample
    }

    /// Returns another copy. SQLite makes it: the file alone is not the database while a connection keeps its log, and
    /// closing a file that was opened beside SQLite would release the locks of this process's own connections.
    pub fn copy(&self) -> Self {
        let copy = Self { directory: directory() };
        Other::open(&self.database()).execute(&format!("VACUUM INTO '{}'", copy.database().display()));
        copy
    }

    /// Returns the directory, for further files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the path of the database.
    pub fn database(&self) -> PathBuf {
        self.directory.path().join("vms.db")
    }

    /// Returns the path of a state database next to it.
    pub fn state(&self) -> PathBuf {
        self.directory.path().join("state.db")
    }
}

/// All components that refresh a database, in one process.
#[derive(Debug)]
pub struct Inside {
    runtime: tokio::runtime::Runtime,
    vms: Vms,
    state: State,
    clock: Arc<dyn Clock>,
    settings: Arc<ReportSettings>,
}

/// The sources of all reports.
fn sources() -> SourceSet {
    REPORTS.iter().copied().flat_map(Report::sources).copied().collect()
}

impl Inside {
    /// Opens VMS's database and a state database, with every table enabled, in fixed mode, in Chicago's time
    /// zone.
    pub fn open(database: &Path, state: &Path) -> Self {
        let runtime = runtime();
        let vms = runtime.block_on(Vms::open(database)).unwrap();
        let state = runtime.block_on(State::open(state, now())).unwrap();
        let (districts, keywords) = (DistrictMapping::embedded().unwrap(), Keywords::embedded().unwrap());
        let settings = ReportSettings {
            organization_reports_table: true,
            ..ReportSettings::new(Mode::Fixed, chrono_tz::America::Chicago, districts, keywords)
        };
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(now()));
        Self { runtime, vms, state, clock, settings: Arc::new(settings) }
    }

    /// Returns components that do not wait for a lock of another process.
    pub fn without_waiting(mut self) -> Self {
        let gateway = Gateway::new(self.vms.path()).with_lock_timeout(Duration::ZERO);
        self.vms = self.runtime.block_on(gateway.open()).unwrap();
        self
    }

    /// Calls `observer` with every statement that is read with from now on.
    pub fn observed(mut self, observer: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.vms = self.vms.observed(move |statement: &Statement| observer(&statement.sql));
        self
    }

    /// Returns the report settings.
    pub fn settings(&self) -> &ReportSettings {
        &self.settings
    }

    /// Returns the snapshot that a run of `scope` reads.
    pub fn snapshot(&self, scope: RefreshScope, now: DateTime<Utc>) -> Snapshot {
        self.load(&sources(), Table::ALL, scope, now)
    }

    /// Returns the sources alone.
    pub fn sources(&self, now: DateTime<Utc>) -> Snapshot {
        self.load(&sources(), &[], RefreshScope::Every, now)
    }

    /// Returns the rows of the cache tables alone, as a run of `scope` reads them.
    pub fn rows(&self, scope: RefreshScope, now: DateTime<Utc>) -> Snapshot {
        self.load(&SourceSet::new(), Table::ALL, scope, now)
    }

    fn load(
        &self,
        sources: &SourceSet,
        tables: &[Table],
        scope: RefreshScope,
        now: DateTime<Utc>,
    ) -> Snapshot {
        self.runtime.block_on(load(&self.vms, sources, tables, scope.read_depth(), now)).unwrap()
    }

    /// Refreshes every table from one snapshot, and returns the snapshot as well.
    pub fn refresh(&self, scope: RefreshScope, now: DateTime<Utc>) -> (Arc<Snapshot>, Vec<TableResult>) {
        let snapshot = Arc::new(self.snapshot(scope, now));
        let refresh = |report: &'static dyn Report| TableRefresh {
            table: report.table(),
            report,
            snapshot: Arc::clone(&snapshot),
            settings: Arc::clone(&self.settings),
            limits: LIMITS,
            now,
            scope,
            renew_before: now,
            guard: None,
            selection: Selection::all(),
            cancel: CancellationToken::new(),
        };
        let results = REPORTS.iter().map(|report| {
            let job = refresh(*report);
            self.runtime.block_on(refresh_table(&self.vms, &self.state, &self.clock, &job))
        });
        let results = results.collect();
        (snapshot, results)
    }

    /// Surveys every table.
    pub fn survey(&self, now: DateTime<Utc>) -> Vec<TableSurvey> {
        self.survey_by(ReadDepth::Shape, now)
    }

    /// Surveys every table, reading as much of each row as `depth` says.
    pub fn survey_by(&self, depth: ReadDepth<'_>, now: DateTime<Utc>) -> Vec<TableSurvey> {
        let vms = Gateway::new(self.vms.path());
        let retry = RetryPolicy { attempts: 1, base_delay: Duration::ZERO, max_delay: Duration::ZERO };
        let settings = self.settings().clone();
        let config = RefreshConfig {
            vms,
            settings,
            limits: LIMITS,
            retry,
            guard: None,
            reports: report,
            wipe_zone: None,
            district_grace: Duration::ZERO,
            deep_check_days: 7,
        };
        self.runtime.block_on(survey(&config, &self.state, depth, now)).unwrap()
    }

    /// Checks VMS's schema against what every report needs.
    pub fn schema(&self) -> Schema {
        self.runtime.block_on(self.vms.schema()).unwrap()
    }

    /// Returns rows of text columns; NULL is empty.
    pub fn texts(&self, sql: &str) -> Vec<Vec<String>> {
        let statement = Statement::from_string(DbBackend::Sqlite, sql);
        let rows = self
            .runtime
            .block_on(async { self.vms.begin_read().await.unwrap().query_all_raw(statement).await })
            .unwrap();
        let texts = rows.iter().map(|row| {
            let columns = 0..row.column_names().len();
            columns.map(|at| row.try_get_by_index::<Option<String>>(at).unwrap().unwrap_or_default())
        });
        texts.map(Iterator::collect).collect()
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}
