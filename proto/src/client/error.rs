//! Errors of the client, each with what to do about it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::codec::CodecError;
use crate::fault::Fault;
use crate::frame::FrameError;
use crate::hello::{HelloError, Protocols};
use crate::text::one_line;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No process listens on the socket.
    #[error(
        "cannot reach the daemon at {}; start it with `systemctl start cached` or `cached run`, \
         or name its socket with CACHED_SOCKET",
        shown(.path)
    )]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The file permissions of the socket deny access to this user.
    #[error(
        "not allowed to use the socket {}; become a member of its group (`ls -l` names it) and log in \
         again, or use sudo",
        shown(.path)
    )]
    NotAllowed {
        /// The socket.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The daemon received the request and answered with a fault.
    #[error("{}", one_line(&.0.message))]
    Fault(Fault),
    /// Client and daemon have no protocol in common.
    #[error(
        "the daemon speaks protocol {theirs}, this client {ours}; install cached and cachectl of the same \
         version and restart the daemon (`systemctl restart cached`)"
    )]
    Protocol {
        /// The protocol numbers that this client speaks.
        ours: Protocols,
        /// The protocol numbers that the daemon speaks.
        theirs: Protocols,
    },
    /// The peer on the socket did not send a valid hello.
    #[error("no proper hello from {}; check that it is the socket of cached", shown(.path))]
    Hello {
        /// The socket.
        path: PathBuf,
        /// What is wrong with the hello.
        #[source]
        source: HelloError,
    },
    /// The daemon took too long.
    #[error(
        "waited {after:?} for {what} from {}; the daemon is busy or stuck: try again, or look at \
         `systemctl status cached`",
        shown(.path)
    )]
    TimedOut {
        /// The socket.
        path: PathBuf,
        /// What the client waited for.
        what: &'static str,
        /// How long it waited.
        after: Duration,
    },
    /// The connection failed or ended early.
    #[error(
        "the connection to {} broke; the daemon may have stopped: look at `systemctl status cached`",
        shown(.path)
    )]
    Broken {
        /// The socket.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The daemon sent a message that does not belong at this point of the exchange.
    #[error("{} sent {what}; report this as a bug of the daemon", shown(.path))]
    Unexpected {
        /// The socket.
        path: PathBuf,
        /// What the daemon sent.
        what: &'static str,
    },
    /// A message could not be encoded or decoded.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// An earlier call left the connection out of step.
    #[error("the connection is spent after an earlier error; connect again")]
    Spent,
}

impl From<Fault> for ClientError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl ClientError {
    pub(super) fn from_connect(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        if source.kind() == io::ErrorKind::PermissionDenied {
            Self::NotAllowed { path, source }
        } else {
            Self::Unreachable { path, source }
        }
    }

    pub(super) fn from_hello(path: &Path, error: HelloError) -> Self {
        let path = path.to_owned();
        match error {
            HelloError::NothingInCommon { ours, theirs } => Self::Protocol { ours, theirs },
            HelloError::Io(source) => Self::Broken { path, source },
            source => Self::Hello { path, source },
        }
    }

    pub(super) fn from_frame(path: &Path, error: FrameError) -> Self {
        match error {
            FrameError::Io(source) => Self::Broken { path: path.to_owned(), source },
            FrameError::Codec(error) => error.into(),
            error @ (FrameError::CutOff | FrameError::TooLong { .. }) => Self::Broken {
                path: path.to_owned(),
                source: io::Error::new(io::ErrorKind::InvalidData, error),
            },
        }
    }

    pub(super) fn unexpected(path: &Path, what: &'static str) -> Self {
        Self::Unexpected { path: path.to_owned(), what }
    }
}

/// The path on one line, with control characters escaped.
fn shown(path: &Path) -> String {
    one_line(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Constructs the error directly: a test that runs as root cannot make the kernel refuse the connection.
    #[test]
    fn a_socket_that_refuses_this_user_is_told_apart_from_one_that_is_not_there() {
        let error =
            ClientError::from_connect(Path::new("/run/x.sock"), io::ErrorKind::PermissionDenied.into());
        assert!(matches!(error, ClientError::NotAllowed { .. }), "{error:?}");
        assert!(error.to_string().contains("/run/x.sock"), "{error}");
    }
}
