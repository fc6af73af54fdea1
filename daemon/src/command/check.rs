//! `cached check`: the effective configuration, and a probe of VMS's schema and of the file permissions.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use cached_proto::text::one_line;
use cached_proto::verb::history::Run;
use cached_proto::words::{Outcome, Table, TableState};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::rights::{self, OthersPlace, Sharing};
use super::{Exit, complain, print, refuse, sandbox};
use crate::cli::Check;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, CronExpr, Origin};
use crate::describe::describe;
use crate::disk;
use crate::jobs::Queue;
use crate::maintenance::{Backups, disk_space};
use crate::notify::Machine;
use crate::refresh::survey::{TableSurvey, survey_with};
use crate::refresh::{Availability, RefreshConfig, RefreshError, availability};
use crate::reports::REPORTS;
use crate::schedule::{Schedule, ScheduleError};
use crate::snapshot::ReadDepth;
use crate::state::{State, examine};
use crate::vms::{Vms, VmsError};

/// How many times of each schedule are printed: enough to distinguish Monday to Friday from Sunday to Thursday.
const FIRES: usize = 3;

/// Prints the findings; changes nothing. The keys in `unjudged` name credentials that only the service has.
pub async fn check(config: &Config, unjudged: &[String], arguments: &Check) -> Exit {
    let clock = SystemClock::new();
    print(&config.render());
    match fires(config, clock.now()) {
        Ok(fires) => print(&fires),
        Err(error) => return refuse(&describe(&error)),
    }
    if let Some(reason) = config.zone_warning() {
        complain(&format!("warning: {reason}; set it to the zone that VMS runs in"));
    }
    for key in unjudged {
        complain(&format!("note: {key} names a systemd credential, which only the service has: not checked"));
    }
    let refresh = match RefreshConfig::of(config) {
        Ok(refresh) => refresh,
        Err(error) => return refuse(&describe(&error)),
    };
    if arguments.config_only {
        return Exit::Good;
    }
    print("\n");
    let (sharing, text) = rights::examine(refresh.vms.path(), config.instance());
    print(&text);
    let closed = sandbox::examine(config);
    if let Some(text) = &closed {
        print(text);
    }
    if let Some(others) = OthersPlace::find(config) {
        let OthersPlace { user, instance, .. } = others;
        print(&format!(
            "Root has every permission; to check those of user {user}: runuser -u {user} -- cached check{instance}\n"
        ));
    }
    if sharing == Sharing::LocksOut {
        // Even reading the database would create files that VMS cannot open.
        return refuse(
            "not opening the VMS database: with these permissions that could lock VMS out. Run the commands above first.",
        );
    }
    let found = match probe(&refresh, config, sharing).await {
        Ok(found) => found,
        Err(error) => return refuse(&describe(&error)),
    };
    let state = state(config.state.url.as_path()).await;
    let (backups, mail) = (backups(config), mail(config));
    let good =
        found.usable && sharing == Sharing::Good && closed.is_none() && (found.fresh || !arguments.strict);
    if !good {
        return Exit::Failed;
    }
    [state, backups, mail].into_iter().find(|exit| *exit != Exit::Good).unwrap_or(Exit::Good)
}

/// The next fires of each schedule in words, as comments: the days show what a cron expression means.
fn fires(config: &Config, now: DateTime<Utc>) -> Result<String, ScheduleError> {
    let zone = config.schedule.timezone;
    let maintenance = &config.maintenance;
    let crons =
        [("analyze", &maintenance.analyze), ("prune", &maintenance.prune), ("backup", &maintenance.backup)];
    let maintenance = crons.into_iter().filter_map(|(task, cron)| Some((task, cron.as_ref()?)));
    let is_default = *config.origin("schedule", "timezone") == Origin::Default;
    let why = if is_default && zone != config.vms.timezone {
        format!(" (the default of schedule.timezone; VMS runs in {})", config.vms.timezone)
    } else {
        String::new()
    };
    let mut page = format!("\n# The next scheduled times, in {zone}{why}:\n");
    let mut add = |what: &str, schedule: &Schedule, cron: Option<&CronExpr>| {
        for fire in schedule.fires_after(now, FIRES) {
            let at = fire.at.with_timezone(&zone).format("%A %-d %B %Y, %H:%M %Z");
            let note = fire.note_text().map(|note| format!(" ({note})")).unwrap_or_default();
            // Writing to a String cannot fail.
            let _ = writeln!(page, "# {what}: {at}{note}");
        }
        if cron.is_some_and(CronExpr::limits_both_days) {
            let _ = writeln!(page, "# {what}: only on days that match both day of month and weekday");
        }
    };
    add("refresh", &Schedule::configured(&config.schedule)?, config.schedule.cron.as_ref());
    for (task, cron) in maintenance {
        add(task, &Schedule::cron(cron, zone), Some(cron));
    }
    Ok(page)
}

/// What a probe found.
struct Found {
    /// No report is disabled, and the cache tables can be read.
    usable: bool,
    /// All reports are fresh, and the last run ended well.
    fresh: bool,
}

