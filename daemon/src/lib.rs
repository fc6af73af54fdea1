//! The daemon `cached`: generates every report cache of VMS straight from its own tables.
//!
//! Data flows one way:
//!
//! ```text
//! trigger            jobs         worker                                             publish
//! schedule, watch ──► coalesce ──► snapshot ──► reports ──► guard ──► store ──────►  state, metrics,
//! rpc, web             and claim    one read     pure         compare   short write   events, notices,
//!                                   transaction  builders     and hold  transactions  log
//! ```
//!
//! | step | module | what it does |
//! |---|---|---|
//! | trigger | [`schedule`] | slots in civil time, catch-up of missed nights, top-up of expiring entries |
//! | | [`watch`] | detects changes of the source and lost cache rows |
//! | | [`rpc`], [`web`] | the control socket and the HTTP server, through which clients request refreshes |
//! | | `service` | what the verbs do, for both |
//! | jobs | [`jobs`] | durable runs and jobs: what each trigger means, coalescing, retries, history |
//! | worker | [`refresh`] | executes a run: one snapshot, then table by table; surveys the tables |
//! | snapshot | [`snapshot`] | the source rows of a run, read in one transaction |
//! | reports | [`reports`] | pure builders, one per cache table |
//! | store | [`store`] | judges entries, writes groups |
//! | publish | [`health`], [`figures`] | problems and what to do about them; rates, times, readiness |
//! | | `notify`, [`telemetry`] | notifications of changed health; log file and journal |
//! | below all | [`state`], [`vms`] | the daemon's own database; VMS's database, its schema and its types |
//! | around all | [`config`], [`daemon`], [`supervise`] | settings; start, reload and stop; the list of components |
//! | | [`command`], [`cli`] | the verbs of `cached` |
//! | beside | [`maintenance`], [`demo`] | maintenance of the database files; a sample of VMS's database |
//!
//! Only `vms` and `state` open a database, and only through SQLite; `plain_file` opens what operators name.
//!
//! Time comes from a [`clock::Clock`] and randomness from a [`rng::Rng`] that are passed in.

pub(crate) mod accounts;
pub mod civil;
pub mod cli;
pub mod clock;
pub mod command;
pub mod config;
pub mod daemon;
pub mod demo;
pub mod describe;
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test reads and writes its own files")]
#[path = "../../tests/support/directory.rs"]
pub mod directory;
pub(crate) mod disk;
pub(crate) mod fetch;
pub mod figures;
pub mod health;
pub mod heartbeat;
pub mod jobs;
pub mod maintenance;
pub(crate) mod notify;
pub(crate) mod places;
pub(crate) mod plain_file;
pub(crate) mod probe;
pub(crate) mod readers;
pub mod refresh;
pub mod reports;
pub mod rng;
pub mod rpc;
pub mod schedule;
pub(crate) mod service;
pub(crate) mod single_flight;
pub mod snapshot;
pub(crate) mod sqlite;
pub mod state;
pub mod store;
pub mod supervise;
pub mod telemetry;
pub mod vms;
pub mod watch;
pub mod web;
