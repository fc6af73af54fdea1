//! The daemon beside a VMS in another process: no request to the daemon releases the locks of its connections, and no
//! commit of VMS is left in a log that a copy of the file misses.
//!
//! VMS has to be another process, since POSIX locks belong to processes; so does whatever copies the file.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use cached::daemon::Daemon;
use cached::state::State;
use cached::vms::Vms;
use cached_proto::message::{Reply, Request};
use cached_proto::verb::refresh::RefreshRequest;
use cached_proto::words::{Outcome, SchedulerState, Table, Trigger};
use serde_json::{Value, json};

use crate::boot::{self, Home, TIMEOUT, finished};
use crate::passing::pass;
use crate::web_client::{ask, authorization, serve_web};

/// Restarts of VMS in one test.
const RESTARTS: usize = 100;

/// Time after which a view of the web side is computed again.
const APART: Duration = Duration::from_secs(10);

const SECOND: Duration = Duration::from_secs(1);

const TABLE: Table = Table::OrganizationSummaryCache;

const MODES: [&str; 2] = ["WAL", "DELETE"];

/// Executes one statement for each line, with VMS's busy timeout; `open` and `close` control the connection.
const PYTHON: &str = r"
import json, sqlite3, sys
db = None
for line in sys.stdin:
    path, sql = json.loads(line)
    try:
        if sql == 'open':
            db = sqlite3.connect(path, timeout=20, isolation_level=None)
            rows = db.execute('SELECT count(*) FROM sqlite_master').fetchall()
        elif sql == 'close':
            rows = db.close()
        else:
            rows = db.execute(sql).fetchall()
        print(json.dumps({'rows': rows}), flush=True)
    except sqlite3.Error as error:
        print(json.dumps({'error': str(error)}), flush=True)
";

/// VMS, as a process of its own; dropping it kills it.
struct Other {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    path: String,
}

