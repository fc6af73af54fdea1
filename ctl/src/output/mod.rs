//! What people and scripts read. Everything that renders is a pure function of a reply and a [`View`].

pub(crate) mod json;
pub(crate) mod progress;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod time;

use std::io::{self, Write as _};

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

/// Writes to standard output. `print!` would panic when the reader has gone (`cachectl jobs | head -1`).
pub(crate) fn print(text: &str) -> Result<(), CtlError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(CtlError::Stdout)
}

/// Writes a line to standard error. Nobody is left to be told when that fails.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// A number of things: `1 table`, `2 tables`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// Bytes in decimal units: `812 B`, `1.2 MB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match UNITS.iter().find(|(size, _)| bytes >= *size) {
        None => format!("{bytes} B"),
        Some((size, unit)) => {
            let tenths = u128::from(bytes) * 10 / u128::from(*size);
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_short() {
        for (given, shown) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (999_999, "999.9 kB"),
            (1_250_000, "1.2 MB"),
            (u64::MAX, "18446744.0 TB"),
        ] {
            assert_eq!(bytes(given), shown);
        }
    }

    #[test]
    fn one_thing_is_singular() {
        let counted = [0, 1, 2].map(|number| count(number, "table"));
        assert_eq!(counted, ["0 tables", "1 table", "2 tables"]);
    }
}
