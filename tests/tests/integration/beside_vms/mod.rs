//! VMS's own workers write while the daemon refreshes: no write of theirs fails because of it, and the
//! reports end up right.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod worker;

use std::time::Duration;

use cached_tests::daemon::Daemon;
use cached_tests::inside::Sample;
use cached_tests::rng::Rng;
use cached_tests::scratch::{all_rows, difference, from_scratch};
use cached_tests::vms::Other;

use worker::Worker;

const CONFIGURATION: &str = "[vms]\ntimezone = \"America/Chicago\"\n[http]\nlisten = \"\"\n";

/// Number of workers, as of a small web server.
const WORKERS: usize = 4;

/// Number of forced refreshes of everything while they write.
const REFRESHES: usize = 4;

/// Time for which VMS waits for a lock.
const TIMEOUT: Duration = Duration::from_secs(20);

#[test]
fn refreshes_and_vmss_writers_run_side_by_side_without_errors() {
    let mut rng = Rng::printed("beside VMS");
    let sample = Sample::today(12, 1);
    Other::open(&sample.database()).execute("PRAGMA journal_mode = WAL");
    let daemon = Daemon::spawn(sample.directory(), CONFIGURATION);
    daemon.answers();
    daemon.idle();

    let mut begin = |busy_timeout| Worker::begin(&sample.database(), busy_timeout, Rng::new(rng.bits()));
    let workers: Vec<Worker> = (0..WORKERS).map(|_| begin(TIMEOUT)).collect();
    let without_waiting = begin(Duration::from_secs(1));
    let written = || workers.iter().map(Worker::transactions).sum::<u64>();
    for refresh in 0..REFRESHES {
        let before = written();
        // `json` panics unless the whole run succeeds.
        let run = daemon.json(&["refresh", "--force"]);
        let transactions = written() - before;
        println!(
            "refresh {refresh}: {} s, {transactions} transactions beside it, write lock {}",
            run["seconds"], run["write_lock"]
        );
        assert!(transactions > 0, "no transaction was committed during refresh {refresh}");
        assert!(run["write_lock"]["longest"].as_f64().unwrap() > 0.0, "{run}");
    }
    for (worker, number) in workers.into_iter().zip(1..) {
        let wrote = worker.end();
        println!("worker {number}: {wrote}");
        assert_eq!(wrote.errors, Vec::<String>::new(), "worker {number}");
    }
    println!("with a busy timeout of one second: {}", without_waiting.end());

    daemon.idle();
    daemon.json(&["refresh", "--force"]);
    let lock = daemon.json(&["report"])["write_lock"].clone();
    println!("the daemon's own holds: {lock}");
    assert!(lock["count"].as_u64().unwrap() > 0, "{lock}");
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(difference(&all_rows(&sample), &from_scratch(&sample)), None, "writers left traces");
}
