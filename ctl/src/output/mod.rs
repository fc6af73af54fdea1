//! Output for people and scripts. Everything that renders is a pure function of a reply and a [`View`].

pub(crate) mod progress;
pub(crate) mod table;
pub(crate) mod target;
mod view;

use std::io::{self, Write as _};

use serde::Serialize;

pub(crate) use self::view::{Style, View, Zone};
use crate::error::CtlError;

/// Renders the value as indented JSON with a newline at its end.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<String, CtlError> {
    cached_present::json::pretty(value).map_err(CtlError::Json)
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
