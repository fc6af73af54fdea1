//! A key of the daemon's own, generated anew at every start.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};

/// A secret number that never leaves this process.
#[derive(Clone)]
pub(super) struct Seal([u8; 32]);

impl Seal {
    /// Generates the key with the kernel's random numbers: the daemon's `Chance` guards against accidents,
    /// while this has to withstand adversaries.
    #[expect(clippy::disallowed_methods, reason = "a device of the system, and no database")]
    pub(super) fn draw() -> io::Result<Self> {
        let mut bytes = [0; 32];
        File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The secret number. Never display it.
    pub(super) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(hidden)")
    }
}
