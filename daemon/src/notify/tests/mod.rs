//! What is told, to whom, and what a receiver cannot do to us.

mod announce;
mod command;
mod http;
mod level;
mod ping;
mod receiver;
mod rig;
