//! Recruitment: volunteers to ask for an event, and DIA events that still need volunteers.
//!
//! Two tables: [`Candidates`] ranks volunteers for single events, [`Dia`] lists all upcoming DIA events. Both
//! take their data from one keyword file ([`Keywords`]).

mod candidates;
mod dia;
mod directory;
mod keywords;
mod like;
mod targets;
mod text;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use candidates::Candidates;
pub use dia::Dia;
pub use keywords::{Keywords, KeywordsError};