/// Probes VMS's database.
async fn probe(config: &RefreshConfig, whole: &Config, sharing: Sharing) -> Result<Found, VmsError> {
    let read = async |vms: &Vms| Ok((vms.schema().await?, disk_space::estimate(vms).await.ok()));
    let (schema, payload) = config.vms.using(read).await?;
    let path = config.vms.path();
    let access = if sharing == Sharing::Good { "readable and writable" } else { "readable; see above" };
    print(&format!("VMS database {}: {access}\n", path.display()));
    if let Some(payload) = payload {
        print(&room_line(path, payload));
    }
    let zone = whole.schedule.timezone;
    let clock = Arc::new(SystemClock::new());
    let read = Freshness::read(config, whole.state.url.as_path(), zone, clock).await;
    let mut usable = read.is_ok();
    let freshness = read.unwrap_or_else(|error| {
        refuse(&describe(&error));
        Freshness::default()
    });
    for report in REPORTS {
        let availability = availability(*report, &schema, &config.settings);
        let text = availability.note().unwrap_or_else(|| freshness.of(report.table(), zone));
        usable &= !matches!(availability, Availability::Disabled(_));
        print(&format!("{:36} {text}\n", report.table()));
    }
    print(&freshness.notes);
    Ok(Found { usable, fresh: freshness.good })
}

/// Describes how much room a first refresh needs beside VMS's database.
fn room_line(path: &Path, payload: u64) -> String {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let needed = disk_space::refresh_needs(payload) >> 20;
    match disk::free(directory) {
        None => format!("Room for a first refresh: up to {needed} MB are needed\n"),
        Some(free) => {
            let enough = if free < disk_space::refresh_needs(payload) {
                ", which is not enough"
            } else if free < disk_space::comfortable(payload) {
                ", which is tight"
            } else {
                ""
            };
            format!(
                "Room for a first refresh: up to {needed} MB are needed, {} MB are free{enough}\n",
                free >> 20
            )
        }
    }
}

/// Whether the state database could be written, without creating anything.
async fn state(path: &Path) -> Exit {
    if let Err(error) = examine(path).await {
        return refuse(&describe(&error));
    }
    // SQLite creates files beside the database.
    let parent = first_existing(path.parent().unwrap_or(Path::new("/")));
    match rustix::fs::access(parent, rustix::fs::Access::WRITE_OK) {
        Ok(()) => {
            print(&format!("State database {}: writable\n", path.display()));
            Exit::Good
        }
        Err(error) => refuse(&format!(
            "the state database {} cannot be written: {error}; give its directory to the daemon's user or set state.url",
            path.display()
        )),
    }
}

/// Whether scheduled backups could be written, without creating anything.
fn backups(config: &Config) -> Exit {
    let Some(backups) = Backups::configured(&config.maintenance) else { return Exit::Good };
    match backups.examine() {
        Ok(()) => {
            print(&format!("Backups in {}: writable\n", backups.directory.display()));
            Exit::Good
        }
        Err(error) => {
            refuse(&describe(&error));
            // All else works without them.
            Exit::Failed
        }
    }
}

/// Whether there is a program that takes mail, if there are addresses. The sandbox of the service may still forbid it.
fn mail(config: &Config) -> Exit {
    let Some(to) = &config.notify.mail else { return Exit::Good };
    match Machine::of(config.instance()).sendmail() {
        Ok(sendmail) => {
            print(&format!(
                "Mail to {to}: taken by {}; `cachectl notify --test` tries it from the service\n",
                sendmail.display()
            ));
            Exit::Good
        }
        Err(error) => {
            refuse(&describe(&error));
            // All else works without it.
            Exit::Failed
        }
    }
}

fn first_existing(directory: &Path) -> &Path {
    directory.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/"))
}

/// The findings about the reports.
#[derive(Debug, Default)]
pub(super) struct Freshness {
    tables: HashMap<Table, TableSurvey>,
    /// Lines about the last run, and about what could not be read.
    pub(super) notes: String,
    /// Every table is fresh or need not be, and the last run ended well.
    pub(super) good: bool,
}