impl Other {
    /// Starts VMS, which is connected then.
    fn start(path: &Path) -> Self {
        let mut python = Command::new("python3");
        python.args(["-c", PYTHON]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = python.spawn().expect("python3 is needed as the other process");
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut vms = Self { child, to, from, path: path.to_str().unwrap().to_owned() };
        vms.rows("open");
        vms
    }

    fn answer(&mut self, sql: &str) -> Value {
        writeln!(self.to, "{}", json!([self.path, sql])).unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn rows(&mut self, sql: &str) -> Value {
        let answer = self.answer(sql);
        assert_eq!(answer.get("error"), None, "{sql}");
        answer["rows"].clone()
    }

    fn one(&mut self, sql: &str) -> Value {
        self.rows(sql)[0][0].clone()
    }

    /// Whether another process has the write lock.
    fn is_locked_out(&mut self) -> bool {
        self.rows("PRAGMA busy_timeout = 0");
        let answer = self.answer("BEGIN IMMEDIATE");
        self.rows("PRAGMA busy_timeout = 20000");
        if answer["error"] == "database is locked" {
            return true;
        }
        assert_eq!(answer, json!({"rows": []}));
        self.rows("ROLLBACK");
        false
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns a home whose database has this journal mode, with a daemon that has refreshed everything.
async fn at_rest(mode: &str) -> (Home, Daemon) {
    let mut home = Home::new();
    serve_web(&mut home);
    let mut vms = Other::start(&home.path("vms.db"));
    assert_eq!(vms.one(&format!("PRAGMA journal_mode = {mode}")), mode.to_lowercase());
    // Computing the long lists of candidates is not what is tested here.
    vms.rows("UPDATE contact SET do_not_contact = 1 WHERE id % 10");
    vms.rows("close");
    let daemon = home.boot().await;
    assert!(finished(&daemon, 1).await.outcome.is_some_and(Outcome::is_good));
    (home, daemon)
}

/// Sends every request that reads the database.
async fn ask_everything(daemon: &Daemon) {
    let token = authorization();
    let authorized = [("Authorization", token.as_str())];
    let health = ask(daemon, "GET", "/health", &[], "").await;
    assert_eq!(health.json()["database"], "connected");
    for (path, headers) in
        [("/ready", &[][..]), ("/metrics", &authorized), ("/management/cache/status", &authorized)]
    {
        let answer = ask(daemon, "GET", path, headers, "").await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
    assert!(matches!(boot::ask(daemon, Request::Health).await, Reply::Health(_)));
}

/// Runs `cached check` beside the daemon.
fn check(home: &Home) {
    let mut check = Command::new(env!("CARGO_BIN_EXE_cached"));
    check.env_clear().args(["check", "--database"]).arg(home.path("vms.db"));
    let output = check.arg("--state").arg(home.path("state.db")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg(from).arg(to).status().unwrap();
    assert!(copied.success());
}

/// Refreshes one table, and returns when it was stamped.
async fn refresh(home: &Home, daemon: &Daemon) -> String {
    let tables = vec![TABLE];
    let request = RefreshRequest { force: true, tables, ..RefreshRequest::default() };
    let Reply::Refresh(reply) = boot::ask(daemon, Request::Refresh(request)).await else {
        panic!("no refresh")
    };
    let run = finished(daemon, reply.run).await;
    assert!(run.outcome.is_some_and(Outcome::is_good), "{run:?}");
    let now = cached::clock::Clock::now(&*home.clock);
    now.format("%Y-%m-%d %H:%M:%S").to_string()
}

fn stamp(vms: &mut Other) -> String {
    let newest = vms.one(&format!("SELECT max(last_updated) FROM {TABLE}"));
    newest.as_str().unwrap()[.."2026-03-10 17:00:00".len()].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_lock_survives_every_request() {
    for mode in MODES {
        let (home, daemon) = at_rest(mode).await;
        let mut vms = Other::start(&home.path("vms.db"));
        let ours = Vms::open(&home.path("vms.db")).await.unwrap();
        let transaction = ours.begin_write().await.unwrap();
        assert!(vms.is_locked_out(), "{mode}: before anything was asked");
        ask_everything(&daemon).await;
        assert!(vms.is_locked_out(), "{mode}: after the web side and the socket");
        home.clock.advance(APART);
        ask_everything(&daemon).await;
        check(&home);
        assert!(vms.is_locked_out(), "{mode}: after `cached check`");
        transaction.rollback().await.unwrap();
        assert!(!vms.is_locked_out(), "{mode}: the lock has been released");
        ours.close().await;
        daemon.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_opened_twice_keeps_its_log_when_another_process_closes_it() {
    let home = Home::new();
    let path = home.path("state.db");
    let open = async || State::open(&path, cached::clock::Clock::now(&*home.clock)).await.unwrap();
    let state = open().await;
    open().await.close().await.unwrap();
    State::open_read_only(&path).await.unwrap().unwrap().close().await.unwrap();
    Other::start(&path).rows("close");
    assert!(home.path("state.db-wal").exists(), "removed while we are connected");
    assert!(state.set_scheduler_state(SchedulerState::Stopped).await.unwrap());
    state.close().await.unwrap();
    assert_eq!(open().await.scheduler_state().await.unwrap(), SchedulerState::Stopped);
}

/// VMS is restarted again and again beside questions and refreshes.
async fn restarts(mode: &str) {
    let (home, daemon) = at_rest(mode).await;
    let mut vms = Other::start(&home.path("vms.db"));
    for restart in 0..RESTARTS {
        vms.rows(&format!("UPDATE organization SET name = name || '{restart}' WHERE id = 1"));
        let ours = Vms::open(&home.path("vms.db")).await.unwrap();
        let transaction = ours.begin_write().await.unwrap();
        ask_everything(&daemon).await;
        assert!(vms.is_locked_out(), "restart {restart}: our transaction is not visible");
        transaction.rollback().await.unwrap();
        vms.rows("close");
        if mode == "WAL" {
            assert!(home.path("vms.db-wal").exists(), "restart {restart}: removed while we are connected");
        }
        ours.close().await;
        let stamped = refresh(&home, &daemon).await;
        vms.rows("open");
        assert_eq!(stamp(&mut vms), stamped, "restart {restart}: the refresh is not visible");
        assert_eq!(vms.one("PRAGMA quick_check"), "ok", "restart {restart}");
        home.clock.advance(SECOND);
    }
    assert_eq!(vms.rows("PRAGMA integrity_check"), json!([["ok"]]));
    daemon.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vms_with_a_log_that_restarts_a_hundred_times_sees_every_refresh() {
    restarts("WAL").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vms_with_a_rollback_journal_that_restarts_a_hundred_times_sees_every_refresh() {
    restarts("DELETE").await;
}

/// Lets time pass until `condition` holds.
async fn until(home: &Home, what: &str, condition: impl AsyncFn() -> bool) {
    let passing = async {
        while !condition().await {
            pass(&home.clock, SECOND).await;
            // A run takes real time, and must not outlast the night.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(TIMEOUT, passing).await.unwrap_or_else(|_| panic!("timed out: {what}"));
}

/// Waits until the log is gone; no time passes for the daemon, but it may be reading at the moment.
async fn log_is_gone(home: &Home) {
    let waiting = async {
        while home.path("vms.db-wal").exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(TIMEOUT, waiting).await.expect("the daemon keeps the log of a VMS that has stopped");
}

/// Waits until the watch has queued a run after run `before`, and until it has ended.
async fn watched(home: &Home, daemon: &Daemon, before: i64) {
    let last = async || daemon.queue().last_run().await.unwrap().unwrap();
    until(home, "the watch refreshes what has changed", async || last().await.id > before).await;
    let run = last().await;
    assert!(run.trigger == Trigger::Watch && run.outcome.is_some_and(Outcome::is_good), "{run:?}");
}

const RENAME: &str = "UPDATE organization SET name = 'Renamed' WHERE id = 1";
const RENAMED: &str = "SELECT count(*) FROM organization WHERE name = 'Renamed'";
const REFRESHED: &str =
    "SELECT count(*) FROM organization_summary_cache WHERE organizations_data LIKE '%Renamed%'";

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_file_after_vms_has_stopped_has_every_commit() {
    for mode in MODES {
        let (home, daemon) = at_rest(mode).await;
        let (path, at_once, later) = (home.path("vms.db"), home.path("once.db"), home.path("later.db"));
        pass(&home.clock, SECOND).await;
        let mut vms = Other::start(&path);
        vms.rows(RENAME);
        pass(&home.clock, SECOND).await;
        vms.rows("close");
        log_is_gone(&home).await;
        copy(&path, &at_once);
        watched(&home, &daemon, 1).await;
        log_is_gone(&home).await;
        copy(&path, &later);
        for (copied, refreshed) in [(&at_once, false), (&later, true)] {
            let mut copied = Other::start(copied);
            assert_eq!(copied.one(RENAMED), 1, "{mode}: VMS's commit is missing");
            assert_eq!(copied.one(REFRESHED).as_i64().unwrap() > 0, refreshed, "{mode}: the refresh");
            assert_eq!(copied.one("PRAGMA quick_check"), "ok", "{mode}");
        }
        daemon.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_checkpointed_while_vms_is_idle_and_after_it_was_killed() {
    let (home, daemon) = at_rest("WAL").await;
    let (path, log) = (home.path("vms.db"), home.path("vms.db-wal"));
    let mut vms = Other::start(&path);
    vms.rows(RENAME);
    assert!(log.metadata().unwrap().len() > 0);
    watched(&home, &daemon, 1).await;
    let is_empty = async || log.metadata().unwrap().len() == 0;
    until(&home, "the log is empty while VMS is connected", is_empty).await;
    copy(&path, &home.path("quiet.db"));
    assert_eq!(Other::start(&home.path("quiet.db")).one(RENAMED), 1);

    vms.rows("UPDATE contact SET notes = 'called'");
    drop(vms);
    assert!(log.metadata().unwrap().len() > 0, "VMS was killed");
    until(&home, "the log of a killed VMS is gone", async || !log.exists()).await;
    daemon.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_copied_over_the_database_is_used_and_refreshed() {
    for mode in MODES {
        let (home, daemon) = at_rest(mode).await;
        let (path, backup) = (home.path("vms.db"), home.path("backup.db"));
        copy(&path, &backup);
        let mut vms = Other::start(&path);
        vms.rows(RENAME);
        watched(&home, &daemon, 1).await;
        assert!(vms.one(REFRESHED).as_i64().unwrap() > 0, "{mode}");
        // Many pages, which an old log would write over the backup.
        vms.rows("CREATE TABLE more AS SELECT * FROM contact");
        vms.rows("close");
        log_is_gone(&home).await;
        copy(&backup, &path);
        vms.rows("open");
        assert_eq!(vms.rows("PRAGMA integrity_check"), json!([["ok"]]), "{mode}: after the restore");
        assert_eq!((vms.one(RENAMED), vms.one(REFRESHED)), (json!(0), json!(0)), "{mode}");
        vms.rows("close");
        // The source and its reports are those of the backup, and not those that the daemon read last.
        watched(&home, &daemon, 2).await;
        vms.rows("open");
        assert_eq!((vms.one(RENAMED), vms.one(REFRESHED)), (json!(0), json!(0)), "{mode}");
        assert_eq!(vms.rows("PRAGMA integrity_check"), json!([["ok"]]), "{mode}: after the refresh");
        assert_eq!(vms.one("PRAGMA journal_mode"), mode.to_lowercase());
        daemon.stop().await.unwrap();
    }
}
