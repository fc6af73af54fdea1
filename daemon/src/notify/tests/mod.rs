//! Which notices are sent to which channels, and what a faulty receiver cannot cause.

mod announce;
mod command;
mod http;
mod level;
mod ping;
mod receiver;
mod rig;
