//! The whole program, end to end: the real binaries or the whole daemon in the test's process, on real files. Needs
//! `python3`, and nothing else of the machine; tests that mount file systems say so when they are left out.

mod bad_input;
mod beside_vms;
mod demo;
mod deviations;
mod faults;
mod fuzz;
mod glossary;
mod golden;
mod instances;
mod invariants;
mod load;
mod locked;
mod logs;
mod maintenance;
mod output;
mod proofs;
mod protocol_one;
mod runbook;
mod shapes;
mod statements;
mod steering;
mod storm;
mod suspect_data;
mod watch;
