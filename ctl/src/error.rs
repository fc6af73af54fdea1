//! Errors, with a message for the user and an exit code for the shell.

use std::error::Error as _;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use cached_present::place::{BadInstance, INSTANCE};
use cached_proto::client::ClientError;
use cached_proto::fault::FaultCode;
use cached_proto::text::one_line;

/// Result of a `cachectl` invocation. Usage errors leave through clap, which exits with 2 as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Success.
    Good = 0,
    /// The daemon refused or failed, a table ended badly, or the daemon is unhealthy.
    Failed = 1,
    /// The request makes no sense.
    Usage = 2,
    /// No daemon answers.
    Unreachable = 3,
    /// The daemon does not accept this request from this user.
    NotAllowed = 4,
    /// The answer, or the end of the run, did not come in time.
    TimedOut = 5,
    /// Client and daemon speak different versions of the protocol.
    ProtocolMismatch = 6,
}

impl Exit {
    /// The number that the shell sees.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// [`Exit::Good`] or [`Exit::Failed`].
    pub const fn good_if(good: bool) -> Self {
        if good { Self::Good } else { Self::Failed }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Where the path of the socket is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    /// A flag.
    Flag,
    /// This variable.
    Variable(&'static str),
    /// Neither.
    Default,
}

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CtlError {
    /// The conversation with the daemon failed, or the daemon refused.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No run has that number, or it has been pruned.
    #[error("there is no run {0}; `cachectl history` lists the runs that are kept")]
    NoSuchRun(i64),
    /// A time that has yet to come, where one that has passed is needed.
    #[error("{at} has yet to come; name a time that has passed, such as yesterday or 7d")]
    InFuture { at: String },
    /// A time that no calendar has.
    #[error("that time is out of range; name a day such as 2026-11-01")]
    OutOfCalendar,
    /// `CACHED_INSTANCE` is not a name.
    #[error("{INSTANCE} {0}")]
    Instance(BadInstance),
    /// The time limit given by the user has passed.
    #[error("run {run} has not ended within {}; it continues", humantime::format_duration(*.waited))]
    StillRunning { run: i64, waited: Duration },
    /// The events of a run ended before the run did; without a cause, the daemon only ended the stream.
    #[error("lost track of run {run} before it ended")]
    LostTrack { run: i64, source: Option<ClientError> },
    /// The steps of a maintenance task ended before the task did.
    #[error("lost track of the maintenance task before it ended")]
    LostTask(#[source] Option<ClientError>),
    /// A copy cannot be written there.
    #[error("cannot write a copy to {what}: {why}")]
    NoTarget { what: String, why: String },
    /// A copy was begun and cannot be finished.
    #[error("{what} cannot be written; free some space there, or choose another path")]
    NotWritten { what: String, source: io::Error },
    /// What was received or written is not what the daemon has sent.
    #[error("{what} is not the copy that the daemon sent; do not use it, and try again")]
    CopyDiffers { what: String },
    /// A signal ended the wait for a copy.
    #[error("interrupted; the copy to {what} is not complete")]
    Interrupted { what: String },
    /// Signals cannot be received.
    #[error("cannot wait for signals; check the limits of this process (ulimit -a)")]
    Signals(#[source] io::Error),
    /// A test of notifications had nothing to try.
    #[error("no notification channel is configured")]
    NoChannel,
    /// Standard output cannot be written to.
    #[error("cannot write to standard output")]
    Stdout(#[source] io::Error),
    /// A reply that JSON cannot express.
    #[error("cannot write the answer as JSON")]
    Json(#[source] serde_json::Error),
}

impl CtlError {
    /// The exit code of this error.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Client(error) => exit_of(error),
            Self::StillRunning { .. } => Exit::TimedOut,
            // A reader that needs no more closes the pipe, as `head` does; that is not an error.
            Self::Stdout(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Good,
            Self::LostTrack { source, .. } | Self::LostTask(source) => {
                source.as_ref().map_or(Exit::Failed, exit_of)
            }
            Self::Instance(_) | Self::NoTarget { .. } | Self::InFuture { .. } | Self::OutOfCalendar => {
                Exit::Usage
            }
            Self::NoSuchRun(_)
            | Self::NotWritten { .. }
            | Self::CopyDiffers { .. }
            | Self::Interrupted { .. }
            | Self::Signals(_)
            | Self::NoChannel
            | Self::Stdout(_)
            | Self::Json(_) => Exit::Failed,
        }
    }

    /// Returns the message for the user: the error, its causes, and what to do about it. `named` says where the path of
    /// the socket is from.
    pub(crate) fn lines(&self, named: Named) -> Vec<String> {
        if self.exit() == Exit::Good {
            return Vec::new();
        }
        let mut lines = vec![format!("error: {}", one_line(&self.to_string()))];
        let mut cause = self.source();
        while let Some(error) = cause {
            lines.push(format!("cause: {}", one_line(&error.to_string())));
            cause = error.source();
        }
        if let Some(hint) = self.hint(named).filter(|hint| !hint.is_empty()) {
            lines.push(format!("hint: {}", one_line(&hint)));
        }
        lines
    }

    /// What to do about the error; errors of the connection carry their hint in the message.
    fn hint(&self, named: Named) -> Option<String> {
        match self {
            Self::Client(ClientError::Unreachable { .. }) => match named {
                Named::Flag => None,
                Named::Variable(name) => Some(format!("{name} names this socket")),
                Named::Default => Some("name another socket with --socket or CACHED_SOCKET".to_owned()),
            },
            Self::Client(ClientError::Fault(fault)) => Some(fault.hint.clone()),
            Self::LostTrack { source: Some(ClientError::Fault(fault)), .. }
            | Self::LostTask(Some(ClientError::Fault(fault)))
                if !fault.hint.is_empty() =>
            {
                Some(fault.hint.clone())
            }
            Self::Client(ClientError::WrongReply { .. }) => {
                Some("install cached and cachectl of the same version".to_owned())
            }
            Self::StillRunning { run, .. } => Some(format!("`cachectl run {run}` shows how far it is")),
            // Runs are durable: a daemon that restarts continues them.
            Self::LostTrack { run, .. } => Some(format!("`cachectl run {run}` shows how it ended")),
            Self::NoChannel => Some(
                "set command, webhook, mail or ping_url below [notify] in the configuration of cached, then \
                 `cachectl reload`"
                    .to_owned(),
            ),
            Self::LostTask(_) => Some("the log of cached shows how it ended".to_owned()),
            Self::Client(_)
            | Self::NoSuchRun(_)
            | Self::InFuture { .. }
            | Self::OutOfCalendar
            | Self::Instance(_)
            | Self::NoTarget { .. }
            | Self::NotWritten { .. }
            | Self::CopyDiffers { .. }
            | Self::Interrupted { .. }
            | Self::Signals(_)
            | Self::Stdout(_)
            | Self::Json(_) => None,
        }
    }
}

const fn exit_of(error: &ClientError) -> Exit {
    match error {
        ClientError::Unreachable { .. } | ClientError::Broken { .. } => Exit::Unreachable,
        ClientError::NotAllowed { .. } => Exit::NotAllowed,
        ClientError::TimedOut { .. } => Exit::TimedOut,
        ClientError::Protocol { .. }
        | ClientError::Hello { .. }
        | ClientError::Unexpected { .. }
        | ClientError::WrongReply { .. }
        | ClientError::Codec(_) => Exit::ProtocolMismatch,
        ClientError::Fault(fault) => match fault.code {
            FaultCode::BadRequest => Exit::Usage,
            FaultCode::NotAllowed => Exit::NotAllowed,
            FaultCode::Unsupported => Exit::ProtocolMismatch,
            FaultCode::NotFound
            | FaultCode::Unavailable
            | FaultCode::Internal
            | FaultCode::Locked
            | FaultCode::Busy => Exit::Failed,
        },
        ClientError::Spent => Exit::Failed,
    }
}

#[cfg(test)]
mod tests {
    use cached_proto::fault::Fault;

    use super::*;
    use crate::testing::HOSTILE;

    fn fault(code: FaultCode, message: &str, hint: &str) -> CtlError {
        let fault = Fault { code, message: message.into(), hint: hint.into(), retryable: false };
        ClientError::Fault(fault).into()
    }

    #[test]
    fn a_fault_says_what_is_wrong_and_what_to_do() {
        let printed = fault(FaultCode::NotAllowed, "only members of cached may refresh", "use sudo")
            .lines(Named::Default);
        insta::assert_snapshot!(printed.join("\n"), @r"
        error: only members of cached may refresh
        hint: use sudo
        ");
    }

    #[test]
    fn a_fault_cannot_forge_lines() {
        insta::assert_snapshot!(fault(FaultCode::Internal, HOSTILE, HOSTILE).lines(Named::Default).join("\n"), @r"
        error: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
        hint: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
        ");
    }

    #[test]
    fn a_timed_out_wait_names_the_command_that_shows_the_run() {
        let error = CtlError::StillRunning { run: 12, waited: Duration::from_secs(90) };
        assert_eq!(error.exit(), Exit::TimedOut);
        insta::assert_snapshot!(error.lines(Named::Default).join("\n"), @r"
        error: run 12 has not ended within 1m 30s; it continues
        hint: `cachectl run 12` shows how far it is
        ");
    }

    #[test]
    fn a_lost_connection_says_where_to_find_the_run() {
        let path = "/run/cached/cached.sock".into();
        let source = ClientError::Broken { path, source: io::ErrorKind::UnexpectedEof.into() };
        let error = CtlError::LostTrack { run: 12, source: Some(source) };
        assert_eq!(error.exit(), Exit::Unreachable);
        insta::assert_snapshot!(error.lines(Named::Default).join("\n"), @r"
        error: lost track of run 12 before it ended
        cause: the connection to /run/cached/cached.sock broke; the daemon may have stopped: check `systemctl status cached`
        cause: unexpected end of file
        hint: `cachectl run 12` shows how it ended
        ");
    }

    #[test]
    fn an_unreachable_daemon_names_what_has_named_the_socket() {
        for (named, hint) in [
            (Named::Flag, None),
            (Named::Variable("CACHED_SOCKET"), Some("hint: CACHED_SOCKET names this socket")),
            (Named::Default, Some("hint: name another socket with --socket or CACHED_SOCKET")),
        ] {
            let source = io::ErrorKind::NotFound.into();
            let lines =
                CtlError::from(ClientError::Unreachable { path: "/x.sock".into(), source }).lines(named);
            assert_eq!(lines.get(2).map(String::as_str), hint, "{lines:?}");
        }
    }

    #[test]
    fn faults_have_exit_codes() {
        for (code, exit) in [
            (FaultCode::BadRequest, Exit::Usage),
            (FaultCode::NotAllowed, Exit::NotAllowed),
            (FaultCode::NotFound, Exit::Failed),
            (FaultCode::Unsupported, Exit::ProtocolMismatch),
            (FaultCode::Unavailable, Exit::Failed),
            (FaultCode::Internal, Exit::Failed),
            (FaultCode::Locked, Exit::Failed),
            (FaultCode::Busy, Exit::Failed),
        ] {
            assert_eq!(fault(code, "", "").exit(), exit, "{code:?}");
        }
    }

    #[test]
    fn a_broken_pipe_exits_with_0_and_other_write_errors_with_1() {
        let gone = CtlError::Stdout(io::ErrorKind::BrokenPipe.into());
        assert_eq!((gone.exit(), gone.lines(Named::Default)), (Exit::Good, Vec::new()));
        let full = CtlError::Stdout(io::ErrorKind::StorageFull.into());
        assert_eq!((full.exit(), full.lines(Named::Default).len()), (Exit::Failed, 2));
    }
}
