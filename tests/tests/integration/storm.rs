//! Many clients that read a long history, again and again, beside refreshes and probes.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{Scope, ScopedJoinHandle, park_timeout, scope};
use std::time::{Duration, Instant};

use cached_tests::daemon::{Daemon, socket};
use cached_tests::golden::Golden;
use cached_tests::history;
use cached_tests::http::{Line, served_at};
use cached_tests::vms::Other;

const TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// What every reader asks for.
const HISTORY: &str = "/management/cache/api/runs?since=90d";

/// Most bytes of an answer.
const MOST: usize = 1024 * 1024;

/// Longer than any answer may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How long a rejected reader waits here: less than the daemon asks for, which makes the load worse.
const PAUSE: Duration = Duration::from_millis(50);

/// Longest time without a sign of life that a service manager with the packaged limits would bear.
const GAP: Duration = Duration::from_secs(5);

/// Only a failing test waits so long for a reader to be served and for one to be rejected.
const LONGEST: Duration = Duration::from_mins(2);

/// A crowd, and what it reads.
struct Crowd {
    set: &'static str,
    runs: u32,
    readers: usize,
    /// Minimum duration; the storm continues until one reader was served and one was rejected.
    lasts: Duration,
}

/// What the crowd has met so far.
#[derive(Debug, Default)]
struct Counts {
    pages: AtomicUsize,
    rejected: AtomicUsize,
}

/// What the crowd and those beside it have met.
#[derive(Debug, Default)]
struct Met {
    longest_page: usize,
    refreshes: usize,
    /// Sorted times of `/health`.
    probes: Vec<Duration>,
    longest_gap: Duration,
    /// Kilobytes before, at most during, and after the storm.
    memory: [u64; 3],
}

impl Counts {
    fn is_both(&self) -> bool {
        self.pages.load(Ordering::Relaxed) > 0 && self.rejected.load(Ordering::Relaxed) > 0
    }
}

impl Met {
    fn probe(&self, hundredths: usize) -> Duration {
        self.probes[(self.probes.len() * hundredths / 100).min(self.probes.len() - 1)]
    }
}

#[test]
fn under_many_readers_refreshes_and_probes_succeed_and_rejected_readers_get_a_retry_time() {
    let crowd = Crowd { set: "tiny1", runs: 1000, readers: 48, lasts: Duration::from_secs(1) };
    storm(&crowd);
}

/// Prints the figures for the README of the benches.
#[test]
#[ignore = "takes two minutes of a whole machine"]
fn after_240_readers_of_20000_runs_the_daemon_uses_no_more_memory() {
    let crowd = Crowd { set: "small3", runs: 20_000, readers: 240, lasts: Duration::from_mins(1) };
    let (met, counts) = storm(&crowd);
    println!(
        "{} pages of at most {} kB, {} rejected, {} forced refreshes; /health p50 {:?}, p99 {:?}, longest {:?}; \
         longest gap of the watchdog {:?}; {} kB before, {} kB at most, {} kB a minute after",
        counts.pages.into_inner(),
        met.longest_page / 1024,
        counts.rejected.into_inner(),
        met.refreshes,
        met.probe(50),
        met.probe(99),
        met.probes.last().unwrap(),
        met.longest_gap,
        met.memory[0],
        met.memory[1],
        met.memory[2],
    );
}

