//! Output for people and scripts. Everything that renders is a pure function of a reply and a [`View`].

pub(crate) mod json;
pub(crate) mod progress;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod time;

use std::io::{self, Write as _};

pub(crate) use cached_proto::speech::{bytes, count};
use chrono::{DateTime, Utc};

use crate::error::CtlError;
use crate::output::style::Style;
use crate::output::time::Zone;

/// Terminal width from which on a listing shows its secondary columns.
const WIDE: u16 = 120;

/// What rendering depends on besides the reply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    /// The instant that ages are counted to.
    pub now: DateTime<Utc>,
    /// The zone that instants are shown in.
    pub zone: Zone,
    /// Columns of the terminal; `None` when standard output is not a terminal.
    pub width: Option<u16>,
    /// Whether and how colour is used.
    pub style: Style,
}

impl View {
    /// Returns this view in the daemon's zone, an IANA name; unchanged if this client does not know the zone.
    pub(crate) fn in_zone(self, iana: &str) -> Self {
        Self { zone: iana.parse().map_or(self.zone, Zone::Named), ..self }
    }

    /// Whether secondary columns fit. Files and pipes have room for all of them.
    pub(crate) fn is_wide(&self) -> bool {
        self.width.is_none_or(|width| width >= WIDE)
    }
}

/// Writes to standard output. `print!` would panic on a closed pipe (`cachectl jobs | head -1`); here a
/// closed pipe is ignored and does not change the exit code of the verb.
pub(crate) fn print(text: &str) -> Result<(), CtlError> {
    match stream(text) {
        Err(CtlError::Stdout(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes part of a stream to standard output; a closed pipe is an error, so that the caller does not request
/// the rest.
pub(crate) fn stream(text: &str) -> Result<(), CtlError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(CtlError::Stdout)
}

/// Writes a line to standard error. A failure is ignored, because there is no place left to report it.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
