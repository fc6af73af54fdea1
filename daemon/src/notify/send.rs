//! The two ways to send a notice: an HTTP request, and a program that reads it.

use std::ffi::OsStr;
use std::future::pending;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use cached_proto::text::{one_line, truncated};
use futures_util::FutureExt as _;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, Command};

use crate::clock::Clock;
use crate::config::Url;
pub(super) use crate::fetch::Call;
use crate::fetch::{FetchError, fetch, host};

/// Pauses before another attempt; after the last one the channel gives up until something changes.
pub(super) const PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];

/// Why a notice did not arrive. Of an address, messages contain at most the host: the rest may be a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotifyError {
    /// The program does not exist or the daemon may not execute it.
    #[error("{program} cannot be started; check its path and rights")]
    Start { program: String, source: io::Error },
    /// The program was started, but waiting for its end failed.
    #[error("{program} cannot be watched")]
    Watch { program: String, source: io::Error },
    /// No program of this machine takes mail.
    #[error("no program takes mail: {why}; install one, such as msmtp-mta, or use notify.command")]
    NoSendmail { why: String },
    /// The program exited with an error.
    #[error("{program} ended with {status}{stderr}; run it by hand with some text on its standard input")]
    Failed { program: String, status: String, stderr: String },
    /// The program or the receiver exceeded the time limit.
    #[error("{who} took longer than {}; find out why, or raise notify.timeout", humantime::format_duration(*.limit))]
    TimedOut { who: String, limit: Duration },
    /// The receiver answered with an error status.
    #[error("{host} answered with status {status}; check the address{}", hint(*.status))]
    Refused { host: String, status: u16 },
    /// The connection could not be made or was lost.
    #[error("{host} cannot be reached: {what}")]
    Unreachable { host: String, what: String },
}

const fn hint(status: u16) -> &'static str {
    match status {
        300..400 => ": redirects are not followed",
        _ => "",
    }
}

/// Sends the request and accepts any status from 200 to 299.
pub(super) async fn call(url: &Url, call: Call, limit: Duration) -> Result<(), NotifyError> {
    let answer = fetch(url, call, limit).await;
    let host = host(url);
    match answer {
        Ok(200..300) => Ok(()),
        Ok(status) => Err(NotifyError::Refused { host, status }),
        Err(FetchError::TimedOut(limit)) => Err(NotifyError::TimedOut { who: host, limit }),
        Err(FetchError::Unreachable(what)) => Err(NotifyError::Unreachable { host, what }),
    }
}

/// The only variable besides `LANG` that the program gets: the daemon's environment is not passed on.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Bytes of standard error that are kept, and characters of it that are shown.
const KEPT: usize = 4096;
const SHOWN: usize = 200;

/// Runs the program with the text on its standard input and waits for its end; after `limit` it is killed
/// with all its children.
pub(super) async fn start(
    path: &Path,
    arguments: impl IntoIterator<Item: AsRef<OsStr>>,
    text: &str,
    limit: Duration,
    clock: &dyn Clock,
) -> Result<(), NotifyError> {
    let program = one_line(&path.to_string_lossy()).into_owned();
    let child = Command::new(path)
        .args(arguments)
        .env_clear()
        .env("PATH", PATH)
        .env("LANG", "C.UTF-8")
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|source| NotifyError::Start { program: program.clone(), source })?;
    // When dropped, also because this future is dropped, it kills the whole process group.
    let mut group = Group(child);
    tokio::select! {
        ended = group.feed(text) => match ended {
            Ok((status, _)) if status.success() => Ok(()),
            Ok((status, stderr)) => Err(NotifyError::Failed { program, status: status.to_string(), stderr }),
            Err(source) => Err(NotifyError::Watch { program, source }),
        },
        () = clock.sleep(limit) => Err(NotifyError::TimedOut { who: program, limit }),
    }
}

/// The process group of the program.
struct Group(Child);

impl Group {
    async fn feed(&mut self, text: &str) -> io::Result<(std::process::ExitStatus, String)> {
        let (stdin, stderr) = (self.0.stdin.take(), self.0.stderr.take());
        let write = async {
            if let Some(mut stdin) = stdin {
                // A command that does not read its input may close it; that is not an error.
                let _ = stdin.write_all(text.as_bytes()).await;
            }
        };
        let mut output = Stderr { stderr, bytes: Vec::new() };
        let talk = async {
            tokio::join!(write, output.read());
            pending().await
        };
        // Children that outlive the command may hold its pipes open, so only its own exit counts.
        let status = tokio::select! {
            status = self.0.wait() => status?,
            never = talk => never,
        };
        // The last output may still be in the pipe.
        let _ = output.read().now_or_never();
        Ok((status, output.text()))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // `id` is none once the process has been waited for: its number may have been reused since.
        let running = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = running {
            // An error means that no process of the group is left.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// The beginning of standard error. The rest is read and discarded, so that the command does not block.
struct Stderr {
    stderr: Option<ChildStderr>,
    bytes: Vec<u8>,
}

impl Stderr {
    async fn read(&mut self) {
        let Some(stderr) = &mut self.stderr else { return };
        let mut buffer = [0; 1024];
        while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
            let room = KEPT.saturating_sub(self.bytes.len());
            self.bytes.extend(buffer.iter().take(count.min(room)));
        }
        self.stderr = None;
    }

    fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        match text.trim() {
            "" => String::new(),
            text => format!(" ({})", truncated(&one_line(text), SHOWN)),
        }
    }
}
