//! What crosses the control socket of `cached`.

pub mod fault;
pub mod message;
pub mod text;
pub mod time;
pub mod verb;
pub mod words;
