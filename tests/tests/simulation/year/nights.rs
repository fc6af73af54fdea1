//! The same year without a daemon: one refresh a night at 02:00, as a line of a crontab makes it.

use std::sync::Arc;
use std::time::Duration;

use cached::cli::Refresh;
use cached::clock::{Clock as _, ManualClock};
use cached::command::Exit;
use cached::command::refresh::{exit, once};
use cached::refresh::RefreshConfig;
use cached::refresh::survey::survey_with;
use cached::snapshot::ReadDepth;
use cached::state::State;
use cached::vms::Vms;
use cached::vms::tables::Table;
use cached_proto::words::{Outcome, TableState};
use cached_tests::directory::directory;
use chrono::NaiveDate;
use tempfile::TempDir;

use super::morning::Held;
use super::office::Office;
use super::plan::{self, Happening};
use super::{agenda, beginning, import, pages, statement};
use crate::actor::Actor;
use crate::daemon::Choices;
use crate::world::refresh_config;

/// Longest time of a refresh; only one that waits for the clock takes as long.
const TIMEOUT: Duration = Duration::from_mins(2);

/// How the refreshes are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    /// Whether the state of a night is there in the next.
    pub(super) kept: bool,
    pub(super) force: bool,
}

/// A year of one-shots.
struct Nights {
    directory: TempDir,
    form: Form,
    vms: Arc<Actor>,
    reader: Vms,
    office: Office,
    clock: Arc<ManualClock>,
    choices: Choices,
    refresh: RefreshConfig,
    /// The rows from before a broken import.
    held: Option<Held>,
    /// Nights, nights in which tables were guarded, and rows that were compared.
    figures: [u64; 3],
}

/// Lives a year; returns its figures.
pub(super) async fn live(form: Form, whole: bool) -> Result<String, String> {
    let directory = directory();
    let database = directory.path().join("vms.db");
    std::fs::write(&database, beginning()).unwrap();
    let vms = Arc::new(Actor::open(&database));
    // A one-shot would wait for the end of the grace period on a clock that does not move meanwhile.
    let choices = Choices { time: 0, zone: 0, catch_up: true, grace: 0, more: plan::SETTINGS };
    let days = plan::nights(whole);
    let mut nights = Nights {
        form,
        reader: Vms::open(&database).await.unwrap(),
        office: Office::new(11, vms.clone(), 2),
        vms,
        clock: Arc::new(ManualClock::new(plan::at_hour(days[0], 2))),
        choices,
        refresh: refresh_config(&choices.config(directory.path())),
        directory,
        held: None,
        figures: [0; 3],
    };
    for (&day, &next) in days.iter().zip(&days[1..]) {
        let lived = Box::pin(nights.night(day, next)).await;
        lived.map_err(|broken| format!("in the night to {next}: {broken}"))?;
    }
    let [nights, guarded, compared] = nights.figures;
    if (guarded == 0) == form.kept {
        return Err("the broken imports were not noticed".to_owned());
    }
    Ok(format!("{form:?}: {nights} nights, {guarded} with guarded tables, {compared} rows compared"))
}

impl Nights {
    async fn night(&mut self, day: NaiveDate, next: NaiveDate) -> Result<(), String> {
        let (from, to) = (plan::at_hour(day, 2), plan::at_hour(next, 2));
        for (at, happening) in agenda(&self.office, day, from, to) {
            self.clock.set(at);
            self.happen(happening).await;
        }
        self.clock.set(to);
        Box::pin(self.refresh()).await
    }

    async fn happen(&mut self, happening: Happening) {
        let (now, settings) = (self.clock.now(), &self.refresh.settings);
        let today = now.with_timezone(&plan::ZONE).date_naive();
        let broken = self.held.is_some();
        match happening {
            Happening::Work => {
                self.office.work(today, broken);
            }
            Happening::Season(events) => self.office.plan_season(today, events),
            // Without `--force`, what VMS itself wrote in the hours before is left alone.
            Happening::View if self.form.force && !broken => {
                if let Some(sql) = pages::view(&self.reader, settings, now, self.office.random()).await {
                    self.vms.execute(&sql);
                }
            }
            Happening::Import { fails } if !broken => {
                let [first, second] = [self.office.import(), self.office.import()];
                for sql in [first, second, pages::wipe(now, fails)] {
                    self.vms.execute(&sql);
                }
            }
            Happening::Lose(lost) => {
                self.held = Some(Held::of(&self.reader, Table::ALL, now).await);
                self.vms.execute(import(lost, true));
            }
            Happening::Restore(lost) => {
                self.held = None;
                self.vms.execute(import(lost, false));
            }
            Happening::Reload(more) => {
                self.choices.more = more;
                self.refresh = refresh_config(&self.choices.config(self.directory.path()));
            }
            other => {
                if let Some(sql) = statement(other) {
                    self.vms.execute(sql);
                }
            }
        }
    }

    /// Refreshes, and judges the result at the same instant.
    async fn refresh(&mut self) -> Result<(), String> {
        let (config, now) = (self.choices.config(self.directory.path()), self.clock.now());
        let arguments = Refresh { force: self.form.force, ..Refresh::default() };
        let refreshed = once(&config, &arguments, self.clock.clone());
        let run = tokio::time::timeout(TIMEOUT, refreshed).await.map_err(|_| "the refresh never ends")?;
        let run = run.map_err(|error| error.to_string())?;
        let state_path = self.directory.path().join("state.db");
        self.figures[0] += 1;
        // Without a state, a refresh does not know that the source was larger before.
        if self.form.kept && self.held.is_some() {
            self.figures[1] += 1;
            if exit(&run) != Exit::Failed || run.outcome != Some(Outcome::Guarded) {
                return Err(format!("a broken import is not guarded: {run:?}"));
            }
            let unchanged = self.held.as_ref() == Some(&Held::of(&self.reader, Table::ALL, now).await);
            return if unchanged { Ok(()) } else { Err("rows have changed that are held".to_owned()) };
        }
        if exit(&run) != Exit::Good {
            return Err(format!("the refresh ends with an error: {run:?}"));
        }
        let state = State::open_read_only(&state_path).await.map_err(|error| error.to_string())?;
        let surveys = survey_with(&self.refresh, state.as_ref(), ReadDepth::Shape, now).await;
        let mut fresh = Vec::new();
        for survey in surveys.map_err(|error| error.to_string())? {
            match survey.state {
                TableState::Fresh => fresh.push(survey.table),
                TableState::Withheld if self.vms.number("SELECT count(*) FROM users WHERE id = 99") > 0 => {}
                state => return Err(format!("{} is {state}: {survey:?}", survey.table)),
            }
        }
        self.figures[2] += crate::settled::compare(&self.reader, &self.refresh, &fresh, now).await?;
        if !self.form.kept {
            for name in ["state.db", "state.db-wal", "state.db-shm"] {
                // Only the first exists when the state was closed.
                let _ = std::fs::remove_file(self.directory.path().join(name));
            }
        }
        Ok(())
    }
}
