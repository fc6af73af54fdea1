//! What must hold for any input from outside: one function per kind of input, which panics where it does not.
//!
//! `tests/fuzz` feeds them what libFuzzer invents; a test feeds them the inputs that are kept.

mod config;
mod message;
mod payload;
mod session;
mod time;
mod wire;

/// A check of one input.
pub type Target = fn(&[u8]);

/// Every target, by the name of its directory of kept inputs.
pub const TARGETS: [(&str, Target); 6] = [
    ("config", config::check),
    ("message", message::check),
    ("payload", payload::check),
    ("session", session::check),
    ("time", time::check),
    ("wire", wire::check),
];
