//! The reports of recruitment, seen from outside.

mod candidates;
mod dia;
mod targets;
