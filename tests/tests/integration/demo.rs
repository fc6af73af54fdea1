//! `cached demo`: the page is shown at once, without a login and even if another process uses the port.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use cached_tests::binary::{cached, run};
use cached_tests::http::{Answer, ask};
use cached_tests::wait;
use tempfile::TempDir;

const PAGE: &str = "/management/cache/status";
const BROWSER: (&str, &str) = ("Accept", "text/html,*/*;q=0.8");

/// Longest wait for a line; only a failing test waits that long.
const TIMEOUT: Duration = Duration::from_mins(2);

/// A running demonstration.
struct Demo {
    process: Child,
    /// Output before the address of its page.
    output: String,
    address: SocketAddr,
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Demo {
    fn start(mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut output = String::new();
        let (sender, lines) = mpsc::channel();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || stdout.lines().try_for_each(|line| sender.send(line.unwrap())));
        let address = loop {
            let line = lines.recv_timeout(TIMEOUT);
            let line = line.unwrap_or_else(|why| panic!("no page is promised ({why}): {output}"));
            if let Some(rest) = line.trim().strip_prefix("http://") {
                break rest.strip_suffix(PAGE).unwrap().parse().unwrap();
            }
            output += &line;
            output.push('\n');
        };
        wait::until("the page is served", || std::net::TcpStream::connect(address).ok());
        Self { process, output, address }
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        ask(self.address, method, path, headers)
    }
}

/// Returns the command, with no configuration but what is set here.
fn demo(directory: &Path) -> Command {
    let file = directory.join("empty.toml");
    std::fs::write(&file, "").unwrap();
    let mut command = cached();
    command.env_remove("CACHED_HTTP_LISTEN").args(["demo", "--config"]).arg(file);
    command.arg("--dir").arg(directory.join("demo"));
    command
}

#[test]
fn every_user_of_this_machine_may_view_the_demo_and_change_nothing() {
    let scratch = TempDir::new().unwrap();
    let mut command = demo(scratch.path());
    command.args(["--http", "127.0.0.1:0"]);
    let demo = Demo::start(command);
    let page = demo.ask("GET", PAGE, &[BROWSER]);
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.body.contains("Viewing without signing in") && !page.body.contains("<button"), "{page:?}");
    assert_eq!(demo.ask("GET", "/metrics", &[]).status, 200);
    for (method, path) in [
        ("GET", "/management/cache/api/entries/dia_events_report_cache"),
        ("POST", "/management/cache/scheduler/stop"),
    ] {
        assert_eq!(demo.ask(method, path, &[]).status, 401, "{method} {path}");
    }
    let elsewhere = demo.ask("GET", PAGE, &[BROWSER, ("X-Forwarded-For", "203.0.113.9")]);
    assert_eq!(elsewhere.status, 401, "open viewing is for this machine only: {elsewhere:?}");
}

#[test]
fn a_taken_default_port_is_replaced_by_another_one() {
    let scratch = TempDir::new().unwrap();
    // If another process has the port already, the test works as well.
    let _taken = TcpListener::bind("127.0.0.1:8321");
    let demo = Demo::start(demo(scratch.path()));
    assert_ne!(demo.address.port(), 8321);
    let reported = format!("Port 8321 is taken; the page is at port {} instead.", demo.address.port());
    assert!(demo.output.contains(&reported), "{}", demo.output);
    assert_eq!(demo.ask("GET", PAGE, &[BROWSER]).status, 200);
}

#[test]
fn a_taken_port_that_was_configured_is_an_error() {
    let scratch = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = demo(scratch.path());
    command.args(["--http", &address]);
    let ran = run(&mut command);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains(&format!("http.listen is {address}")), "{ran:?}");
}

#[test]
fn values_that_the_user_has_set_stay_in_a_demo() {
    let scratch = TempDir::new().unwrap();
    let mut command = demo(scratch.path());
    command.args(["--http", "127.0.0.1:0"]).env("CACHED_HTTP_OPEN_VIEWING", "false");
    let demo = Demo::start(command);
    assert_eq!(demo.ask("GET", PAGE, &[BROWSER]).status, 401);
}
