//! Errors of sending a notice.

use std::io;
use std::time::Duration;

/// Why a notice did not arrive. Of an address, messages contain at most the host: the rest may be a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotifyError {
    /// The program does not exist or the daemon may not execute it.
    #[error("{program} cannot be started; check its path and rights")]
    Start {
        /// The program.
        program: String,
        /// The operating system's error.
        #[source]
        source: io::Error,
    },
    /// The program was started, but waiting for its end failed.
    #[error("{program} cannot be watched")]
    Watch {
        /// The program.
        program: String,
        /// The operating system's error.
        #[source]
        source: io::Error,
    },
    /// The program exited with an error.
    #[error("{program} ended with {status}{said}; try it by hand with some text on its standard input")]
    Failed {
        /// The program.
        program: String,
        /// Exit status or signal.
        status: String,
        /// The beginning of its standard error, with a separator; may be empty.
        said: String,
    },
    /// The program or the receiver exceeded the time limit.
    #[error("{who} took longer than {}; look why, or raise notify.timeout", humantime::format_duration(*.limit))]
    TimedOut {
        /// The program or the host.
        who: String,
        /// `notify.timeout`.
        limit: Duration,
    },
    /// The receiver answered with an error status.
    #[error("{host} answered with status {status}; check the address{}", hint(*.status))]
    Refused {
        /// The host.
        host: String,
        /// HTTP status.
        status: u16,
    },
    /// The connection could not be made or was lost.
    #[error("{host} cannot be reached: {what}")]
    Unreachable {
        /// The host.
        host: String,
        /// What went wrong, in the daemon's words or the operating system's.
        what: String,
    },
}

const fn hint(status: u16) -> &'static str {
    match status {
        300..400 => ": it leads elsewhere, and redirects are not followed",
        _ => "",
    }
}
