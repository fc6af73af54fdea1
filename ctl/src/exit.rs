//! Exit codes, for scripts.

use std::process::ExitCode;

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
