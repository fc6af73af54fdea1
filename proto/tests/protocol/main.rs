//! The protocol from outside the crate: the bytes of every message, the connection, and the client.

mod any;
#[cfg(feature = "client")]
mod client;
mod golden;
mod samples;
mod wire;
