//! `packaging/nginx/cached.conf` in a real nginx, in front of a real daemon and of a stand-in for VMS.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use cached_tests::daemon::{Daemon, socket};
use cached_tests::golden::Golden;
use cached_tests::http::{Answer, ask, served_at};
use cached_tests::vms::Other;
use cached_tests::wait;
use hmac::{Hmac, KeyInit, Mac};

const SNIPPET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/nginx/cached.conf");
const SECRET: &str = "a secret key that only this test knows";
const PUBLIC: &str = "http://vms.example.org";
const STATUS: &str = "/management/cache/api/status";

/// A daemon behind nginx; the rest of the site belongs to VMS.
struct Site {
    nginx: Child,
    address: SocketAddr,
    daemon: Daemon,
    golden: Golden,
}

impl Drop for Site {
    fn drop(&mut self) {
        // SIGKILL would leave nginx's worker behind.
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.nginx.id()).unwrap()).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.nginx.wait();
    }
}

impl Site {
    /// Returns `None` where nginx is not installed, which is an error where everything must be tested.
    fn open() -> Option<Self> {
        if Command::new("nginx").arg("-v").stderr(Stdio::null()).status().is_err() {
            assert!(std::env::var_os("CI").is_none(), "NOT TESTED: nginx is not installed");
            println!("NOT TESTED: nginx is not installed");
            return None;
        }
        let golden = Golden::unpack("tiny1");
        let vms = Other::open(&golden.database());
        vms.execute(
            "INSERT INTO users (id, username, email, password_hash, security_level, scope_type, is_active, \
             created_at, updated_at) \
             VALUES (1, 'ada', 'ada@example.org', '', 3, 'global', 1, '2026-01-01 00:00:00', '2026-01-01 00:00:00')",
        );
        drop(vms);
        let directory = golden.directory();
        secret(&directory.join("key"), SECRET);
        let configuration = format!(
            "[http]\npublic_origin = \"{PUBLIC}\"\ntrusted_proxies = [\"127.0.0.1\"]\nsecret_key_file = \"{}\"\napi_tokens = true\n",
            directory.join("key").display(),
        );
        let mut command = Daemon::command(&golden, &configuration);
        command.env("CACHED_HTTP_LISTEN", "127.0.0.1:0");
        let daemon = Daemon::launch(command, &socket(directory));
        let upstream = served_at(&directory.join("log"));
        let (nginx, address) = start(directory, upstream, fake_vms());
        Some(Self { nginx, address, daemon, golden })
    }

    /// Follows events through the proxy.
    fn follow(&self, cookie: &str) -> Lines<BufReader<TcpStream>> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let host = PUBLIC.strip_prefix("http://").unwrap();
        let request = format!(
            "GET /management/cache/api/events HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\
             Accept-Encoding: gzip\r\nCookie: {cookie}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        BufReader::new(stream).lines()
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let host = ("Host", PUBLIC.strip_prefix("http://").unwrap());
        ask(self.address, method, path, &[headers, &[host]].concat())
    }
}

