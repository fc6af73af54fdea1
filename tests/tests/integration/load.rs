//! Many readers of the status, and followers of events, while everything is refreshed again and again.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cached_tests::daemon::{Daemon, socket};
use cached_tests::golden::Golden;
use cached_tests::http::{ask, served_at};

const READERS: usize = 50;
const FOLLOWERS: usize = 50;
const LASTS: Duration = Duration::from_secs(30);
const TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const EVENTS: &str = "/management/cache/api/events";

/// Prints the figures for the README of the benches.
#[test]
#[ignore = "takes half a minute of a whole machine"]
fn readers_and_followers_beside_refreshes_meet_no_error() {
    let golden = Golden::unpack("small3");
    let token = golden.directory().join("token");
    fs::write(&token, TOKEN).unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    let configuration = format!("[http]\ntoken_file = \"{}\"\n", token.display());
    let mut command = Daemon::command(&golden, &configuration);
    command.env("CACHED_HTTP_LISTEN", "127.0.0.1:0");
    let daemon = Daemon::launch(command, &socket(golden.directory()));
    let address = served_at(&golden.directory().join("log"));
    daemon.idle();
    let quiet = memory(daemon.pid(), "VmRSS");

    let over = AtomicBool::new(false);
    let (mut took, refreshes, heard) = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(|| read(address, &over))).collect();
        let followers: Vec<_> = (0..FOLLOWERS).map(|_| scope.spawn(|| follow(address, &over))).collect();
        let began = now();
        let mut refreshes = 0;
        while began.elapsed() < LASTS {
            let ran = daemon.ctl(&["refresh-all", "--force"]);
            assert_eq!(ran.code, Some(0), "{ran:?}");
            refreshes += 1;
        }
        over.store(true, Ordering::Relaxed);
        let took: Vec<Duration> = readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect();
        let heard: Vec<usize> = followers.into_iter().filter_map(|one| one.join().unwrap()).collect();
        (took, refreshes, heard)
    });
    took.sort_unstable();
    let at = |hundredths: usize| took[(took.len() * hundredths / 100).min(took.len() - 1)];
    let most = memory(daemon.pid(), "VmHWM");
    println!(
        "{} answers, {refreshes} forced refreshes, {} followers; p50 {:?}, p99 {:?}, longest {:?}; \
         {quiet} kB before, {most} kB at most",
        took.len(),
        heard.len(),
        at(50),
        at(99),
        took.last().unwrap(),
    );
    assert!(refreshes > 0 && took.len() >= READERS, "{refreshes}, {}", took.len());
    assert!(heard.iter().all(|&bytes| bytes > 0), "{heard:?}");
}

#[expect(clippy::disallowed_methods, reason = "real processes live in real time")]
fn now() -> Instant {
    Instant::now()
}

fn authorization() -> String {
    format!("Bearer {TOKEN}")
}

/// Sends requests until `over`, and returns the duration of each.
fn read(address: SocketAddr, over: &AtomicBool) -> Vec<Duration> {
    let mut took = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let began = now();
        let authorization = authorization();
        let headers = [("Authorization", authorization.as_str())];
        let answer = ask(address, "GET", "/management/cache/api/status", &headers);
        assert_eq!(answer.status, 200, "{answer:?}");
        took.push(began.elapsed());
    }
    took
}

/// Follows events until `over`, and returns how many bytes arrived; `None` where there are no events to
/// follow.
fn follow(address: SocketAddr, over: &AtomicBool) -> Option<usize> {
    let mut stream = TcpStream::connect(address).unwrap();
    let request =
        format!("GET {EVENTS} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {}\r\n\r\n", authorization());
    stream.write_all(request.as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let (mut heard, mut buffer) = (0, [0; 4096]);
    while !over.load(Ordering::Relaxed) {
        match stream.read(&mut buffer) {
            Ok(0) => panic!("the stream of events ended"),
            Ok(bytes) => {
                if heard == 0 && buffer.starts_with(b"HTTP/1.1 404") {
                    return None;
                }
                assert!(heard > 0 || buffer.starts_with(b"HTTP/1.1 200"));
                heard += bytes;
            }
            // No event for a while.
            Err(error)
                if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(error) => panic!("{error}"),
        }
    }
    Some(heard)
}

/// Returns kilobytes of memory, as the system reports them.
fn memory(pid: u32, what: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
