//! What people and scripts read. Everything that renders is a pure function of a reply and a [`View`].

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

/// From here on a listing has room for its secondary columns.
const WIDE: u16 = 120;

/// What rendering depends on besides the reply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    /// The instant that ages are counted to.
    pub now: DateTime<Utc>,
    /// The zone that instants are shown in.
    pub zone: Zone,
    /// Columns of the terminal; none when standard output is not one.
    pub width: Option<u16>,
    /// Whether and how colour is used.
    pub style: Style,
}

impl View {
    /// The same view in the daemon's zone, an IANA name; unchanged if this client does not know it.
    pub(crate) fn in_zone(self, iana: &str) -> Self {
        Self { zone: iana.parse().map_or(self.zone, Zone::Named), ..self }
    }

    /// Whether secondary columns fit. Files and pipes have room for all of them.
    pub(crate) fn is_wide(&self) -> bool {
        self.width.is_none_or(|width| width >= WIDE)
    }
}

/// Writes to standard output. `print!` would panic when the reader has gone (`cachectl jobs | head -1`); here a reader
/// that has what it wants changes nothing, the exit code of the verb included.
pub(crate) fn print(text: &str) -> Result<(), CtlError> {
    match stream(text) {
        Err(CtlError::Stdout(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes to standard output what more follows; a reader that has gone is an error, so that the rest is not asked for.
pub(crate) fn stream(text: &str) -> Result<(), CtlError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(CtlError::Stdout)
}

/// Writes a line to standard error. Nobody is left to be told when that fails.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