impl Freshness {
    /// Reads the cache tables, and the state if there is one; changes neither.
    pub(super) async fn read(
        config: &RefreshConfig,
        state: &Path,
        zone: Tz,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RefreshError> {
        let mut notes = String::new();
        let state = State::open_read_only(state).await.unwrap_or_else(|error| {
            // Without the state, entries are judged by their age alone.
            notes = format!("The state is not read: {}\n", one_line(&describe(&error)));
            None
        });
        let surveys = survey_with(config, state.as_ref(), ReadDepth::Shape, clock.now()).await?;
        let last = match state {
            None => None,
            Some(state) => {
                let last = Queue::new(state.clone(), clock).last_run().await?;
                state.close().await?;
                last
            }
        };
        let ended_well = last.as_ref().is_none_or(|run| run.outcome.is_none_or(Outcome::is_good));
        if let Some(run) = &last {
            notes.push_str(&run_lines(run, zone));
        }
        let good = ended_well && surveys.iter().all(|survey| is_good(survey.state));
        let tables = surveys.into_iter().map(|survey| (survey.table, survey)).collect();
        Ok(Self { tables, notes, good })
    }

    /// Describes a table that can be refreshed.
    pub(super) fn of(&self, table: Table, zone: Tz) -> String {
        let Some(survey) = self.tables.get(&table) else { return "ready".to_owned() };
        if let Some(note) = &survey.note {
            return format!("{}: {}", survey.state.as_str().replace('_', " "), one_line(note));
        }
        let audit = &survey.audit;
        let wrong = [
            (audit.stale, "stale"),
            (audit.missing, "missing"),
            (audit.incomplete, "incomplete"),
            (audit.invalid, "invalid"),
        ];
        let mut text = format!("ready, {} of {} entries fresh", audit.fresh, audit.expected);
        for (count, word) in wrong.iter().filter(|(count, _)| *count > 0) {
            // Writing to a String cannot fail.
            let _ = write!(text, ", {count} {word}");
        }
        if let Some(newest) = audit.newest {
            let _ = write!(text, "; newest {}", local(newest, zone));
        }
        text
    }
}

/// Whether readers of a table are served as they should be.
const fn is_good(state: TableState) -> bool {
    match state {
        TableState::Fresh | TableState::Withheld | TableState::Off | TableState::NotApplicable => true,
        TableState::Stale
        | TableState::Missing
        | TableState::Incomplete
        | TableState::Invalid
        | TableState::Guarded
        | TableState::Disabled => false,
    }
}

/// Formats `Last run: 12 (manual) rebuilt, ended 2026-11-22 19:35:18 CST`, and the errors of the run's
/// tables.
fn run_lines(run: &Run, zone: Tz) -> String {
    let outcome = run.outcome.map_or("has not ended", Outcome::as_str);
    let ended = run.ended.map(|at| format!(", ended {}", local(at.to_utc(), zone))).unwrap_or_default();
    let mut text = format!("Last run: {} ({}) {outcome}{ended}\n", run.id, run.trigger);
    for job in &run.jobs {
        if let Some(error) = &job.error {
            let _ = writeln!(text, "{}: {}", job.table, one_line(error));
        }
    }
    text
}

fn local(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Instance, Overrides, ProcessEnvironment};

    fn lines(keys: &[(&'static str, &'static str, &str)], now: &str) -> Vec<String> {
        let mut overrides = Overrides::default();
        overrides.only_named = true;
        for (section, key, value) in
            [("database", "url", "/srv/vms.db"), ("state", "url", "/s.db")].iter().chain(keys)
        {
            overrides.set("--test", section, key, *value);
        }
        let now = now.parse().unwrap();
        let config =
            Config::load(&overrides, &ProcessEnvironment::of_process(now, Instance::default())).unwrap();
        fires(&config, now).unwrap().lines().skip(1).map(str::to_owned).collect()
    }

    #[test]
    fn the_zone_is_named_and_that_it_is_the_default_where_vms_runs_in_another() {
        let head =
            |keys: &[(&'static str, &'static str, &str)]| lines(keys, "2026-10-31T06:00:00Z").remove(0);
        let chicago = ("vms", "timezone", "America/Chicago");
        let vienna = ("vms", "timezone", "Europe/Vienna");
        for (keys, expected) in [
            (&[chicago][..], "# The next scheduled times, in America/Chicago:"),
            (
                &[vienna],
                "# The next scheduled times, in America/Chicago (the default of schedule.timezone; VMS runs in \
                 Europe/Vienna):",
            ),
            (
                &[vienna, ("schedule", "timezone", "America/Chicago")],
                "# The next scheduled times, in America/Chicago:",
            ),
        ] {
            assert_eq!(head(keys), expected);
        }
    }

    #[test]
    fn the_next_scheduled_times_are_printed_with_weekday_date_time_and_zone() {
        assert_eq!(
            lines(&[], "2026-10-31T06:00:00Z")[1..],
            [
                "# refresh: Saturday 31 October 2026, 02:00 CDT",
                "# refresh: Sunday 1 November 2026, 02:00 CST",
                "# refresh: Monday 2 November 2026, 02:00 CST",
            ]
        );
        let weekdays = ("schedule", "cron", "0 30 2 * * 1-5");
        let first_monday = ("maintenance", "analyze", "0 0 4 1-7 * Mon");
        assert_eq!(
            lines(&[weekdays, first_monday], "2026-03-05T18:00:00Z")[1..],
            [
                "# refresh: Friday 6 March 2026, 02:30 CST",
                "# refresh: Monday 9 March 2026, 02:30 CDT",
                "# refresh: Tuesday 10 March 2026, 02:30 CDT",
                "# analyze: Monday 6 April 2026, 04:00 CDT",
                "# analyze: Monday 4 May 2026, 04:00 CDT",
                "# analyze: Monday 1 June 2026, 04:00 CDT",
                "# analyze: only on days that match both day of month and weekday",
            ]
        );
        let sunday = ("schedule", "cron", "0 30 2 8 3 7");
        assert_eq!(
            lines(&[sunday], "2026-03-05T18:00:00Z")[1],
            "# refresh: Sunday 8 March 2026, 03:00 CDT (the clock goes forward over this time: fires at the first \
             instant after)"
        );
    }
}
