//! Recruitment: whom to ask for an event, and which DIA events still look for somebody.
//!
//! Two tables: [`Candidates`] ranks volunteers for single events, [`Dia`] lists all coming DIA events. Both
//! take what is data from one keyword file ([`Keywords`]).

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
