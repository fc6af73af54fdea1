//! Every section and key, declared once.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use cached_present::place::Instance;
use chrono::NaiveTime;
use chrono_tz::Tz;

use super::cron_expr::CronExpr;
use super::key::{Key, Origins, from, settings, text, unset};
use super::process_environment as defaults;
use super::reader::Reader;
use super::secret::SecretFile;
use super::setting::Setting;
use super::value::{ByteSize, CommandLine, DatabasePath, LogLevel, Mode, Recipients, WebhookFormat};
use super::web::{CookieName, HostName, Network, Url, WebOrigin};

settings! {
    /// VMS's database.
    database: Database {
        /// Path of VMS's SQLite file, with or without `sqlite://`.
        url: DatabasePath = unset().restart();
    }
    /// The daemon's own database.
    state: State {
        /// Path of the daemon's SQLite file; created when missing. Default: `/var/lib/cached/state.db` for the service
        /// and system accounts, `~/.local/state/cached/state.db` for other users.
        url: DatabasePath = from(defaults::state_url).restart();
        /// Days for which finished runs and jobs are kept.
        history_days: u32 = text("90").within("1", "3650");
    }
    /// How VMS runs.
    vms: Vms {
        /// IANA zone of VMS's process: school years and local time stamps follow it. If not set, it is taken
        /// from `TZ`, else from the system.
        timezone: Tz = from(defaults::vms_timezone);
        /// URL of a page of VMS, such as `http://127.0.0.1:8000/health`, that `health` requests to check that VMS
        /// answers.
        probe_url: Option<Url> = unset();
        /// Longest time that the page may take.
        probe_timeout: Duration = text("5s").within("100ms", "30s");
    }
    /// When everything is refreshed.
    schedule: Schedule {
        /// Civil time of day of the refresh, in `timezone`.
        refresh_time: NaiveTime = text("02:00");
        /// Hours between refreshes, counted from `refresh_time`. Must be 1, 2, 3, 4, 6, 8, 12 or 24.
        refresh_interval_hours: u32 = text("24").within("1", "24");
        /// IANA zone of the schedule, whatever the zone of this machine.
        timezone: Tz = text("America/Chicago");
        /// Whether a refresh that was missed while the daemon was down is caught up.
        catch_up: bool = text("true");
        /// Cron expression in place of `refresh_time` and `refresh_interval_hours`: second minute hour day month
        /// weekday and, if need be, year, with the weekdays of a crontab (0 and 7 are Sunday, 1 is Monday, or names).
        cron: Option<CronExpr> = unset();
    }
    /// Ages of cache entries.
    cache: Cache {
        /// Hours after which an entry is stale.
        max_cache_age_hours: u32 = text("24").within("1", "8760");
        /// Hours before which a manual refresh without `--force` leaves an entry alone.
        refresh_after_hours: u32 = text("20").within("0", "8759");
        /// How long entries may be past their limit before a scheduled run renews them; at least twice the duration of
        /// recent runs. Entries that would be past it for longer are topped up.
        top_up_tolerance: Duration = text("15min").within("0s", "12h");
        /// Every how many days a scheduled run computes all entries of a table, also those that are proved to be
        /// unchanged; each table has its own day. 1 for every run.
        deep_check_days: u32 = text("7").within("1", "366");
        /// Days after which an entry that no reader uses any more is pruned.
        prune_after_days: u32 = text("7").within("1", "3650");
        /// How long a deleted district report is not regenerated, because VMS may be computing it.
        district_grace: Duration = text("30s").within("0s", "1h");
    }
    /// Faithfulness to VMS.
    compat: Compat {
        /// `fixed` or `exact`.
        mode: Mode = text("fixed");
    }
    /// District reports.
    districts: Districts {
        /// File that replaces the built-in district mapping.
        file: Option<PathBuf> = unset();
    }
    /// Recruitment reports.
    recruitment: Recruitment {
        /// File that replaces the built-in keywords.
        keywords_file: Option<PathBuf> = unset();
        /// Whether recent events get entries as well as upcoming ones.
        include_recent: bool = text("true");
        /// Days for which the entries of past events are kept.
        keep_days: u32 = text("30").within("0", "3650");
    }
    /// Organization reports.
    organization: Organization {
        /// Whether `organization_reports` is filled; a row there makes VMS's "delete organization" fail.
        reports_table: bool = text("false");
    }
    /// Virtual session reports.
    virtual_session: VirtualSession {
        /// Whether the table is filled although scoped users would see other districts' teachers.
        allow_scoped_users: bool = text("false");
    }
    /// Failed jobs.
    retry: Retry {
        /// Maximum number of attempts at a job.
        attempts: u32 = text("3").within("1", "20");
        /// Pause before the second attempt; it doubles with each further one.
        base_delay: Duration = text("2s").within("0s", "1h");
        /// Longest pause between attempts.
        max_delay: Duration = text("5m").within("0s", "1day");
    }
    /// Reaction to changes of the source.
    watch: Watch {
        /// Whether changes are watched for.
        enabled: bool = text("true");
        /// How often the database is checked.
        poll: Duration = text("1s").within("10ms", "1h");
        /// How long the source must be quiet before the changed tables are refreshed.
        quiet: Duration = text("30s").within("0s", "1day");
        /// Longest time for which a source that does not get quiet delays the refresh.
        max_delay: Duration = text("5m").within("0s", "1day");
    }
    /// Protection against a half-imported source.
    guard: Guard {
        /// Whether reports are held back when the source lost suspiciously many rows.
        enabled: bool = text("true");
        /// Share of rows that may vanish between two refreshes.
        max_loss: f64 = text("0.6").within("0", "1");
        /// Tables with fewer rows than this are not judged, unless all are gone.
        min_rows: u64 = text("50");
    }
    /// The control socket.
    socket: Socket {
        /// Path of the socket, at most 107 bytes. Default: `/run/cached/cached.sock` for the service and system
        /// accounts, `$XDG_RUNTIME_DIR/cached.sock` for other users.
        path: PathBuf = from(defaults::socket_path).restart();
        /// Group whose members may use the verbs that write.
        write_group: String = text("cached");
        /// Group whose members may copy VMS's database with `cachectl maintenance backup`, credentials included;
        /// without one, only root and the daemon's own user may. Members have to reach the socket as well.
        backup_group: Option<String> = unset();
    }
    /// The status page.
    http: Http {
        /// Address and port; empty switches it off.
        listen: Option<SocketAddr> = text("127.0.0.1:8321").restart();
        /// Origin under which browsers reach the page, for example `https://vms.example.org`.
        public_origin: Option<WebOrigin> = unset();
        /// Addresses or networks of proxies whose forwarding headers are trusted.
        trusted_proxies: Vec<Network> = text("");
        /// Further host names under which browsers reach the page, besides `public_origin`, `listen` and this machine.
        hosts: Vec<HostName> = text("");
        /// File of mode 0600, or `credential:NAME`, that holds the `SECRET_KEY` VMS runs with; with it, administrators
        /// who are logged in to VMS are logged in here.
        secret_key_file: Option<SecretFile> = unset().place();
        /// Name of VMS's session cookie (its `SESSION_COOKIE_NAME`).
        session_cookie: CookieName = text("vms_session");
        /// Name of VMS's remember cookie (its `REMEMBER_COOKIE_NAME`), which is valid for as long as the `SECRET_KEY`;
        /// if empty, that cookie is ignored.
        remember_cookie: Option<CookieName> = text("vms_remember");
        /// How long a session cookie is valid (VMS's `SESSION_LIFETIME_SECONDS`).
        session_lifetime: Duration = text("8h").within("1m", "366days");
        /// File of mode 0600, or `credential:NAME`, that holds a token for `Authorization: Bearer`.
        token_file: Option<SecretFile> = unset().place();
        /// Whether the API token of one of VMS's administrators (header `X-API-Token`) logs in.
        api_tokens: bool = text("false");
        /// Whether users of this machine may view without logging in; only without a proxy.
        open_viewing: bool = text("false");
    }
    /// Logs.
    log: Log {
        /// Directory of `cache_manager.log`; if empty, no log file is written. Default: `/var/log/cached` for the
        /// service and root, empty for other users.
        dir: Option<PathBuf> = from(defaults::log_dir);
        /// `error`, `warn`, `info`, `debug` or `trace`.
        level: LogLevel = text("info");
        /// Size at which the file is rotated.
        max_size: ByteSize = text("20MB").within("100B", "100GB");
        /// Days for which rotated files are kept.
        keep_days: u32 = text("30").within("1", "3650");
        /// Whether records go to the journal as well.
        journald: bool = text("true");
    }
    /// Notifications of changes of health, and of the nightly refresh.
    notify: Notify {
        /// Command to start, without a shell; the notice is its standard input.
        command: Option<CommandLine> = unset();
        /// URL that gets a POST; `file:PATH` and `credential:NAME` name a private file that holds it.
        webhook: Option<Url> = unset().secret();
        /// What the receiver of the webhook expects: `json`, `slack` (Mattermost and Google Chat as well), `discord`,
        /// `teams` (a workflow of Power Automate) or `ntfy`.
        format: WebhookFormat = text("json");
        /// Addresses that get a mail, separated by commas. It is handed to `/usr/sbin/sendmail` or `/usr/lib/sendmail`.
        mail: Option<Recipients> = unset();
        /// Time of day, in `schedule.timezone`, of a message over all of these: whether every table is fresh, and what
        /// the night did. If not set, none is sent.
        morning: Option<NaiveTime> = unset();
        /// URL of a dead man's switch: fetched after every good scheduled run, with `/start` before one and with
        /// `/fail` after a bad one. Anyone who knows it can silence the alarm, so it may be `file:PATH` or
        /// `credential:NAME`, as above.
        ping_url: Option<Url> = unset().secret();
        /// Longest time for any of them.
        timeout: Duration = text("10s").within("100ms", "10m");
    }
    /// Targets that operation is measured against.
    targets: Targets {
        /// Lowest share of jobs that should end well.
        success_rate: f64 = text("0.95").within("0", "1");
        /// Highest share of jobs that may fail.
        error_rate: f64 = text("0.05").within("0", "1");
        /// Longest run, in seconds.
        refresh_seconds: u32 = text("300").within("1", "86400");
        /// Lowest share of entries that should be fresh.
        readiness: f64 = text("0.90").within("0", "1");
    }
    /// Optional schedules of maintenance, as cron expressions like `schedule.cron`.
    maintenance: Maintenance {
        /// When `ANALYZE` runs.
        analyze: Option<CronExpr> = unset();
        /// When entries that no reader uses any more are pruned.
        prune: Option<CronExpr> = unset();
        /// When VMS's database is copied into `backup_dir`.
        backup: Option<CronExpr> = unset();
        /// Directory of those copies: it must exist, must belong to the daemon's user or to root, and must not be
        /// writable by other users.
        backup_dir: Option<PathBuf> = unset();
        /// How many of them are kept.
        backup_keep: u32 = text("7").within("1", "10000");
    }
}

/// The key with exactly this name.
pub(super) fn find(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.section == section && key.name == name)
}
