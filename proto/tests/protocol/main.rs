//! The protocol from outside the crate: the bytes of every message, the connection, and the client.

#[cfg(feature = "client")]
mod client;
mod golden;
mod samples;
mod strategies;
mod wire;