/// Fails on a refresh that fails or needs a second try, on an answer that is too long, too late or no answer,
/// and on a watchdog that hears nothing.
fn storm(crowd: &Crowd) -> (Met, Counts) {
    let golden = Golden::unpack(crowd.set);
    let daemon = Daemon::start(&golden, "");
    daemon.idle();
    daemon.stop();
    history::add(&golden.state(), crowd.runs);

    let token = golden.directory().join("token");
    fs::write(&token, TOKEN).unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    let manager = golden.directory().join("notify.sock");
    let watchdog = UnixDatagram::bind(&manager).unwrap();
    let mut command = Daemon::command(&golden, &format!("[http]\ntoken_file = \"{}\"\n", token.display()));
    command.env("CACHED_HTTP_LISTEN", "127.0.0.1:0");
    command.env("NOTIFY_SOCKET", &manager).env("WATCHDOG_USEC", "2000000");
    fs::remove_dir_all(golden.directory().join("log")).unwrap();
    let daemon = Daemon::launch(command, &socket(golden.directory()));
    let address = served_at(&golden.directory().join("log"));
    daemon.idle();
    let before = Other::open(&golden.state()).number("SELECT max(id) FROM jobs");
    let (over, counts) = (&AtomicBool::new(false), Counts::default());
    let mut met = Met { memory: [memory(&daemon), 0, 0], ..Met::default() };
    scope(|scope| {
        let readers: Vec<_> =
            (0..crowd.readers).map(|_| scope.spawn(|| read(address, &counts, over))).collect();
        let prober = scope.spawn(move || probe(address, over));
        let listener = scope.spawn(|| listen(&watchdog, over));
        let weigher = beside(scope, over, || memory(&daemon));
        let (began, end) = (now(), End(over));
        while began.elapsed() < crowd.lasts || !counts.is_both() {
            assert!(began.elapsed() < LONGEST, "timed out for a page and for a refusal: {counts:?}");
            let ran = daemon.ctl(&["refresh-all", "--force"]);
            assert_eq!(ran.code, Some(0), "{ran:?}");
            met.refreshes += 1;
        }
        drop(end);
        let longest = readers.into_iter().map(|reader| reader.join().unwrap());
        met.longest_page = longest.max().unwrap_or_default();
        met.probes = prober.join().unwrap();
        met.longest_gap = listener.join().unwrap();
        met.memory[1] = weigher.join().unwrap().into_iter().max().unwrap_or_default();
    });
    met.probes.sort_unstable();
    assert!(met.longest_gap < GAP, "the watchdog heard nothing for {:?}", met.longest_gap);
    // Long enough for what the storm has left to be worth a figure.
    if crowd.lasts >= Duration::from_mins(1) {
        let ended = now();
        while ended.elapsed() < Duration::from_mins(1) {
            park_timeout(Duration::from_secs(1));
        }
        met.memory[2] = memory(&daemon);
    }
    let tries = format!("SELECT coalesce(max(number), 0) FROM attempts WHERE job_id > {before}");
    assert_eq!(Other::open(&golden.state()).number(&tries), 1, "a table needed a second attempt");
    (met, counts)
}

/// Ends the storm, also when something in its middle fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Reads the history until the storm is over; returns the longest page.
fn read(address: SocketAddr, counts: &Counts, over: &AtomicBool) -> usize {
    let mut longest = 0;
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("Authorization", authorization.as_str())];
    let mut line = Line::open(address, TIMEOUT).unwrap();
    while !over.load(Ordering::Relaxed) {
        let answer = line.get(HISTORY, &headers).unwrap();
        assert!(answer.body.len() <= MOST, "an answer of {} bytes", answer.body.len());
        match answer.status {
            200 => {
                counts.pages.fetch_add(1, Ordering::Relaxed);
                longest = longest.max(answer.body.len());
                assert!(answer.header("link").unwrap().ends_with("; rel=\"next\""), "{}", answer.head);
            }
            503 => {
                counts.rejected.fetch_add(1, Ordering::Relaxed);
                let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
                assert!((1..=60).contains(&seconds), "{}", answer.head);
                park_timeout(PAUSE);
            }
            _ => panic!("{}\n{}", answer.head, answer.body),
        }
    }
    longest
}

/// Asks for `/health` as a load balancer does, each time on a new connection; returns how long each took.
fn probe(address: SocketAddr, over: &AtomicBool) -> Vec<Duration> {
    let mut took = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let began = now();
        let answer = Line::open(address, TIMEOUT).unwrap().get("/health", &[]).unwrap();
        took.push(began.elapsed());
        assert_eq!(answer.status, 200, "{}", answer.body);
        park_timeout(Duration::from_millis(20));
    }
    took
}

/// Listens as the service manager does; returns the longest time between two signs of life.
fn listen(watchdog: &UnixDatagram, over: &AtomicBool) -> Duration {
    watchdog.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let (mut longest, mut last, mut buffer) = (Duration::ZERO, now(), [0; 4096]);
    while !over.load(Ordering::Relaxed) {
        if let Ok(bytes) = watchdog.recv(&mut buffer)
            && buffer[..bytes].starts_with(b"WATCHDOG=1")
        {
            last = now();
        }
        longest = longest.max(last.elapsed());
    }
    longest
}

/// Takes a measurement ten times a second until the storm is over.
fn beside<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    over: &'scope AtomicBool,
    mut measure: impl FnMut() -> T + Send + 'scope,
) -> ScopedJoinHandle<'scope, Vec<T>> {
    scope.spawn(move || {
        let mut measured = Vec::new();
        while !over.load(Ordering::Relaxed) {
            measured.push(measure());
            park_timeout(Duration::from_millis(100));
        }
        measured
    })
}

#[expect(clippy::disallowed_methods, reason = "real processes live in real time")]
fn now() -> Instant {
    Instant::now()
}

/// Returns the kilobytes that the daemon occupies.
fn memory(daemon: &Daemon) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