fn secret(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Starts a server that responds with the requested path.
fn fake_vms() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut line = String::new();
            while stream.read_line(&mut line).unwrap() > 2 && !line.ends_with("\r\n\r\n") {}
            let printed = format!("VMS: {}", line.split(' ').nth(1).unwrap());
            let length = printed.len();
            let answer =
                format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{printed}");
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

/// Starts nginx as an ordinary user can: everything below one directory. The site compresses whatever it can,
/// which delays responses that are not exempt from buffering.
fn start(directory: &Path, cached: SocketAddr, vms: SocketAddr) -> (Child, SocketAddr) {
    let shipped = fs::read_to_string(SNIPPET).unwrap();
    assert!(shipped.contains("http://127.0.0.1:8321"));
    fs::write(directory.join("cached.conf"), shipped.replace("127.0.0.1:8321", &cached.to_string())).unwrap();
    // nginx cannot report an automatically chosen port; one that was free a moment ago will do.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("  {kind}_temp_path {};\n", directory.join(kind).display()))
        .concat();
    let directory = directory.display();
    let configuration = format!(
        "daemon off;\npid {directory}/nginx.pid;\nerror_log {directory}/error.log;\nevents {{}}\nhttp {{\n{temporary}\
         \x20 access_log off;\n  gzip on;\n  gzip_types *;\n  gzip_proxied any;\n  server {{\n    listen {address};\n    server_name vms.example.org;\n\
         \x20   include {directory}/cached.conf;\n    location / {{ proxy_pass http://{vms}; }}\n  }}\n}}\n"
    );
    let file = format!("{directory}/nginx.conf");
    fs::write(&file, configuration).unwrap();
    let error_log = format!("{directory}/error.log");
    let mut nginx = Command::new("nginx");
    nginx.args(["-c", &file, "-e", &error_log]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = nginx.spawn().unwrap();
    wait::until("nginx listens", || {
        if let Some(end) = child.try_wait().unwrap() {
            panic!("{end}: {}", fs::read_to_string(&error_log).unwrap_or_default());
        }
        TcpStream::connect(address).ok()
    });
    (child, address)
}

/// Returns a session of the administrator, as VMS issues it.
#[expect(clippy::disallowed_methods, reason = "real processes live in real time")]
fn session() -> String {
    let now = chrono::Utc::now().timestamp().to_be_bytes();
    let payload = BASE64.encode(r#"{"_fresh":true,"_permanent":true,"_user_id":"1"}"#);
    let signed = format!("{payload}.{}", BASE64.encode(&now[4..]));
    let sign = |key: &[u8], message: &str| {
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(key).unwrap();
        mac.update(message.as_bytes());
        mac.finalize().into_bytes()
    };
    let key = sign(SECRET.as_bytes(), "cookie-session");
    format!("vms_session={signed}.{}", BASE64.encode(sign(&key, &signed)))
}

#[test]
fn nginx_serves_cached_as_a_part_of_vmss_site() {
    let Some(site) = Site::open() else { return };
    let script = ("X-Requested-With", "XMLHttpRequest");
    let cookie = session();
    let cookie = ("Cookie", cookie.as_str());

    // Other paths belong to VMS.
    for path in ["/", "/health", "/metrics", "/ready", "/management/cached", "/management/users"] {
        assert_eq!(site.ask("GET", path, &[cookie]).body, format!("VMS: {path}"));
    }

    // Cookies pass, and a request without one is refused.
    assert_eq!(site.ask("GET", STATUS, &[script]).status, 401);
    assert_eq!(site.ask("GET", STATUS, &[script, cookie]).status, 200);
    let login = site.ask("GET", STATUS, &[("Accept", "text/html")]);
    assert!(
        login.status == 302 && login.head.contains("location: /login?next=/management/cache/"),
        "{login:?}"
    );

    // A request that changes something must come from the site under its public name.
    let stop = "/management/cache/scheduler/stop";
    for (origin, status) in [
        (PUBLIC, 200),
        ("http://evil.example", 403),
        ("https://vms.example.org", 403),
        ("http://127.0.0.1:8321", 403),
    ] {
        let answer = site.ask("POST", stop, &[script, cookie, ("Origin", origin)]);
        assert_eq!(answer.status, status, "{origin}: {answer:?}");
    }
    let other = ask(site.address, "GET", STATUS, &[script, cookie, ("Host", "evil.example")]);
    assert_eq!(other.status, 421, "the requested host name is passed on");

    // Attempts are counted for the client, not for the proxy.
    let attempt = |client: &str| {
        let token = ("X-API-Token", "0000000000000000000000000000000000000000000000000000000000000000");
        site.ask("GET", STATUS, &[script, token, ("X-Forwarded-For", client)]).status
    };
    assert!((0..200).any(|_| attempt("203.0.113.9") == 429), "attempts are limited");
    assert_eq!(attempt("203.0.113.10"), 401);
}

/// The next event of this name, with the lines before it.
fn event(lines: &mut Lines<BufReader<TcpStream>>, name: &str) -> String {
    let mut heard = String::new();
    for line in lines {
        let line = line.unwrap_or_else(|error| panic!("{name} does not come: {error}; heard: {heard}"));
        heard += &line;
        heard.push('\n');
        if line == format!("event: {name}") {
            return heard;
        }
    }
    panic!("the end came before {name}: {heard}");
}

#[test]
fn events_pass_nginx_while_a_run_is_in_progress() {
    let Some(site) = Site::open() else { return };
    site.daemon.idle();
    let mut lines = site.follow(&session());
    let head = event(&mut lines, "snapshot").to_lowercase();
    assert!(head.contains("content-type: text/event-stream") && !head.contains("content-encoding"), "{head}");

    // The first table cannot be written before the lock is released, so an event about it must arrive without
    // delay.
    let vms = Other::open(&site.golden.database());
    vms.execute("BEGIN IMMEDIATE");
    site.daemon.ctl(&["refresh", "district", "--force", "--no-wait"]);
    event(&mut lines, "job_started");
    let status = site.daemon.json(&["status"]);
    assert!(!status["current_run"].is_null(), "the refresh still runs: {status}");
    vms.execute("COMMIT");
    event(&mut lines, "run_done");
}

#[test]
fn an_administrator_of_vms_sees_the_page_and_uses_its_forms() {
    let Some(site) = Site::open() else { return };
    let cookie = session();
    let headers = [("Accept", "text/html"), ("Cookie", cookie.as_str())];
    let page = site.ask("GET", "/management/cache/status", &headers);
    assert!(page.status == 200 && page.body.contains("Signed in as ada"), "{page:?}");
    // The page's assets are found under the same name.
    let asset = |attribute: &str| {
        let (_, rest) = page.body.split_once(attribute).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    for path in [asset("rel=\"stylesheet\" href=\""), asset("<script src=\"")] {
        let answer = site.ask("GET", &path, &[]);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
    let form = site.ask("POST", "/management/cache/refresh", &[&headers[..], &[("Origin", PUBLIC)]].concat());
    assert_eq!(form.status, 303, "{form:?}");
    let (_, to) = form.head.split_once("location: ").unwrap();
    let to = to.lines().next().unwrap();
    assert!(to.starts_with("/management/cache/runs/"), "the way on stays on the site: {to}");
    assert_eq!(site.ask("GET", to, &headers).status, 200);
}
