//! Why a notice did not arrive.

use std::io;
use std::time::Duration;

/// Why a notice did not arrive. Of an address it tells the host at most: the rest may be a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotifyError {
    /// There is no such program, or it is not ours to start.
    #[error("{program} cannot be started; check its path and rights")]
    Start {
        /// The program.
        program: String,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The program was started and lost.
    #[error("{program} cannot be watched")]
    Watch {
        /// The program.
        program: String,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The program did not like it.
    #[error("{program} ended with {status}{said}; try it by hand with some text on its standard input")]
    Failed {
        /// The program.
        program: String,
        /// Exit status or signal.
        status: String,
        /// The beginning of its standard error, with what separates it from the rest; may be empty.
        said: String,
    },
    /// Nobody can wait for ever.
    #[error("{who} took longer than {}; look why, or raise notify.timeout", humantime::format_duration(*.limit))]
    TimedOut {
        /// The program or the host.
        who: String,
        /// `notify.timeout`.
        limit: Duration,
    },
    /// The receiver answered, and not well.
    #[error("{host} answered with status {status}; check the address{}", hint(*.status))]
    Refused {
        /// The host.
        host: String,
        /// HTTP status.
        status: u16,
    },
    /// No connection, or one that broke.
    #[error("{host} cannot be reached: {what}")]
    Unreachable {
        /// The host.
        host: String,
        /// What went wrong, in our own words or the system's.
        what: String,
    },
}

const fn hint(status: u16) -> &'static str {
    match status {
        300..400 => ": it leads elsewhere, and redirects are not followed",
        _ => "",
    }
}
