//! The daemon `cached`: generates every report cache of VMS straight from its own tables.
//!
//! Data flows one way: trigger → queue → snapshot → reports → store → tell.

pub mod chance;
pub mod cli;
pub mod clock;
pub mod command;
pub mod config;
pub mod demo;
pub mod describe;
pub(crate) mod fetch;
pub mod figures;
pub mod health;
pub mod heartbeat;
pub mod lifecycle;
pub mod maintenance;
pub(crate) mod notify;
pub(crate) mod probe;
pub mod queue;
pub mod refresh;
pub mod reports;
pub mod rpc;
pub mod schedule;
pub(crate) mod single_flight;
pub mod snapshot;
pub(crate) mod sqlite;
pub mod state;
pub mod store;
pub mod telemetry;
pub mod vms;
pub mod watch;
pub mod web;
